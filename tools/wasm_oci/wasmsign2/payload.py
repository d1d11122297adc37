"""The signatures of a file as the published wasmsign2 reads them: what `wasmsign2` says follows from that."""

from __future__ import annotations

import os
from typing import BinaryIO

from wasm_oci.errors import FormatError
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import PREAMBLE_SIZE, read_preamble
from wasm_oci.wasmsign.section import find_signature
from wasm_oci.wasmsign.signature import SHA256, SignatureData, message, parse_as_reference
from wasm_oci.wasmsign2.texts import CRYPTO_ERROR, NOT_SIGNED, NOT_VALID, PARSE_ERROR, Refusal


def read_signatures(stream: BinaryIO, signature: bytes | None) -> tuple[SignatureData, int]:
    """Returns the signatures, and where what they are about begins; `signature` is a detached file's content.

    Raises Refusal where there are none or they cannot be read, FormatError for a file whose beginning is malformed.
    """
    read_preamble(stream)
    payload, start = signature, PREAMBLE_SIZE
    if payload is None:
        found = find_signature(stream)
        if found is None:
            raise Refusal(NOT_SIGNED if stream.seek(0, os.SEEK_END) > PREAMBLE_SIZE else PARSE_ERROR)
        payload, start = found.payload(), found.end
    try:
        data = parse_as_reference(payload)
    except FormatError as err:
        raise Refusal(PARSE_ERROR) from err
    if data.hash_function != SHA256:
        raise Refusal(PARSE_ERROR)
    return data, start


def valid_hashes(data: SignatureData, key: PublicKey) -> frozenset[bytes]:
    """Returns the hashes of all sets that a key signed; raises Refusal for a signature of another size."""
    verifies, found, tried = ed25519.verifier(key.raw), set[bytes](), 0
    for signed in data.sets:
        for record in signed.signatures:
            if record.key_id not in (b"", key.key_id):
                continue
            if len(record.signature) != ed25519.SIGNATURE_SIZE:
                raise Refusal(CRYPTO_ERROR)
            tried += 1
            if tried > LIMITS.verifications:
                raise Refusal(NOT_VALID)
            if verifies(message(signed.hashes), record.signature):
                found.update(signed.hashes)
    return frozenset(found)
