"""Reads a whole log as a stream, and finds whatever is not as its checkpoint says, or as an earlier checkpoint said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wasm_oci.errors import DigestError
from wasm_oci.jsontext import JsonObject
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.hashes import Frontier, leaf_hash, perfect_root
from wasm_oci.log.records import record_of
from wasm_oci.log.tiles import RESTORE, WIDTH, bundle_path, hashes_at, tile_path, width_of

_ASK = "keep both checkpoints, and ask whoever runs the log"


def verified_entries(folder: LogFolder, checkpoint: Checkpoint, remembered: Sequence[Checkpoint] = ()) -> Iterator[tuple[int, bytes]]:
    """Yields each entry with its index; raises DigestError at the first that was changed, removed or put elsewhere.

    The end of the iteration is the proof: before that only the tiles vouch for an entry, then the root of `checkpoint` does.
    Each of the `remembered` checkpoints, all of whose signatures the caller has verified, must be of an earlier state of the same log.
    """
    for each in remembered:
        if each.size > checkpoint.size:
            what = f"the log has {checkpoint.size} records, and had {each.size}: it was cut, or is another one"
            raise DigestError(what, where=str(folder.path), hint=_ASK, reason="truncated")
    expected = {each.size: each for each in remembered}
    frontier, hashes = Frontier(), _Hashes(folder, checkpoint.size)
    _compare(folder, frontier, [each for each in remembered if each.size == 0])
    for index in range(-(-checkpoint.size // WIDTH)):
        width = width_of(checkpoint.size, 0, index)
        entries, tile = folder.bundle(index, width), folder.tile(0, index, width)
        for at, (entry, known) in enumerate(zip(entries, tile, strict=True)):
            leaf = leaf_hash(entry)
            if leaf != known:
                what = f"record {frontier.size} is not the one of the log's tiles: one of both was changed"
                raise DigestError(what, where=str(folder.path / bundle_path(index, width)), hint=RESTORE)
            frontier.add(leaf)
            if frontier.size in expected:
                _compare(folder, frontier, [each for each in remembered if each.size == frontier.size])
            yield index * WIDTH + at, entry
        hashes.add(0, index, tile)
    hashes.finish()
    if frontier.root() != checkpoint.root:
        raise DigestError("the records are not those of the checkpoint", where=str(folder.path), hint=RESTORE)


def verified_records(
    folder: LogFolder, checkpoint: Checkpoint, remembered: Sequence[Checkpoint] = ()
) -> Iterator[tuple[bytes, JsonObject]]:
    """Yields each entry with the record that it holds; raises DigestError as `verified_entries` does, and for one that holds none."""
    for index, entry in verified_entries(folder, checkpoint, remembered):
        yield entry, record_of(entry, index, where=str(folder.path))


def _compare(folder: LogFolder, frontier: Frontier, remembered: Sequence[Checkpoint]) -> None:
    if any(each.root != frontier.root() for each in remembered):
        what = f"the first {frontier.size} records are not those of the checkpoint that was kept: the log is a fork"
        raise DigestError(what, where=str(folder.path), hint=_ASK, reason="fork")


class _Hashes:
    """Compares the tiles above level 0 with what is below them."""

    def __init__(self, folder: LogFolder, size: int) -> None:
        self._folder, self._size = folder, size
        self._edges: dict[int, list[bytes]] = {}

    def add(self, level: int, index: int, tile: Sequence[bytes]) -> None:
        """Takes the tile `index` of a level, which is known to be right."""
        if len(tile) < WIDTH:
            return
        edge = self._edges.setdefault(level + 1, [])
        edge.append(perfect_root(tile))
        if len(edge) == WIDTH:
            self._check(level + 1, index // WIDTH, edge)
            self._edges[level + 1] = []
            self.add(level + 1, index // WIDTH, edge)

    def finish(self) -> None:
        for level, edge in self._edges.items():
            if edge:
                self._check(level, hashes_at(self._size, level) // WIDTH, edge)

    def _check(self, level: int, index: int, edge: list[bytes]) -> None:
        if self._folder.tile(level, index, len(edge)) != edge:
            where = str(self._folder.path / tile_path(level, index, len(edge)))
            raise DigestError("the tile is not that of the records below it", where=where, hint=RESTORE)
