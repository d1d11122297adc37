"""Verifying a file: read once, its structure and its hashes checked in the same pass.

Specification: tool-conventions, Signatures.md, "Signature verification algorithm for an entire module". Stricter than
the published wasmsign2: the hashes of a signed set must be those of this file, one for each part,
and the last must cover its end. So a file that was cut off after a delimiter is refused.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import open_input
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import PREAMBLE_SIZE, Kind, read_preamble
from wasm_oci.wasmsign.parts import Part, Stretch, changed, fits, places_of, read_parts
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.section import appended_sections, find_signature
from wasm_oci.wasmsign.signature import ED25519, SignatureData, SignedHashes, message, parse_signature

_LONGEST = 200
_UNSIGNED = "sign it, or give its detached signature: -S FILE, or signature_file in a rule"
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
    """How many of them the pattern does not select, so that they may differ from what was signed."""


def verify_file(
    input: Path,
    keys: Sequence[PublicKey],
    *,
    signature: bytes | None = None,
    pattern: SectionPattern | None = None,
    skip_unknown_algorithms: bool = False,
) -> VerifyResult:
    """Succeeds if one of `keys` signed all of the file. `signature` is the content of a detached signature file.

    With `pattern` a part between two delimiters may differ from what was signed if the pattern selects none of its sections.
    Hashes are cumulative, so only such parts after all others may differ, and the bytes after the last delimiter must be the
    signed ones, whatever their names. The number of parts is fixed, but each part is judged by its current section names: parts
    at the end that matched may have been replaced by parts that do not.

    Raises SignatureError, with one of the reasons that it lists, for whatever is wrong with the file or signature
    (the error that made a module unreadable is its cause), and UsageError where `keys` is empty.
    """
    return FileVerifier(input, pattern=pattern).verify(keys, signature=signature, skip_unknown_algorithms=skip_unknown_algorithms)


class FileVerifier:
    """Verifies one file with any number of signatures, and hashes it once for all of them, as long as it stays the same file."""

    def __init__(self, input: Path, *, pattern: SectionPattern | None = None) -> None:
        self._input, self._pattern = input, pattern
        self._contents: dict[tuple[int, ...], _Content] = {}
        self._tried = 0

    def verify(self, keys: Sequence[PublicKey], *, signature: bytes | None = None, skip_unknown_algorithms: bool = False) -> VerifyResult:
        """See `verify_file`. Of all calls together no more than `LIMITS.all_verifications` signatures are tried."""
        if not keys:
            raise UsageError("no public key to verify with", hint="give at least one")
        where = str(self._input)
        try:
            with open_input(self._input) as stream:
                return self._verify(stream, tuple(dict.fromkeys(keys)), signature, skip_unknown_algorithms=skip_unknown_algorithms)
        except (FormatError, UsageError) as err:
            raise SignatureError(err.what, where=where, hint=err.hint, reason="malformed_module") from err
        except OSError as err:
            raise SignatureError(f"cannot read the input file: {err.strerror}", where=where, reason="malformed_module") from err

    def _verify(
        self, stream: BinaryIO, keys: tuple[PublicKey, ...], signature: bytes | None, *, skip_unknown_algorithms: bool
    ) -> VerifyResult:
        where = str(self._input)
        kind, start = read_preamble(stream), PREAMBLE_SIZE
        if signature is None:
            found = find_signature(stream, where=where)
            if found is None:
                raise SignatureError("the file is not signed", where=where, hint=_UNSIGNED, reason="unsigned")
            data, start = parse_signature(found.payload(), where=where), found.end
        else:
            data = parse_signature(signature, where="detached signature")
        if not skip_unknown_algorithms and any(record.algorithm != ED25519 for record in data.records):
            raise SignatureError(
                "a signature uses an unknown algorithm", where=where, hint="use a newer program", reason="unsupported_version"
            )
        signed = self._signed_by(keys, data)
        content = self._content(Stretch(stream=stream, start=start, detached=signature is not None, where=where))
        matching = {key for key, signed_hashes in signed if fits(signed_hashes.hashes, content.parts)}
        if not matching:
            raise content.changed([signed_hashes.hashes for _, signed_hashes in signed])
        trusted = tuple(key for key in keys if key in matching)
        return VerifyResult(
            key=trusted[0],
            keys=trusted,
            key_ids_seen=_key_ids(data),
            kind=kind,
            module_hash=content.parts[-1].digest.hex(),
            detached=signature is not None,
            parts=len(content.parts),
            skipped_parts=sum(not part.checked for part in content.parts),
        )

    def _content(self, stretch: Stretch) -> _Content:
        """Returns what is known of these bytes of the file; reads them the first time."""
        status = os.fstat(stretch.stream.fileno())
        known = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, stretch.start, stretch.detached)
        if known not in self._contents:
            self._contents[known] = _Content(stretch, self._pattern)
        content = self._contents[known]
        content.stretch = stretch
        return content

    def _signed_by(self, keys: tuple[PublicKey, ...], data: SignatureData) -> list[tuple[PublicKey, SignedHashes]]:
        """Returns every set with a valid signature, and whose it is; raises SignatureError where there is none."""
        where = str(self._input)
        found, named, tried = [], list[str](), 0
        ids = {record.key_id for record in data.records}
        for key in keys:
            if ids.isdisjoint((b"", key.key_id)):
                continue
            verifies = ed25519.verifier(key.raw)
            for signed in data.sets:
                for record in signed.signatures:
                    if record.algorithm != ED25519 or record.key_id not in (b"", key.key_id):
                        continue
                    named += [record.key_id.hex()] if record.key_id else []
                    tried += 1
                    self._tried += 1
                    if tried > LIMITS.verifications or self._tried > LIMITS.all_verifications:
                        most = LIMITS.verifications if tried > LIMITS.verifications else LIMITS.all_verifications
                        raise SignatureError(
                            f"more than {most} signatures may be of the given keys",
                            where=where,
                            hint="give fewer keys, or sign the file again",
                            reason="malformed_signature",
                        )
                    if verifies(message(signed.hashes), record.signature):
                        found.append((key, signed))
        if found:
            return found
        if named:
            who = f"the signature with key id {_listed(list(dict.fromkeys(named)))}"
            raise SignatureError(
                f"{who} does not verify with that key: it was changed, or another key made it",
                where=where,
                hint="fetch or sign the file again",
                reason="bad_signature",
            )
        seen = _listed(_key_ids(data)) or "no key id"
        expected = _listed([key.key_id.hex() for key in keys])
        raise SignatureError(
            f"none of the given keys signed it (its signatures name {seen}; given {expected})",
            where=where,
            hint="give the signer's public key if you trust it",
            reason="no_trusted_key",
        )


class _Content:
    """The bytes that a signature covers: their parts, or why there are none, and, once an error needs it, where the parts are."""

    def __init__(self, stretch: Stretch, pattern: SectionPattern | None) -> None:
        self.stretch = stretch
        self._places: tuple[str, ...] | None = None
        self._appended: str | None = None
        self._parts: tuple[Part, ...] = ()
        self._error: FormatError | SignatureError | None = None
        try:
            self._parts = read_parts(stretch, pattern)
        except (FormatError, SignatureError) as err:
            self._error = err

    @property
    def parts(self) -> tuple[Part, ...]:
        """Raises what `read_parts` raised, each time a copy, to which a caller may add."""
        if self._error is not None:
            raise copy(self._error)
        return self._parts

    def changed(self, signed: Sequence[Sequence[bytes]]) -> SignatureError:
        error = changed(self.stretch, self._parts, signed, self._where)
        if self._appended is None:
            self._appended = ", ".join(appended_sections(self.stretch.stream, where=self.stretch.where))
        if self._appended:
            error.hint = f"wsc appends sections to a signed file, here {self._appended[:_LONGEST]}: verify the file from before that"
        return error

    def _where(self) -> Sequence[str]:
        if self._places is None:
            self._places = places_of(self.stretch)
        return self._places


def _key_ids(data: SignatureData) -> tuple[str, ...]:
    return tuple(sorted({record.key_id.hex() for record in data.records if record.key_id}))


def _listed(key_ids: Sequence[str]) -> str:
    shown = ", ".join(key_ids[:_SHOWN])
    return f"{shown} and {len(key_ids) - _SHOWN} more" if len(key_ids) > _SHOWN else shown
