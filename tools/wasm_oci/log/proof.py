"""Proofs that need no log: that an entry is in it (c2sp.org/tlog-proof), and that a log only grew (RFC 9162, section 2.1.4.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.hashes import SIZE, leaf_hash, node_hash
from wasm_oci.log.note import decoded, encoded

_HEAD = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
LARGEST_PROOF = 128 * 1024


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """Returns the root that a tree of `size` leaves has if `leaf` is at `index`; None where the proof has another length."""
    if not 0 <= index < size:
        return None
    last, root = size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if index & 1 or index == last:
            root = node_hash(sibling, root)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        index, last = index >> 1, last >> 1
    return root if last == 0 else None


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tells whether a tree of `new` leaves begins with one of `old` leaves."""
    if not 0 < old < new:
        return not proof and (old_root == new_root if old == new else old == 0)
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]
    if not hashes:
        return False
    index, last = old - 1, new - 1
    while index & 1:
        index, last = index >> 1, last >> 1
    before = after = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            after = node_hash(after, each)
        index, last = index >> 1, last >> 1
    return before == old_root and after == new_root and last == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """A proof that travels with an entry: its place in a log, the hashes up to the root, and the checkpoint with the root."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint

    @staticmethod
    def parse(data: bytes, *, where: str) -> InclusionProof:
        """Raises FormatError; a proof with extra data is refused, because nothing here says what that is."""
        hint = "make it again with `wasm_oci log prove`"
        head, gap, rest = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as err:
            raise FormatError("this is not a proof of a log", where=where, hint=hint) from err
        found = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
        if lines[0] != _HEAD or not gap or found is None or len(lines) > 2 + _MOST_HASHES:
            raise FormatError("this is not a proof of a log", where=where, hint=hint)
        hashes = tuple(decoded(line, where=where, what="a hash of the proof") for line in lines[2:])
        if any(len(each) != SIZE for each in hashes):
            raise FormatError("a hash of the proof is not a SHA-256 hash", where=where, hint=hint)
        return InclusionProof(index=int(found[1]), hashes=hashes, checkpoint=Checkpoint.parse(rest, where=where))

    def encoded(self) -> bytes:
        lines = [_HEAD, f"index {self.index}", *(encoded(each) for each in self.hashes), ""]
        return "\n".join(lines).encode() + b"\n" + self.checkpoint.encoded()

    def require(self, entry: bytes, *, where: str) -> None:
        """Raises SignatureError unless the entry is in the log of the checkpoint, whose signatures are the caller's to verify."""
        checkpoint = self.checkpoint
        if included(leaf_hash(entry), self.index, checkpoint.size, self.hashes) != checkpoint.root:
            raise SignatureError(
                f"this is not record {self.index} of the log {checkpoint.origin}",
                where=where,
                hint="give the record as `wasm_oci log show INDEX --output json` or `log export` writes it, and its own proof",
                reason="not_in_log",
            )
