"""Descriptors from hostile JSON."""

from __future__ import annotations

from typing import Any

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY, Descriptor

DIGEST = "sha256:" + "ab" * 32
GOOD: dict[str, Any] = {"mediaType": "application/wasm", "digest": DIGEST, "size": 3}


def test_empty_blob_is_the_one_of_the_specification() -> None:
    assert str(EMPTY.digest) == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert EMPTY.size == 2


def test_members_that_are_known_are_kept_and_others_are_not() -> None:
    document = {
        **GOOD,
        "annotations": {"a": "b"},
        "artifactType": "application/x",
        "platform": {"os": "wasip2", "architecture": "wasm"},
        "data": "e30=",
        "urls": ["https://evil.example/"],
    }
    parsed = Descriptor.parse(document, where="x")
    assert parsed.to_json() == {key: value for key, value in document.items() if key not in ("data", "urls")}


def test_optional_members_may_be_absent_null_or_empty() -> None:
    expected = Descriptor(media_type="application/wasm", digest=Digest(DIGEST), size=3)
    assert Descriptor.parse(GOOD, where="x") == expected
    assert Descriptor.parse({**GOOD, "annotations": None, "artifactType": "", "platform": None}, where="x") == expected
    assert expected.to_json() == GOOD


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"size": -1}, "x.size"),
        ({"size": True}, "x.size"),
        ({"size": 1.0}, "x.size"),
        ({"size": "3"}, "x.size"),
        ({"size": None}, "x.size"),
        ({"digest": None}, "x.digest"),
        ({"digest": 5}, "x.digest"),
        ({"digest": "sha256:../../../etc/passwd"}, "x.digest"),
        ({"digest": DIGEST + "\n"}, "x.digest"),
        ({"digest": "sha512:" + "ab" * 32}, "x.digest"),
        ({"digest": "sha256:" + "ab" * 64}, "x.digest"),
        ({"digest": "sha384:" + "ab" * 48}, "x.digest"),
        ({"mediaType": None}, "x.mediaType"),
        ({"mediaType": ""}, "x.mediaType"),
        ({"mediaType": "wasm"}, "x.mediaType"),
        ({"mediaType": "a/b; charset=utf-8"}, "x.mediaType"),
        ({"mediaType": "a/b\r\nX: y"}, "x.mediaType"),
        ({"artifactType": 1}, "x.artifactType"),
        ({"annotations": []}, "x.annotations"),
        ({"annotations": {"a": 1}}, "x.annotations"),
        ({"platform": "linux"}, "x.platform"),
    ],
)
def test_refused_with_the_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(FormatError) as caught:
        Descriptor.parse({**GOOD, **change}, where="x")
    assert caught.value.where == path


@pytest.mark.parametrize("obj", [None, [], "text", 1])
def test_refused_where_it_is_no_object(obj: object) -> None:
    with pytest.raises(FormatError, match="must be an object"):
        Descriptor.parse(obj, where="x")


def test_missing_members_are_said_to_be_missing() -> None:
    with pytest.raises(FormatError, match="is missing"):
        Descriptor.parse({"mediaType": "a/b", "digest": DIGEST}, where="x")


@pytest.mark.parametrize(
    "change",
    [
        {"size": LIMITS.wasm_file + 1},
        {"annotations": {str(n): "" for n in range(LIMITS.annotations + 1)}},
        {"annotations": {"a": "b" * LIMITS.annotation_bytes}},
    ],
)
def test_limits(change: dict[str, Any]) -> None:
    with pytest.raises(LimitError):
        Descriptor.parse({**GOOD, **change}, where="x")
