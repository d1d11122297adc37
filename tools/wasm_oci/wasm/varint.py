"""Unsigned LEB128 of at most 32 bits (WebAssembly core specification, section "Values", Integers)."""

from __future__ import annotations

from wasm_oci.errors import FormatError

MAX_BYTES = 5
_U32_LIMIT = 1 << 32


def encode_u32(number: int) -> bytes:
    """Returns the shortest encoding of `number`, which must be from 0 to 2^32 - 1."""
    if not 0 <= number < _U32_LIMIT:
        raise FormatError(f"{number} does not fit the 32 bits of a WebAssembly size")
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def read_u32(data: bytes | bytearray | memoryview, pos: int) -> tuple[int, int]:
    """Returns the number at `pos` and the position after it; padded encodings of up to 5 bytes are allowed.

    Raises FormatError with reason `truncated` where `data` ends inside it, else `leb128`.
    """
    number = 0
    for index in range(MAX_BYTES):
        if pos + index >= len(data):
            raise FormatError("the data ends inside a number", reason="truncated")
        byte = data[pos + index]
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if number >= _U32_LIMIT:
                raise FormatError(f"the number {number} does not fit 32 bits", reason="leb128_overflow")
            return number, pos + index + 1
    raise FormatError(f"a number is longer than {MAX_BYTES} bytes", reason="leb128")


def read_minimal_u32(data: bytes | bytearray | memoryview, pos: int) -> tuple[int, int]:
    """Like `read_u32`, but a padded encoding is refused too (reason `leb128`)."""
    number, end = read_u32(data, pos)
    if end - pos > 1 and data[end - 1] == 0:
        raise FormatError("a number is not in its shortest form", reason="leb128")
    return number, end
