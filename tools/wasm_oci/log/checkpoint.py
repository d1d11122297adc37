"""Checkpoints: the size and the root of a log, as a note that the log signs (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.signer import Signer
from wasm_oci.log.hashes import SIZE
from wasm_oci.log.note import Note, Verifier, cosign, decoded, encoded, sign

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says about itself, with its signatures."""

    origin: str
    """The name of the log."""
    size: int
    root: bytes
    note: Note

    @staticmethod
    def parse(data: bytes, *, where: str) -> Checkpoint:
        """Returns a checkpoint, whose signatures are not verified; raises FormatError."""
        note = Note.parse(data, where=where)
        lines = note.text.decode().split("\n")
        origin, size, root, *rest = [*lines, "", ""] if len(lines) < 3 else lines
        if not origin or not _NUMBER.fullmatch(size) or not rest:
            raise FormatError("this is not a checkpoint", where=where, hint="give the file `checkpoint` of a log, or a copy of it")
        found = decoded(root, where=where, what="the root of the checkpoint")
        if len(found) != SIZE:
            raise FormatError("the root of the checkpoint is not a SHA-256 hash", where=where)
        return Checkpoint(origin=origin, size=int(size), root=found, note=note)

    @staticmethod
    def signed(origin: str, size: int, root: bytes, signer: Signer) -> Checkpoint:
        """Returns a new checkpoint; raises what the signer raises."""
        text = f"{origin}\n{size}\n{encoded(root)}\n".encode()
        return Checkpoint(origin=origin, size=size, root=root, note=Note(text=text, signatures=(sign(text, origin, signer),)))

    def require(self, verifier: Verifier, *, where: str) -> None:
        """Raises SignatureError unless the log of this name and key signed it."""
        hint = "restore it from a copy, or give the log's own key"
        if self.origin != verifier.name:
            raise SignatureError(f"the checkpoint is of the log {self.origin}, not {verifier.name}", where=where, hint=hint)
        try:
            found = self.note.of(verifier)
        except SignatureError as err:
            raise SignatureError(err.what, where=where, hint=hint, reason=err.reason) from err
        if found is None:
            raise SignatureError("the log's key did not sign the checkpoint", where=where, hint=hint, reason="no_trusted_key")

    def require_cosigned(self, witnesses: Sequence[Verifier], *, where: str) -> None:
        """Raises SignatureError unless each of the witnesses cosigned it."""
        for witness in witnesses:
            try:
                found = self.note.of(witness)
            except SignatureError as err:
                raise SignatureError(err.what, where=where, hint="ask the witness for another one", reason=err.reason) from err
            if found is None:
                what = f"the witness {witness.name} did not cosign the checkpoint of {self.size} records"
                raise SignatureError(what, where=where, hint="have it cosigned with `wasm_oci log cosign`", reason="no_witness")

    def cosigned(self, name: str, signer: Signer, time: int) -> Checkpoint:
        """Returns it with the cosignature of a witness, in place of an earlier one; raises what the signer raises."""
        line = cosign(self.note.text, name, signer, time)
        others = (each for each in self.note.signatures if (each.name, each.key_id) != (line.name, line.key_id))
        return replace(self, note=replace(self.note, signatures=(*others, line)))

    def encoded(self) -> bytes:
        return self.note.encoded()

    def to_json(self) -> JsonObject:
        return {"origin": self.origin, "size": self.size, "root": encoded(self.root)}
