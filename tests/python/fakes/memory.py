"""What is in the memory of another process, and the ways in which a secret could stand there."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

_LARGE = 1 << 24


def spellings(secret: bytes) -> dict[str, bytes]:
    """A secret as it is, in hexadecimal and in base64; of base64 the part that is the same wherever it begins."""
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for shift in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            whole = encode(bytes(shift) + secret)
            found[f"{name} at {shift}"] = whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
    return found


def memory_of(pid: int) -> Iterator[bytes]:
    """Everything that a process has mapped and that can be read, in pieces that overlap."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, permissions = line.split()[:2]
            start, end = (int(number, 16) for number in span.split("-"))
            if permissions[0] != "r" or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            for begin in range(start, end, _LARGE):
                memory.seek(begin)
                yield memory.read(min(end - begin, _LARGE + 256))


def found_in(pid: int, wanted: dict[str, bytes]) -> set[str]:
    """The names of those of `wanted` that are in the memory of a process."""
    found: set[str] = set()
    for piece in memory_of(pid):
        found |= {name for name, value in wanted.items() if value in piece}
    return found
