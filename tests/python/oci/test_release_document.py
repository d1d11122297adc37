"""The document of a release index: what makes it, and every way in which another one is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, LimitError, UsageError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.oci import release_index
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.release_index import Member, ReleaseIndex
from wasm_oci.oci.store import FetchedManifest


def member(repository: str, number: int = 0, *, tags: tuple[str, ...] = ("1.0.0",), referrers: tuple[int, ...] = ()) -> Member:
    return Member(
        descriptor=Descriptor.of(b"%d" % number, MANIFEST_MEDIA_TYPE),
        repository=repository,
        title=repository,
        version="1.0.0",
        tags=frozenset(tags),
        referrers=frozenset(Digest.of(b"%d" % each) for each in referrers),
    )


RELEASE = ReleaseIndex.of("releases", [member("b", 2), member("a", 1, tags=("1.0.0", "latest"), referrers=(7, 8))])


def fetched(data: bytes, media_type: str = INDEX_MEDIA_TYPE) -> FetchedManifest:
    return FetchedManifest(descriptor=Descriptor.of(data, media_type), data=data)


def test_what_is_written_is_read() -> None:
    assert ReleaseIndex.parse(fetched(RELEASE.index().raw), where="release") == RELEASE
    assert [each.repository for each in RELEASE.members] == ["a", "b"]


def test_a_member_that_is_given_twice_counts_once_with_all_its_tags_and_referrers() -> None:
    twice = [member("a", tags=("1",), referrers=(7,)), member("a", tags=("2",), referrers=(8,))]
    assert ReleaseIndex.of("releases", twice).members == (member("a", tags=("1", "2"), referrers=(7, 8)),)


def test_it_names_a_member_with_all_of_its_tags_and_referrers_only() -> None:
    known = RELEASE.members[0]
    assert RELEASE.names(replace(known, tags=frozenset({"latest"}), referrers=frozenset()))
    for other in ({"tags": known.tags | {"new"}}, {"referrers": known.referrers | {Digest.of(b"9")}}, {"repository": "c"}):
        assert not RELEASE.names(replace(known, **other))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(RELEASE.index().raw)
    change(document)
    return json.dumps(document).encode()


def noted(number: int, name: str, text: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["manifests"][number]["annotations"].update({f"com.wasm.release.{name}": text})


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (lambda document: document.update(artifactType="other/type"), UsageError, "the type other/type, not that of a release"),
        (lambda document: document.pop("artifactType"), UsageError, "the type none, not that of a release"),
        (lambda document: document["manifests"].append(document["manifests"][0]), FormatError, "the release names a member twice"),
        (lambda document: document.pop("annotations"), FormatError, "com.wasm.release.repository: "),
        (noted(1, "repository", "../b"), FormatError, "manifests[1]: com.wasm.release.repository: "),
        (noted(1, "tags", "1.0.0 -x"), FormatError, "manifests[1]: com.wasm.release.tags: "),
        (noted(0, "referrers", "sha256:0"), WasmOciError, "manifests[0]"),
    ],
)
def test_another_document_is_refused(change: Callable[[dict[str, Any]], object], kind: type[WasmOciError], text: str) -> None:
    with pytest.raises(kind) as caught:
        ReleaseIndex.parse(fetched(changed(change)), where="release")
    assert text in str(caught.value)


def test_a_manifest_is_no_release() -> None:
    with pytest.raises(UsageError, match="this is an OCI image manifest, not a release"):
        ReleaseIndex.parse(fetched(b"{}", MANIFEST_MEDIA_TYPE), where="release")


def test_a_release_that_no_registry_has_to_take_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ({"manifest": len(RELEASE.index().raw) - 1}, {"descriptors": 1}):
        monkeypatch.setattr(release_index, "LIMITS", replace(LIMITS, **limit))
        with pytest.raises(LimitError, match="a release index of 2 members has"):
            RELEASE.index()
