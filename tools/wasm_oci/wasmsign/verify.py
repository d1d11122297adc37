"""Verifying a file: read once, its structure and its hashes checked in the same pass.

Specification: tool-conventions, Signatures.md, "Signature verification algorithm for an entire module". Stricter than
the published wasmsign2: the hashes of a signed set must be those of this file, one for each part,
and the last must cover its end. So a file that was cut off after a delimiter is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import open_input
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import PREAMBLE_SIZE, Kind, read_preamble
from wasm_oci.wasmsign.parts import Stretch, changed, fits, read_parts
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.section import find_signature
from wasm_oci.wasmsign.signature import ED25519, SignatureData, SignedHashes, message, parse_signature

_SHOWN = 8
"""How many key ids a message shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult:
    """A file that verified."""

    key: PublicKey
    """The first of the given keys that signed all of the file."""
    keys: tuple[PublicKey, ...]
    """All of the given keys that did, in the given order."""
    key_ids_seen: tuple[str, ...]
    """Hexadecimal, sorted; signatures without a key id are not among them."""
    kind: Kind
    module_hash: str
    """SHA-256 of the content, hexadecimal: of all that is signed, where no part was skipped."""
    detached: bool
    parts: int
    """How many parts delimiters make; 1 where there are none."""
    skipped_parts: int
    """How many of them a pattern is not about, so that they may differ from what was signed."""


def verify_file(
    input: Path,
    keys: Sequence[PublicKey],
    *,
    signature: bytes | None = None,
    pattern: SectionPattern | None = None,
    skip_unknown_algorithms: bool = False,
) -> VerifyResult:
    """Succeeds if one of `keys` signed all of the file. `signature` is the content of a detached signature file.

    With `pattern` a part between two delimiters may differ from what was signed if the pattern is about none of its
    sections. Hashes go on from part to part, so of these only such parts may differ that come after all others, and
    what comes after the last delimiter must be what was signed whatever it is named. The number of parts stays, but each
    is judged by the names that it has now: parts at the end that matched may have become others that do not.

    Raises SignatureError, with one of the reasons that it lists, for whatever is wrong with the file or signature
    (the error that made a module unreadable is its cause), and UsageError where `keys` is empty.
    """
    if not keys:
        raise UsageError("there is no public key to verify with", hint="give at least one")
    where = str(input)
    try:
        with open_input(input) as stream:
            return _verify(
                stream,
                tuple(dict.fromkeys(keys)),
                where,
                signature=signature,
                pattern=pattern,
                skip_unknown_algorithms=skip_unknown_algorithms,
            )
    except (FormatError, UsageError) as err:
        raise SignatureError(err.what, where=where, hint=err.hint, reason="malformed_module") from err
    except OSError as err:
        raise SignatureError(f"cannot read the input file: {err.strerror}", where=where, reason="malformed_module") from err


def _verify(
    stream: BinaryIO,
    keys: tuple[PublicKey, ...],
    where: str,
    *,
    signature: bytes | None,
    pattern: SectionPattern | None,
    skip_unknown_algorithms: bool,
) -> VerifyResult:
    kind, start = read_preamble(stream), PREAMBLE_SIZE
    if signature is None:
        found = find_signature(stream, where=where)
        if found is None:
            raise SignatureError(
                "the file is not signed", where=where, hint="sign it, or give its detached signature file", reason="unsigned"
            )
        data, start = parse_signature(found.payload(), where=where), found.end
    else:
        data = parse_signature(signature, where="detached signature")
    if not skip_unknown_algorithms and any(record.algorithm != ED25519 for record in data.records):
        raise SignatureError("a signature uses an unknown algorithm", where=where, hint="use a newer program", reason="unsupported_version")
    signed = _signed_by(keys, data, where)
    content = Stretch(stream=stream, start=start, detached=signature is not None, where=where)
    parts = read_parts(content, pattern)
    matching = {key for key, signed_hashes in signed if fits(signed_hashes.hashes, parts)}
    if not matching:
        raise changed(content, parts, (signed_hashes.hashes for _, signed_hashes in signed))
    trusted = tuple(key for key in keys if key in matching)
    return VerifyResult(
        key=trusted[0],
        keys=trusted,
        key_ids_seen=_key_ids(data),
        kind=kind,
        module_hash=parts[-1].digest.hex(),
        detached=signature is not None,
        parts=len(parts),
        skipped_parts=sum(not part.checked for part in parts),
    )


def _signed_by(keys: tuple[PublicKey, ...], data: SignatureData, where: str) -> list[tuple[PublicKey, SignedHashes]]:
    """Returns every set with a valid signature, and whose it is; raises SignatureError where there is none."""
    found, named, tried = [], False, 0
    ids = {record.key_id for record in data.records}
    for key in keys:
        if ids.isdisjoint((b"", key.key_id)):
            continue
        verifies = ed25519.verifier(key.raw)
        for signed in data.sets:
            for record in signed.signatures:
                if record.algorithm != ED25519 or record.key_id not in (b"", key.key_id):
                    continue
                named = named or bool(record.key_id)
                tried += 1
                if tried > LIMITS.verifications:
                    raise SignatureError(
                        f"more than {LIMITS.verifications} signatures may be of the given keys",
                        where=where,
                        hint="give fewer keys, or sign the file anew",
                        reason="malformed_signature",
                    )
                if verifies(message(signed.hashes), record.signature):
                    found.append((key, signed))
    if found:
        return found
    if named:
        raise SignatureError(
            "a signature with the id of a given key is not of that key, or was changed",
            where=where,
            hint="fetch or sign the file again",
            reason="content_changed",
        )
    seen = _listed(_key_ids(data)) or "no key id"
    expected = _listed([key.key_id.hex() for key in keys])
    raise SignatureError(
        f"none of the given keys signed it (signed by {seen}; given {expected})",
        where=where,
        hint="give the signer's public key if you trust it",
        reason="no_trusted_key",
    )


def _key_ids(data: SignatureData) -> tuple[str, ...]:
    return tuple(sorted({record.key_id.hex() for record in data.records if record.key_id}))


def _listed(key_ids: Sequence[str]) -> str:
    shown = ", ".join(key_ids[:_SHOWN])
    return f"{shown} and {len(key_ids) - _SHOWN} more" if len(key_ids) > _SHOWN else shown
