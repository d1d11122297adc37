"""Headers of responses: which are well formed, and that a malformed one is not believed."""

from __future__ import annotations

import time

import pytest

from fakes.clients import client_of, put_blob
from instruments.effects import Headers
from instruments.faults import Fault
from instruments.registry import start
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, MANIFEST_MEDIA_TYPE
from wasm_oci.oci.manifest import Manifest
from wasm_oci.registry.headers import media_type_of, parse_size, size_of

MANIFEST = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.test")


@pytest.mark.parametrize(
    "header",
    [
        "application/json",
        "Application/JSON",
        " application/json\t",
        "application/json;charset=utf-8",
        "application/json ; charset=utf-8 ;q=1",
        'application/json; title="a; b=\\"c\\", d"',
        "application/json;",
        "application/json; ; charset=utf-8",
    ],
)
def test_a_media_type_and_its_parameters(header: str) -> None:
    assert media_type_of({"Content-Type": header}) == "application/json"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "json",
        "/",
        "application/",
        "/json",
        "*/*",
        "a application/json",
        "application/json a",
        "application /json",
        "application/json/x",
        "application/json, application/json",
        "application/json; charset",
        "application/json; charset=",
        "application/json; charset = utf-8",
        'application/json; title="a',
        "application/jsön",
        "application/json\n",
        f"application/{'x' * 200}",
    ],
)
def test_what_is_no_media_type(header: str) -> None:
    assert media_type_of({"Content-Type": header}) == ""


@pytest.mark.parametrize("part", [" ", ";", "; ", " ;", "; a=b", '"', '\\"', "a", "a/"])
def test_a_long_header_is_read_in_linear_time(part: str) -> None:
    started = time.process_time()
    for start_of_it in ("", "a/b", 'a/b; c="'):
        assert media_type_of({"Content-Type": start_of_it + part * 20_000 + "\0"}) == ""
    assert time.process_time() - started < 1


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("12", 12), ("", None), ("+1", None), ("²", None), ("١٢", None), ("9" * 19, None)])
def test_a_size_has_ascii_digits(text: str, size: int | None) -> None:
    assert parse_size(text) == size_of({"Content-Length": text}) == size
    assert size_of({"Content-Length": text, "Content-Encoding": "gzip"}) is None


@pytest.mark.parametrize(
    "changes",
    [{"Content-Type": None}, {"Content-Type": f"a {MANIFEST_MEDIA_TYPE}"}, {"Content-Encoding": "gzip"}],
    ids=["no type", "malformed type", "encoded"],
)
def test_malformed_headers_of_head_are_not_believed(changes: dict[str, str | None]) -> None:
    with start() as registry, client_of(registry) as client:
        put_blob(client, EMPTY_BLOB)
        client.put_manifest("v1", MANIFEST.encode(), MANIFEST_MEDIA_TYPE)
        registry.requests.clear()
        registry.faults.add(Fault(method="HEAD", effect=Headers(changes=changes), times=None))
        assert client.find_manifest("v1") == MANIFEST.descriptor()
        assert [record.method for record in registry.requests] == ["HEAD", "GET"]


def test_a_malformed_type_does_not_replace_the_one_that_a_manifest_has_by_its_members() -> None:
    with start() as registry, client_of(registry) as client:
        put_blob(client, EMPTY_BLOB)
        document = MANIFEST.encode().replace(f'"mediaType":"{MANIFEST_MEDIA_TYPE}",'.encode(), b"", 1)
        client.put_manifest("v1", document, MANIFEST_MEDIA_TYPE)
        malformed = Headers(changes={"Content-Type": "application/vnd. or whatever"})
        registry.faults.add(Fault(effect=malformed, times=None))
        assert client.fetch_manifest("v1").descriptor.media_type == MANIFEST_MEDIA_TYPE
