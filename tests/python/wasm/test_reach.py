"""What a file reaches: imports of core modules in every form, and what is nested, at any depth."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from fakes.wasm import COMPONENT, MODULE, TESTDATA, entries, exported, imported, section, text
from wasm_oci.cli.main import main
from wasm_oci.errors import FormatError, LimitError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm import reach
from wasm_oci.wasm.component import read_wasm_stream
from wasm_oci.wasm.externs import Extern
from wasm_oci.wasm.reach import Nested, read_nested
from wasm_oci.wasm.sections import Kind

WASI = section(2, entries(text("wasi_snapshot_preview1") + text("path_open") + b"\x00\x00"))
KINDS = {
    "function": (b"\x00\x05", "func"),
    "exact function": (b"\x20\x05", "func"),
    "table": (b"\x01\x70\x00\x01", "table"),
    "table of 64 bits": (b"\x01\x6f\x05\x80\x80\x80\x80\x80\x01\xff\xff\xff\xff\xff\x01", "table"),
    "table of references": (b"\x01\x63\x01\x01\x00\x02", "table"),
    "table of shared references": (b"\x01\x64\x65\x70\x00\x02", "table"),
    "memory": (b"\x02\x00\x01", "memory"),
    "shared memory": (b"\x02\x03\x01\x02", "memory"),
    "memory of small pages": (b"\x02\x08\x01\x00", "memory"),
    "global": (b"\x03\x7f\x00", "global"),
    "global of a long type": (b"\x03\x64\x80\x01\x01", "global"),
    "global of a vector": (b"\x03\x7b\x01", "global"),
    "tag": (b"\x04\x00\x03", "tag"),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_import_of_a_core_module(name: str) -> None:
    described, kind = KINDS[name]
    wasm = read_wasm_stream(
        BytesIO(MODULE + section(2, entries(text("m") + text("é") + described, text("m") + text("z") + b"\x00\x00"))), where="m"
    )
    assert wasm.imported == (Extern(name="m/é", kind=kind), Extern(name="m/z", kind="func"))
    assert (wasm.imports, wasm.exports, wasm.unknown) == ((), (), ())


def test_compact_imports() -> None:
    many = text("m") + text("") + b"\x7f" + entries(text("a") + b"\x00\x00", text("b") + b"\x03\x7f\x00")
    one = text("n") + text("") + b"\x7e\x02\x00\x01" + entries(text("c"), text(""))
    plain = text("") + text("") + b"\x00\x00"
    wasm = read_wasm_stream(BytesIO(MODULE + section(2, entries(many, one, plain))), where="m")
    assert [(each.name, each.kind) for each in wasm.imported] == [
        ("m/a", "func"),
        ("m/b", "global"),
        ("n/c", "memory"),
        ("n/", "memory"),
        ("/", "func"),
    ]


@pytest.mark.parametrize("described", [b"\x05\x00", b"\x01\x20\x00\x01", b"\x02\x10\x01", b"\x03\x7f\x04", b"\x04\x01\x00"])
def test_an_unknown_import_of_a_core_module_is_named(described: bytes) -> None:
    wasm = read_wasm_stream(BytesIO(MODULE + section(2, entries(text("m") + text("x") + described))), where="m")
    assert (wasm.imported, len(wasm.unknown)) == ((), 1)


@pytest.mark.parametrize(
    "payload", [b"\x01", b"\x01\x01m\x01x", b"\x01\x01m\x01x\x00", b"\x00\x00", b"\x01\x01m\x01x\x02\x00" + b"\x80" * 11]
)
def test_malformed_imports_of_a_core_module(payload: bytes) -> None:
    with pytest.raises(FormatError, match="m: byte "):
        read_wasm_stream(BytesIO(MODULE + section(2, payload)), where="m")


def component(*sections: bytes) -> bytes:
    return COMPONENT + b"".join(sections)


INNER = component(section(10, entries(imported("hidden"))), section(1, MODULE + WASI))
WHOLE = component(section(1, MODULE + WASI), section(4, INNER), section(10, entries(imported("own"))), section(1, MODULE))


def test_what_is_nested_at_any_depth() -> None:
    def module(path: tuple[int, ...], *imports: Extern) -> Nested:
        return Nested(path=path, kind=Kind.MODULE, imported=imports, exported=(), unknown=())

    opened = Extern(name="wasi_snapshot_preview1/path_open", kind="func")
    assert read_nested(BytesIO(WHOLE), where="c") == (
        module((0,), opened),
        Nested(path=(1,), kind=Kind.COMPONENT, imported=(Extern(name="hidden", kind="func"),), exported=(), unknown=()),
        module((1, 0), opened),
        module((2,)),
    )
    assert read_nested(BytesIO(MODULE + WASI), where="m") == ()


def test_a_section_does_not_reach_beyond_what_holds_it() -> None:
    nested = component(b"\x0a\x20")
    with pytest.raises(FormatError, match="a section goes on to byte"):
        read_nested(BytesIO(component(section(4, nested), section(10, entries(imported("x" * 30))))), where="c")


def test_what_is_malformed_is_found_where_it_is() -> None:
    with pytest.raises(FormatError, match=r"c: nested 0/0: byte \d+: the length of a module's name is not"):
        read_nested(BytesIO(component(section(4, component(section(1, MODULE + section(2, b"\x01")))))), where="c")
    with pytest.raises(FormatError, match="c: nested 0: this is neither a WebAssembly module nor a component"):
        read_nested(BytesIO(component(section(1, b"junk"))), where="c")


def test_depth_and_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = COMPONENT
    for _ in range(LIMITS.wasm_depth):
        deep = component(section(4, deep))
    assert len(read_nested(BytesIO(deep), where="c")) == LIMITS.wasm_depth
    with pytest.raises(LimitError, match="or deeper than 32"):
        read_nested(BytesIO(component(section(4, deep))), where="c")
    monkeypatch.setattr(reach, "LIMITS", replace(LIMITS, wasm_nested=2))
    with pytest.raises(LimitError, match="more than 2 nested modules"):
        read_nested(BytesIO(component(*[section(1, MODULE)] * 3)), where="c")


def test_every_cut_ends_in_our_errors() -> None:
    for end in range(8, len(WHOLE)):
        for data in (WHOLE[:end], WHOLE[:end] + b"\xff" + WHOLE[end + 1 :]):
            try:
                read_nested(BytesIO(data), where="c")
            except WasmOciError:
                continue


def test_inspect_lists_what_a_name_does_not_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    storage = b"\x02" + text("storage") + entries(b"\x00" + text("wasi:filesystem/types@0.2"), b"\x01" + text(".6")) + b"\x05\x00"
    clock = b"\x02" + text("wasi:clocks/wall-clock@0.2") + entries(b"\x01" + text(".6-rc.1")) + b"\x05\x00"
    unknown = section(10, b"\x01\x07")
    path = tmp_path / "c.wasm"
    path.write_bytes(WHOLE + section(10, entries(storage, clock)) + section(11, entries(exported("run"))) + unknown)
    assert main(["inspect", str(path), "--output", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["imports"] == ["own", "storage", "wasi:clocks/wall-clock@0.2"]
    assert document["reach"]["imports"][1:] == [
        {
            "name": "storage",
            "kind": "instance",
            "interface": "wasi:filesystem/types@0.2.6",
            "implements": "wasi:filesystem/types@0.2",
            "versionSuffix": ".6",
        },
        {
            "name": "wasi:clocks/wall-clock@0.2",
            "kind": "instance",
            "interface": "wasi:clocks/wall-clock@0.2.6-rc.1",
            "versionSuffix": ".6-rc.1",
        },
    ]
    assert [each["path"] for each in document["reach"]["nested"]] == ["0", "1", "1/0", "2"]
    assert "unknown form of name 0x07" in document["reach"]["unknown"][0]
    assert document["warnings"] == document["reach"]["unknown"]
    assert main(["inspect", str(path)]) == 0
    text_ = capsys.readouterr().out
    for line in (
        "    storage (implements wasi:filesystem/types@0.2.6)",
        "    wasi:clocks/wall-clock@0.2 (version 0.2.6-rc.1)",
        "    1/0 module, imports\n      wasi_snapshot_preview1/path_open",
        "  warning      byte ",
    ):
        assert line in text_


def test_inspect_says_that_it_could_not_look_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.wasm"
    path.write_bytes(component(section(1, b"junk"), section(10, entries(imported("own")))))
    assert main(["inspect", str(path), "--output", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["imports"] == ["own"]
    assert "nested 0: this is neither a WebAssembly module nor a component" in document["reach"]["unknown"][0]


def test_inspect_lists_the_imports_of_a_module(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(MODULE + WASI)
    assert main(["inspect", str(path)]) == 0
    assert "  imports\n    wasi_snapshot_preview1/path_open\n" in capsys.readouterr().out


def test_real_components() -> None:
    with (TESTDATA / "kinds_component.wasm").open("rb") as stream:
        (inner,) = read_nested(stream, where="c")
    assert ([each.name for each in inner.imported], [each.name for each in inner.exported]) == (["hidden-import"], ["hidden-export"])


def test_the_names_of_all_that_is_nested_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wasm_oci.wasm.component.LIMITS", replace(LIMITS, wasm_imports=5))
    one = section(1, MODULE + section(2, entries(*(text("m") + text(name) + b"\x00\x00" for name in "abc"))))
    assert len(read_nested(BytesIO(COMPONENT + one), where="c")) == 1
    with pytest.raises(LimitError, match="more than 5 imports and exports"):
        read_nested(BytesIO(COMPONENT + one + one), where="c")


@pytest.mark.parametrize(("start", "unknown"), [(MODULE, 14), (COMPONENT, 13)])
def test_a_section_of_an_unknown_id_may_have_names_too(start: bytes, unknown: int) -> None:
    assert read_wasm_stream(BytesIO(start + section(unknown - 1, b"\x00")), where="m").unknown == ()
    wasm = read_wasm_stream(BytesIO(start + section(unknown, b"\x00")), where="m")
    assert wasm.unknown == (f"byte 8: unknown section {unknown}, which may have names too",)
    (nested,) = read_nested(BytesIO(COMPONENT + section(1 if start is MODULE else 4, start + section(unknown, b"\x00"))), where="c")
    assert nested.unknown == (f"byte 18: unknown section {unknown}, which may have names too",)
