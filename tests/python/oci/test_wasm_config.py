"""The config blob: golden bytes as wkg writes them, and what other producers write."""

from __future__ import annotations

import json

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.wasm_config import ComponentNames, WasmConfig
from wasm_oci.wasm.component import WasmFile, read_wasm
from wasm_oci.wasm.metadata import Metadata
from wasm_oci.wasm.sections import Kind

HEX = "ab" * 32
LAYER = Digest(f"sha256:{HEX}")


def test_golden_bytes_of_a_component() -> None:
    wasm = read_wasm(TESTDATA / "kinds_component.wasm")
    assert WasmConfig.of(wasm, LAYER).encode().decode() == (
        '{"created":"1970-01-01T00:00:00Z","author":null,"architecture":"wasm","os":"wasip2",'
        f'"layerDigests":["sha256:{HEX}"],'
        '"component":{"exports":["plain","typed","ns:pkg/other@1.2.3","module","component"],'
        '"imports":["wanted-type","also-type","function","core-module","ns:pkg/iface@1.2.3","nested"],"target":null}}'
    )


def test_golden_bytes_of_a_module() -> None:
    wasm = WasmFile(kind=Kind.MODULE, metadata=Metadata(authors="not the author of the config"))
    assert WasmConfig.of(wasm, LAYER, created="2026-01-02T03:04:05Z").encode().decode() == (
        '{"created":"2026-01-02T03:04:05Z","author":null,"architecture":"wasm","os":"wasip1",'
        f'"layerDigests":["sha256:{HEX}"],"component":null}}'
    )


def test_a_component_without_names_is_still_a_component() -> None:
    wasm = WasmFile(kind=Kind.COMPONENT, metadata=Metadata())
    assert WasmConfig.of(wasm, LAYER).to_json()["component"] == {"exports": [], "imports": [], "target": None}


def test_parse_is_the_inverse_of_encode() -> None:
    config = WasmConfig.of(read_wasm(TESTDATA / "hello_component.wasm"), LAYER)
    assert WasmConfig.parse(config.encode(), where="c") == config


def test_other_producers_may_leave_everything_out() -> None:
    empty = WasmConfig(created=None, author=None, architecture=None, os=None, layer_digests=(), component=None)
    assert WasmConfig.parse(b"{}", where="c") == empty
    assert WasmConfig.parse(b'{"created":null,"component":null,"layerDigests":null,"more":[1]}', where="c") == empty
    assert WasmConfig.parse(b'{"component":{}}', where="c").component == ComponentNames()


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"junk", "c"),
        (b"[]", "c"),
        (b'{"os":1}', "c.os"),
        (b'{"layerDigests":"x"}', "c.layerDigests"),
        (b'{"layerDigests":["a",1]}', "c.layerDigests[1]"),
        (b'{"component":[]}', "c.component"),
        (b'{"component":{"imports":{}}}', "c.component.imports"),
        (b'{"component":{"exports":[null]}}', "c.component.exports[0]"),
    ],
)
def test_refused_with_the_path(data: bytes, path: str) -> None:
    with pytest.raises(FormatError) as caught:
        WasmConfig.parse(data, where="c")
    assert caught.value.where == path


def test_limit() -> None:
    with pytest.raises(LimitError):
        WasmConfig.parse(json.dumps({"os": "x" * LIMITS.config_blob}).encode(), where="c")
