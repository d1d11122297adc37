"""Roots and proofs of a tree whose hashes are in tiles (RFC 6962, sections 2.1.1 and 2.1.2)."""

from __future__ import annotations

from typing import Protocol

from wasm_oci.log.hashes import EMPTY_ROOT, Frontier, node_hash, perfect_root
from wasm_oci.log.tiles import HEIGHT, WIDTH, hashes_at, levels, width_of


class Tiles(Protocol):
    """What tiles are read from."""

    def tile(self, level: int, index: int, width: int) -> list[bytes]:
        """Returns the first `width` hashes of a tile; raises what reading it raises."""


class Tree:
    """The tree of the first `size` leaves of a log."""

    def __init__(self, tiles: Tiles, size: int) -> None:
        self._tiles, self.size = tiles, size
        self._known: dict[tuple[int, int], list[bytes]] = {}

    def root(self) -> bytes:
        return self.root_of_first(self.size)

    def root_of_first(self, size: int) -> bytes:
        """Returns the root of the tree of the first `size` leaves, at most those of this one."""
        return self._root(0, size) if size else EMPTY_ROOT

    def frontier(self) -> Frontier:
        """Returns what leaves can be added to."""
        roots = []
        for level in reversed(levels(self.size)):
            edge, at = self.edge(level), 0
            for bit in reversed(range(HEIGHT)):
                if len(edge) >> bit & 1:
                    roots.append(perfect_root(edge[at : at + (1 << bit)]))
                    at += 1 << bit
        return Frontier(self.size, roots)

    def edge(self, level: int) -> list[bytes]:
        """Returns the hashes of the last tile of a level where that is not full; none where it is."""
        hashes = hashes_at(self.size, level)
        return self._tile(level, hashes // WIDTH) if hashes % WIDTH else []

    def inclusion(self, index: int) -> list[bytes]:
        """Returns the proof that the leaf `index`, which there must be, is in the tree."""
        low, high, proof = 0, self.size, list[bytes]()
        while high - low > 1:
            split = low + _largest_power_below(high - low)
            if index < split:
                proof.append(self._root(split, high))
                high = split
            else:
                proof.append(self._root(low, split))
                low = split
        return proof[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """Returns the proof that the tree of the first `old` leaves is the beginning of this one."""
        if old in (0, self.size):
            return []
        low, high, proof, whole = 0, self.size, list[bytes](), True
        while old != high:
            split = low + _largest_power_below(high - low)
            if old <= split:
                proof.append(self._root(split, high))
                high = split
            else:
                proof.append(self._root(low, split))
                low, whole = split, False
        return [*([] if whole else [self._root(low, high)]), *reversed(proof)]

    def _root(self, low: int, high: int) -> bytes:
        size = high - low
        if size & (size - 1) == 0:
            return self._perfect(size.bit_length() - 1, low // size)
        split = low + _largest_power_below(size)
        return node_hash(self._root(low, split), self._root(split, high))

    def _perfect(self, height: int, index: int) -> bytes:
        """The root of the `index`-th 2**height leaves."""
        level, rest = divmod(height, HEIGHT)
        tile, at = divmod(index << rest, WIDTH)
        return perfect_root(self._tile(level, tile)[at : at + (1 << rest)])

    def _tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._known:
            self._known[level, index] = self._tiles.tile(level, index, width_of(self.size, level, index))
        return self._known[level, index]


def _largest_power_below(number: int) -> int:
    """The largest power of two below a number of at least 2."""
    return 1 << ((number - 1).bit_length() - 1)
