"""Imports, exports and metadata: of real components, of hand-made ones, and of malformed ones."""

from __future__ import annotations

import random
from io import BytesIO
from pathlib import Path

import pytest

from fakes.wasm import COMPONENT, MODULE, TESTDATA, custom, entries, exported, imported, section, text
from wasm_oci.errors import FormatError, LimitError, UsageError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.component import WasmFile, read_wasm, read_wasm_stream
from wasm_oci.wasm.externs import Extern
from wasm_oci.wasm.metadata import Metadata
from wasm_oci.wasm.sections import Kind
from wasm_oci.wasm.varint import encode_u32


def _read(data: bytes) -> WasmFile:
    return read_wasm_stream(BytesIO(data), where="file.wasm")


def _imports(*items: bytes) -> bytes:
    return COMPONENT + section(10, entries(*items))


def _exports(*items: bytes) -> bytes:
    return COMPONENT + section(11, entries(*items))


def test_hello_component_as_wasm_tools_prints_it() -> None:
    wasm = read_wasm(TESTDATA / "hello_component.wasm")
    assert wasm.kind is Kind.COMPONENT
    assert wasm.imports == (
        "wasi:io/poll@0.2.9",
        "wasi:clocks/monotonic-clock@0.2.9",
        "wasi:io/error@0.2.9",
        "wasi:io/streams@0.2.9",
        "wasi:cli/stdout@0.2.9",
        "wasi:cli/stderr@0.2.9",
        "wasi:cli/stdin@0.2.9",
        "wasi:cli/environment@0.2.9",
        "wasi:cli/exit@0.2.9",
        "wasi:cli/terminal-input@0.2.9",
        "wasi:cli/terminal-output@0.2.9",
        "wasi:cli/terminal-stdin@0.2.9",
        "wasi:cli/terminal-stdout@0.2.9",
        "wasi:cli/terminal-stderr@0.2.9",
    )
    assert wasm.exports == ("wasi:cli/run@0.2.0",)
    assert wasm.metadata == Metadata()


def test_every_kind_of_import_and_export_and_all_metadata() -> None:
    wasm = read_wasm(TESTDATA / "kinds_component.wasm")
    assert wasm.imports == ("wanted-type", "also-type", "function", "core-module", "ns:pkg/iface@1.2.3", "nested")
    assert wasm.exports == ("plain", "typed", "ns:pkg/other@1.2.3", "module", "component")
    assert wasm.metadata.to_json() == {
        "name": "kinds",
        "authors": "Ada L., Bob",
        "description": "Imports and exports of every kind",
        "licenses": "Apache-2.0 OR MIT",
        "source": "https://example.com/kinds.git",
        "homepage": "https://example.com/kinds",
        "revision": "0123abc",
        "version": "1.2.3",
    }


@pytest.mark.parametrize(
    "extern_type",
    [
        b"\x00\x11\x05",
        b"\x01\x80\x01",
        b"\x02\x00\x01",
        b"\x02\x01\x73",
        b"\x02\x01\x64",
        b"\x02\x01\x80\x01",
        b"\x03\x00\x07",
        b"\x03\x01",
        b"\x04\x01",
        b"\x05\x01",
    ],
)
def test_every_extern_type_is_skipped_to_its_end(extern_type: bytes) -> None:
    assert _read(_imports(imported("a", extern_type=extern_type), imported("b"))).imports == ("a", "b")
    typed = b"\x01\x00\x01" + extern_type
    assert _read(_exports(exported("a", typed), exported("b"))).exports == ("a", "b")


@pytest.mark.parametrize(
    "item", [b"\x00\x11\x00\x00", b"\x01\x80\x01\x00", b"\x02\x00\x00", b"\x03\x00\x00", b"\x04\x00\x00", b"\x05\x00\x00"]
)
def test_every_sort_of_export(item: bytes) -> None:
    assert _read(_exports(exported("a", item), exported("b"))).exports == ("a", "b")


def test_the_three_forms_of_names() -> None:
    attributes = entries(b"\x00" + text("a:b/c"), b"\x01" + text(".1"), b"\x02" + text("id"))
    second = b"\x02" + text("a:b/d@0.2") + attributes + b"\x05\x00"
    wasm = _read(_imports(imported("zero"), imported("one", form=1), second))
    assert wasm.imports == ("zero", "one", "a:b/d@0.2")
    assert wasm.imported[0] == Extern(name="zero", kind="func")
    assert wasm.imported[2] == Extern(name="a:b/d@0.2", kind="instance", implements="a:b/c", version_suffix=".1", external_id="id")
    assert [extern.interface for extern in wasm.imported] == ["zero", "one", "a:b/c.1"]


def test_an_attribute_is_there_once() -> None:
    twice = b"\x02" + text("a") + entries(b"\x00" + text("a:b/c"), b"\x00" + text("a:b/d")) + b"\x05\x00"
    with pytest.raises(FormatError, match="an attribute of a name is there twice"):
        _read(_imports(twice))


def test_several_sections_keep_their_order() -> None:
    data = COMPONENT + section(10, entries(imported("b"))) + section(7, b"\x00") + section(10, entries(imported("a")))
    assert _read(data + section(11, entries())).imports == ("b", "a")


def test_a_module_has_no_component_sections() -> None:
    """In a module, 10 and 11 are code and data."""
    wasm = _read(MODULE + section(10, b"\xff") + section(11, b"\xff") + custom("description", b"x"))
    assert (wasm.kind, wasm.imports, wasm.exports) == (Kind.MODULE, (), ())
    assert wasm.metadata.description == "x"


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "the number of entries is not a 32-bit number"),
        (b"\x80", "the number of entries is not a 32-bit number"),
        (b"\xff\xff\xff\xff\x7f", "the number of entries is not a 32-bit number"),
        (b"\x01", "the section ends where the form of name should be"),
        (b"\x01\x00\x05ab", "the section ends inside a name"),
        (b"\x01\x00\x01\xff\x01\x00", "a name is not UTF-8"),
        (b"\x01\x00\x01a", "the section ends where the sort should be"),
        (b"\x01\x00\x01a\x01", "a type index is not a 32-bit number"),
        (b"\x00\x00", "1 bytes follow the last entry"),
        (b"\x01\x00\x01a\x01\x00\x00", "1 bytes follow the last entry"),
    ],
)
def test_malformed_imports_are_refused_with_the_offset(payload: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        _read(COMPONENT + section(10, payload))
    assert message in str(caught.value)
    assert str(caught.value).startswith("file.wasm: byte ")


def test_malformed_exports_are_refused() -> None:
    with pytest.raises(FormatError, match="an index is not a 32-bit number"):
        _read(_exports(exported("a", b"\x01")))


UNKNOWN = {
    "form of name 0x03": b"\x01\x03\x01a\x01\x00",
    "sort 0x06": b"\x01\x00\x01a\x06\x00",
    "core sort 0x00": b"\x01\x00\x01a\x00\x00\x00",
    "type bound 0x02": b"\x01\x00\x01a\x03\x02",
    "attribute 0x03": b"\x01\x02\x01a\x01\x03\x01b\x01\x00",
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_an_unknown_form_leaves_the_names_of_its_section_out(what: str, caplog: pytest.LogCaptureFixture) -> None:
    wasm = _read(_imports(imported("before")) + section(10, UNKNOWN[what]) + section(11, entries(exported("after"))))
    assert (wasm.imports, wasm.exports) == (("before",), ("after",))
    (warning,) = wasm.unknown
    assert f"unknown {what} in an import or export; the names of this section are left out" in warning
    assert caplog.messages == [f"file.wasm: {warning}"]


def test_an_unknown_form_of_an_export() -> None:
    wasm = _read(_exports(exported("a", b"\x01\x00\x02")))
    assert (wasm.exports, len(wasm.unknown)) == ((), 1)


def test_only_some_unknown_sections_are_named() -> None:
    assert len(_read(COMPONENT + section(10, UNKNOWN["sort 0x06"]) * 1000).unknown) == LIMITS.wasm_warnings


def test_the_offset_is_that_of_the_bad_byte() -> None:
    data = _imports(imported("abc", extern_type=b"\x09\x00"))
    (warning,) = _read(data).unknown
    assert warning.startswith(f"byte {data.index(9, 12)}: unknown sort")


VALUES = {
    "primitive": b"\x02\x73",
    "error context": b"\x02\x64",
    "type index": b"\x02\x05",
    "long type index": b"\x02\x80\x01",
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_as_the_tools_write_it(name: str) -> None:
    """They leave out the bound that the specification has."""
    assert _read(_imports(imported("a", extern_type=VALUES[name]), imported("b"))).imports == ("a", "b")
    assert _read(_exports(exported("a", b"\x02\x00\x01" + VALUES[name]), exported("b"))).exports == ("a", "b")


def test_a_value_that_can_be_read_in_two_ways_is_not_guessed() -> None:
    """Of the type with index 0, or equal to the value with index 0: the next entry begins at another byte."""
    assert _read(_imports(imported("v", extern_type=b"\x02\x00"), imported("abc"))).imports == ("v", "abc")
    wasm = _read(COMPONENT + section(10, b"\x02" + b"\x00\x01v\x02" + bytes.fromhex("00000200000100")))
    assert wasm.imports == ()
    assert wasm.unknown == ("byte 10: the values in this section can be read in two ways; the names of this section are left out",)


def test_more_imports_than_the_limit() -> None:
    with pytest.raises(LimitError, match="entries are more than"):
        _read(COMPONENT + section(10, encode_u32(LIMITS.wasm_imports + 1)))
    half = encode_u32(LIMITS.wasm_imports // 2 + 1) + imported("a") * (LIMITS.wasm_imports // 2 + 1)
    with pytest.raises(LimitError, match="imports and exports"):
        _read(COMPONENT + section(10, half) + section(10, half))


def test_a_name_longer_than_the_limit() -> None:
    with pytest.raises(LimitError, match="a name has"):
        _read(_imports(imported("a" * (LIMITS.wasm_name + 1))))


def test_a_huge_import_section_is_not_read() -> None:
    with pytest.raises(LimitError, match="an import or export section has"):
        _read(COMPONENT + section(10, bytes(LIMITS.config_blob + 1)))


def test_cut_off_anywhere_is_an_error_or_a_shorter_file() -> None:
    """A cut between two sections leaves a whole file; every other cut is a FormatError, never something else."""
    whole = (TESTDATA / "kinds_component.wasm").read_bytes()
    full = read_wasm(TESTDATA / "kinds_component.wasm")
    for end in range(len(whole)):
        try:
            part = _read(whole[:end])
        except FormatError:
            continue
        assert part.imports == full.imports[: len(part.imports)]
        assert part.exports == full.exports[: len(part.exports)]


def test_damaged_bytes_raise_nothing_but_our_errors() -> None:
    whole = (TESTDATA / "kinds_component.wasm").read_bytes()
    generator, refused = random.Random(7), 0
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            data[generator.randrange(8, len(data))] = generator.randrange(256)
        try:
            _read(bytes(data))
        except WasmOciError:
            refused += 1
    assert refused > 500


@pytest.mark.parametrize("data", [b"", b"\0asm", b"not wasm at all", b"\0asm\x0a\0\1\0"])
def test_not_wasm(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"file\.wasm"):
        _read(data)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_wasm(tmp_path / "none.wasm")


def test_the_last_metadata_wins_and_names_come_from_their_subsection() -> None:
    name = custom("name", b"\x00" + encode_u32(4) + text("mod") + b"\x01\x02\x00\x00")
    wasm = _read(MODULE + custom("authors", b"A") + custom("authors", "Ö".encode()) + name)
    assert (wasm.metadata.authors, wasm.metadata.name) == ("Ö", "mod")


@pytest.mark.parametrize("data", [b"", b"\x01\x01\x00", b"\x00", b"\x00\x05\x09ab", b"\x00\x03\x02\xff\xff"])
def test_a_malformed_name_section_is_ignored(data: bytes) -> None:
    assert _read(MODULE + custom("name", data)).metadata.name is None


@pytest.mark.parametrize("name", ["authors", "description", "licenses", "source", "homepage", "revision", "version"])
def test_metadata_that_is_not_text_is_passed_over_and_shown_escaped(name: str, caplog: pytest.LogCaptureFixture) -> None:
    wasm = _read(MODULE + custom(name, b"good") + custom(name, b"\xff\x1b[31m" + b"x" * 500))
    assert wasm.metadata.to_json() == {name: "good"}
    assert wasm.passed_over == (
        rf"byte {8 + len(custom(name, b'good'))}: section '{name}' is not UTF-8 and is passed over: \xff\x1b[31m" + "x" * 54,
    )
    assert caplog.messages == [f"file.wasm: {wasm.passed_over[0]}"]


def test_malformed_metadata() -> None:
    with pytest.raises(LimitError, match="section 'description' has"):
        _read(MODULE + custom("description", b"x" * (LIMITS.metadata_section + 1)))


def test_the_names_together_are_bounded() -> None:
    count = LIMITS.wasm_name_bytes // LIMITS.wasm_name
    items = [exported("n" * LIMITS.wasm_name)] * (count // 2 + 1)
    half = section(11, entries(*items))
    assert len(_read(COMPONENT + half).exports) == len(items)
    with pytest.raises(LimitError, match="the names of imports and exports have more than"):
        _read(COMPONENT + half * 2)
