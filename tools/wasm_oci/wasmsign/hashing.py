"""Reading a file once, from an offset to its end, and hashing it."""

from __future__ import annotations

import hashlib
from io import BufferedIOBase
from typing import BinaryIO, cast

from wasm_oci.errors import FormatError
from wasm_oci.limits import KIB
from wasm_oci.wasm.sections import WINDOW

_BUFFER = 256 * KIB


class HashingSource:
    """A `SectionSource` that reads every byte from `start` on, once and in order, and hashes it."""

    def __init__(self, stream: BinaryIO, start: int) -> None:
        self._stream = cast(BufferedIOBase, stream)
        self.total = stream.seek(0, 2)
        stream.seek(start)
        self._sha = hashlib.sha256()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._data, self._base, self._hashed = b"", start, start

    def window(self, offset: int, need: int) -> tuple[bytes, int]:
        end = self._base + len(self._data)
        if offset + need <= end or end == self.total:
            return self._data, self._base
        self._advance(offset)
        kept = self._data[offset - self._base :]
        wanted = min(max(WINDOW, need) - len(kept), self.total - self._base - len(self._data))
        fresh = self._stream.read(wanted)
        if len(fresh) != wanted:
            raise _shorter()
        self._data, self._base = kept + fresh, offset
        return self._data, self._base

    def hash_up_to(self, offset: int) -> bytes:
        """Returns the hash of everything from the start to `offset`, which must not decrease."""
        self._advance(offset)
        return self._sha.digest()

    def _advance(self, offset: int) -> None:
        """Hashes up to `offset`; bytes after the window are read but not kept."""
        end = self._base + len(self._data)
        within = min(offset, end)
        self._sha.update(memoryview(self._data)[self._hashed - self._base : within - self._base])
        self._hashed = within
        if offset <= end:
            return
        self._data, self._base = b"", offset
        while self._hashed < offset:
            count = self._stream.readinto(self._buffer[: min(_BUFFER, offset - self._hashed)])
            if not count:
                raise _shorter()
            self._sha.update(self._buffer[:count])
            self._hashed += count


def _shorter() -> FormatError:
    return FormatError("the file became shorter while it was read", hint="verify it again")
