"""Reads the payload of a section: numbers, names and bytes; errors name the offset in the file."""

from __future__ import annotations

from dataclasses import dataclass

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.varint import MAX_BYTES, read_u32

_LONG = 10
"""Bytes of the longest number, one of 64 bits."""


class UnknownForm(FormatError):
    """The content has a form that this program does not know, so the rest of the section cannot be read."""

    default_reason = "unknown_form"


@dataclass(slots=True)
class Cursor:
    """Reads `data`, which begins at offset `base` of the file."""

    data: bytes
    base: int
    where: str
    position: int = 0

    @property
    def at_end(self) -> bool:
        return self.position == len(self.data)

    def u32(self, what: str) -> int:
        try:
            value, self.position = read_u32(self.data, self.position)
        except FormatError as err:
            raise self.error(f"{what} is not a 32-bit number ({err.what})") from err
        return value

    def skip_number(self, what: str, size: int = MAX_BYTES) -> None:
        """Passes over a LEB128 number, of at most 64 bits with `size` 10, signed or not."""
        for _ in range(size):
            if not self.byte(what) & 0x80:
                return
        raise self.error(f"{what} is longer than {size} bytes")

    def skip_long(self, what: str) -> None:
        self.skip_number(what, _LONG)

    def byte(self, what: str) -> int:
        if self.position >= len(self.data):
            raise self.error(f"the section ends where {what} should be")
        self.position += 1
        return self.data[self.position - 1]

    def peek(self) -> int:
        """Returns the next byte, -1 at the end."""
        return -1 if self.at_end else self.data[self.position]

    def count(self, what: str) -> int:
        """Returns the number of entries; raises LimitError for more than are listed."""
        count = self.u32(f"the number of {what}")
        if count > LIMITS.wasm_imports:
            raise LimitError(f"byte {self.base}: {count} {what} are more than {LIMITS.wasm_imports}", where=self.where)
        return count

    def string(self, what: str) -> str:
        length = self.u32(f"the length of {what}")
        if length > LIMITS.wasm_name:
            raise LimitError(f"byte {self.base + self.position}: {what} has {length} bytes, more than {LIMITS.wasm_name}", where=self.where)
        raw = self.data[self.position : self.position + length]
        if len(raw) < length:
            raise self.error(f"the section ends inside {what}")
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as err:
            raise self.error(f"{what} is not UTF-8") from err
        self.position += length
        return text

    def choice(self, what: str, most: int) -> int:
        """Returns a byte from 0 to `most`; raises UnknownForm for another one."""
        value = self.byte(f"the {what}")
        if value > most:
            raise self.unknown(what, value)
        return value

    def end(self) -> None:
        if not self.at_end:
            raise self.error(f"{len(self.data) - self.position} bytes follow the last entry of the section")

    def unknown(self, what: str, value: int) -> UnknownForm:
        """Returns the error for the byte that was read last."""
        self.position -= 1
        return UnknownForm(f"byte {self.base + self.position}: unknown {what} 0x{value:02x} in an import or export", where=self.where)

    def error(self, what: str) -> FormatError:
        hint = "check the file with `wasm-tools validate`"
        return FormatError(f"byte {self.base + self.position}: {what}", where=self.where, hint=hint)
