"""Roots and proofs against RFC 6962 as it is written down."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from log import naive_tree
from log.logs import entries
from wasm_oci.log.hashes import Frontier, leaf_hash, perfect_root
from wasm_oci.log.proof import included, is_consistent
from wasm_oci.log.tiles import WIDTH, bundle_path, decode_bundle, encode_bundle, tile_path, width_of
from wasm_oci.log.tree import Tree

SIZES = [*range(40), 63, 64, 65, 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 700]
RANDOM = random.Random(6962)


class Memory:
    """Tiles that are computed when they are asked for."""

    def __init__(self, records: list[bytes]) -> None:
        self.leaves = [leaf_hash(record) for record in records]

    def tile(self, level: int, index: int, width: int) -> list[bytes]:
        assert 0 < width <= WIDTH
        step = WIDTH**level
        first = index * WIDTH
        return [perfect_root(self.leaves[at * step : (at + 1) * step]) for at in range(first, first + width)]


def tree_of(records: list[bytes]) -> Tree:
    return Tree(Memory(records), len(records))


@pytest.mark.parametrize("size", SIZES)
def test_roots(size: int) -> None:
    records = entries(size)
    frontier = Frontier()
    for record in records:
        frontier.add(leaf_hash(record))
    assert frontier.root() == tree_of(records).root() == tree_of(records).frontier().root() == naive_tree.root(records)


def test_a_tree_with_three_levels_of_tiles() -> None:
    records = entries(66_000)
    tree = tree_of(records)
    assert tree.root() == naive_tree.root(records)
    assert tree.frontier().root() == tree.root()
    for index in (0, 1, 65_535, 65_536, 65_999):
        assert tree.inclusion(index) == naive_tree.path(index, records)
    for old in (1, 255, 256, 65_536, 65_537):
        assert tree.consistency(old) == naive_tree.proof(old, records)


@pytest.mark.parametrize("size", SIZES[1:])
def test_inclusion(size: int) -> None:
    records = entries(size)
    tree = tree_of(records)
    for index in {0, size - 1, *RANDOM.choices(range(size), k=6)}:
        proof = tree.inclusion(index)
        assert proof == naive_tree.path(index, records)
        leaf = leaf_hash(records[index])
        assert included(leaf, index, size, proof) == tree.root()
        assert included(leaf_hash(b"other"), index, size, proof) != tree.root()
        for wrong in {index - 1, index + 1, size}:
            assert included(leaf, wrong, size, proof) != tree.root()
        assert included(leaf, index, size, [*proof, leaf]) != tree.root()
        if proof:
            assert included(leaf, index, size, proof[:-1]) != tree.root()


@pytest.mark.parametrize("size", SIZES)
def test_consistency(size: int) -> None:
    records = entries(size)
    tree = tree_of(records)
    for old in {0, size, *RANDOM.choices(range(size + 1), k=8)}:
        proof = tree.consistency(old)
        assert proof == naive_tree.proof(old, records)
        before = naive_tree.root(records[:old])
        assert tree.root_of_first(old) == before
        assert is_consistent(old, before, size, tree.root(), proof)
        if old:
            assert not is_consistent(old, naive_tree.root([b"other", *records[1:old]]), size, tree.root(), proof)
        assert not is_consistent(old, before, size, tree.root(), [*proof, before])
        if proof:
            assert not is_consistent(old, before, size, tree.root(), proof[:-1])
            assert not is_consistent(old, before, size, tree.root(), [proof[0][::-1], *proof[1:]])
    assert not is_consistent(size + 1, tree.root(), size, tree.root(), [])


def test_paths() -> None:
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path(3, 1_234_067, 7) == "tile/3/x001/x234/067.p/7"
    assert bundle_path(999_999) == "tile/entries/x999/999"
    assert [width_of(70_000, level, index) for level, index in ((0, 0), (0, 273), (0, 274), (1, 1), (2, 0), (3, 0))] == [
        256,
        112,
        0,
        17,
        1,
        0,
    ]


def test_bundles(tmp_path: Path) -> None:
    records = [b"", b"a", b"b" * 65_535]
    data = encode_bundle(records)
    assert decode_bundle(data, 3, where="here") == records
    assert decode_bundle(data, 2, where="here", exact=False) == records[:2]
