"""Tiles and entry bundles of a log, and where they are (c2sp.org/tlog-tiles): pure, without files."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from wasm_oci.errors import DigestError, LimitError
from wasm_oci.log.hashes import SIZE

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile, and entries of a full bundle."""
RESTORE = "restore it from a copy of the log"
LARGEST_ENTRY = 65_535
LARGEST_BUNDLE = WIDTH * (2 + LARGEST_ENTRY)


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Returns the path of a tile of hashes of which `width` are known."""
    return f"tile/{level}/{_position(index, width)}"


def bundle_path(index: int, width: int = WIDTH) -> str:
    """Returns the path of the entries under the tile `index` of level 0."""
    return f"tile/entries/{_position(index, width)}"


def _position(index: int, width: int) -> str:
    digits = f"{index:03}"
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def hashes_at(size: int, level: int) -> int:
    """Returns how many hashes the tiles of a level hold for a tree of `size` leaves."""
    return size >> (HEIGHT * level)


def width_of(size: int, level: int, index: int) -> int:
    """Returns how many hashes the tile `index` of a level holds for a tree of `size` leaves; 0 where there is none."""
    return min(max(hashes_at(size, level) - index * WIDTH, 0), WIDTH)


def levels(size: int) -> range:
    """Returns the levels that have tiles."""
    top = 0
    while hashes_at(size, top):
        top += 1
    return range(top)


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    return b"".join(hashes)


def decode_tile(data: bytes, width: int, *, where: str) -> list[bytes]:
    """Returns the first `width` hashes of a tile; raises DigestError for one that is shorter, or of parts of hashes."""
    if len(data) % SIZE or len(data) < width * SIZE:
        raise DigestError(f"the tile has {len(data)} bytes, not {width * SIZE}", where=where, hint=RESTORE)
    return [data[at : at + SIZE] for at in range(0, width * SIZE, SIZE)]


def check_entry(entry: bytes, *, where: str) -> bytes:
    """Returns an entry that a bundle can hold; raises LimitError."""
    if len(entry) > LARGEST_ENTRY:
        raise LimitError(f"the record has {len(entry)} bytes, and a log holds {LARGEST_ENTRY} at most", where=where, hint="shorten it")
    return entry


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def decode_bundle(data: bytes, width: int, *, where: str, exact: bool = True) -> list[bytes]:
    """Returns the first `width` entries of a bundle; raises DigestError for one that ends before, or after that if this is `exact`."""
    entries, at = [], 0
    for _ in range(width):
        end = at + 2
        if end > len(data):
            break
        end += int.from_bytes(data[at:end], "big")
        if end > len(data):
            break
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) < width or (exact and at != len(data)):
        what = f"the bundle does not hold exactly {width} entries" if exact else f"the bundle holds fewer than {width} entries"
        raise DigestError(what, where=where, hint=RESTORE)
    return entries
