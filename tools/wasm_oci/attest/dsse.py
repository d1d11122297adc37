"""DSSE envelopes (secure-systems-lab/dsse, protocol.md and envelope.md) with one signature, as bundles of Sigstore have them."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import member
from wasm_oci.wording import shown_value

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_URL_SAFE = str.maketrans("-_", "+/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An in-toto statement and its signature; nothing is verified."""

    payload: bytes
    signature: bytes
    key_id: str = ""
    """What the envelope says of the key, which is not signed."""

    def message(self) -> bytes:
        """Returns what is signed: the pre-authentication encoding of the payload and its type."""
        kind = PAYLOAD_TYPE.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)

    def to_json(self) -> JsonObject:
        return {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(self.signature).decode()}],
        }


def parse_envelope(document: JsonObject, *, where: str) -> Envelope:
    """Returns the envelope of an in-toto statement with exactly one signature; raises FormatError for anything else."""
    payload_type = member(document, "payloadType", str, where=where)
    if payload_type != PAYLOAD_TYPE:
        what = f"the payload is {payload_type[:80]!r}, not {PAYLOAD_TYPE}"
        raise FormatError(what, where=f"{where}.payloadType", hint="sign an in-toto statement")
    signatures = member(document, "signatures", list, where=where)
    if len(signatures) != 1 or not isinstance(signatures[0], dict):
        what = f"exactly one signature is expected, but there are {len(signatures)}"
        raise FormatError(what, where=f"{where}.signatures", hint="write a bundle for each signature")
    place = f"{where}.signatures[0]"
    return Envelope(
        payload=decoded(document, "payload", where=where),
        signature=decoded(signatures[0], "sig", where=place),
        key_id=member(signatures[0], "keyid", str, where=place, needed=False) or "",
    )


def decoded(document: JsonObject, key: str, *, where: str) -> bytes:
    """Returns the bytes of a member in base64, standard or URL-safe, which may not be empty; raises FormatError."""
    text = member(document, key, str, where=where)
    try:
        data = base64.b64decode(text.translate(_URL_SAFE).encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as err:
        raise FormatError(f"{shown_value(text)} is not base64", where=f"{where}.{key}") from err
    if not data:
        raise FormatError("must not be empty", where=f"{where}.{key}")
    return data
