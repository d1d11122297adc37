"""WebAssembly files made by hand, section by section."""

from __future__ import annotations

from pathlib import Path

from wasm_oci.wasm.varint import encode_u32

MODULE = bytes.fromhex("0061736d01000000")
COMPONENT = bytes.fromhex("0061736d0d000100")
TESTDATA = Path(__file__).parents[2] / "testdata"


def section(number: int, payload: bytes) -> bytes:
    return bytes((number,)) + encode_u32(len(payload)) + payload


def text(value: str) -> bytes:
    return encode_u32(len(value.encode())) + value.encode()


def custom(name: str, data: bytes) -> bytes:
    return section(0, text(name) + data)


def entries(*items: bytes) -> bytes:
    """A vector of `items`."""
    return encode_u32(len(items)) + b"".join(items)


def imported(name: str, form: int = 0, extern_type: bytes = b"\x01\x00") -> bytes:
    """An import entry; a function of type 0 unless said otherwise."""
    return bytes((form,)) + text(name) + extern_type


def exported(name: str, item: bytes = b"\x01\x00\x00") -> bytes:
    """An export entry; function 0 without a type unless said otherwise."""
    return b"\x00" + text(name) + item
