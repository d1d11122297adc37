"""Layouts that another program wrote: whatever is in them is still there after our writes, and is no obstacle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, public
from fakes.clients import REPOSITORY, client_of, put_blob
from fakes.program import Run
from instruments.faults import Fault
from instruments.registry import start
from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse, read_all
from wasm_oci.local_registry.service import Responder
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout import write_layout
from wasm_oci.oci.manifest import Manifest

REF_NAME = "org.opencontainers.image.ref.name"
OTHER = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.other")
LISTED: dict[str, Any] = {
    **OTHER.descriptor().to_json(),
    "annotations": {REF_NAME: "v1", "a": "b"},
    "artifactType": "application/vnd.other",
    "data": "e30=",
    "platform": {"os": "wasip2", "architecture": "wasm", "os.features": ["x"], "unheard": {"of": [1, None, 0.5]}},
    "urls": ["https://example.com/other"],
    "x-mine": [1, {"deep": None}],
}
SHA384: dict[str, Any] = {
    "mediaType": MANIFEST_MEDIA_TYPE,
    "digest": "sha384:" + "a" * 96,
    "size": 7,
    "annotations": {REF_NAME: "long"},
    "urls": ["https://example.com"],
}
UNREADABLE: list[Any] = ["text", None, 7, ["a"], {}, {"digest": 7}, {**SHA384, "annotations": ["x"]}, {"mediaType": "?", "size": -1}]
MEMBERS: dict[str, Any] = {"annotations": {"k": "v"}, "artifactType": "application/vnd.set", "x-set": {"kept": [True, "ü\u2028"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lenient:
    """Takes any list under one tag, as registries do that do not look at its entries."""

    folder: Path
    tag: str

    def store(self, data: bytes) -> None:
        listed = Descriptor.of(data, INDEX_MEDIA_TYPE)
        (self.folder / "blobs/sha256" / listed.digest.hex).write_bytes(data)
        index = index_of(self.folder)
        index["manifests"] = [entry for entry in index["manifests"] if (entry.get("annotations") or {}).get(REF_NAME) != self.tag]
        index["manifests"].append({**listed.to_json(), "annotations": {REF_NAME: self.tag}})
        (self.folder / "index.json").write_text(json.dumps(index))

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        del carry
        self.store(read_all(request.body, LIMITS.manifest, what="list"))
        return ServedResponse(status=201)


def foreign(folder: Path, *further: Any) -> Path:
    """A layout with one tagged manifest, in the way of a program that writes more than it must."""
    write_layout(folder, OTHER.raw, {EMPTY.digest: EMPTY_BLOB}, "v1")
    document = {"schemaVersion": 2, **MEMBERS, "manifests": [LISTED, *further]}
    (folder / "index.json").write_text(json.dumps(document))
    return folder


def index_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "index.json").read_bytes()))


def push_to(run: Run, folder: Path, image: Image, tag: str, *flags: str) -> None:
    disk = {"name": "here", "type": "layout", "path": str(folder), "auth": {"kind": "anonymous"}}
    document = {"schema_version": 1, "layout": str(image.folder), "signature": str(image.signature), "registries": [disk]}
    request = folder.parent / "request.json"
    request.write_text(json.dumps(document | {"registry": "here", "namespace": "", "repository": "hello", "tag": tag}))
    ended = run("push", "--request", request, *flags)
    assert ended.code == 0, ended.err


@pytest.fixture
def trusted(tmp_path: Path) -> Path:
    path = tmp_path / "key.public"
    path.write_bytes(public(1).compact())
    return path


def test_a_publish_keeps_what_others_wrote(run: Run, tmp_path: Path, images: tuple[Image, Image]) -> None:
    folder = foreign(tmp_path / "layout", SHA384, *UNREADABLE)
    push_to(run, folder, images[0], "v2")
    index = index_of(folder)
    assert index["manifests"][: 2 + len(UNREADABLE)] == [LISTED, SHA384, *UNREADABLE]
    assert {name: index[name] for name in MEMBERS} == MEMBERS
    assert len(index["manifests"]) == 4 + len(UNREADABLE)
    before = (folder / "index.json").read_bytes()
    push_to(run, folder, images[0], "v2")
    assert (folder / "index.json").read_bytes() == before


def test_numbers_keep_their_text(run: Run, tmp_path: Path, images: tuple[Image, Image]) -> None:
    folder = foreign(tmp_path / "layout")
    numbers = "[0.1000000000000000055511151231257827, 1E5, 1.0]"
    text = (folder / "index.json").read_text().replace("[1, null, 0.5]", numbers)
    assert numbers in text
    (folder / "index.json").write_text(text)
    push_to(run, folder, images[0], "v2")
    assert numbers in " ".join((folder / "index.json").read_text().split()).replace("[ ", "[").replace(" ]", "]")
    (folder / "index.json").write_text(text.replace("1E5", "1E500"))
    with pytest.raises(AssertionError, match="is too large"):
        push_to(run, folder, images[0], "v3")
    assert "1E500" in (folder / "index.json").read_text()


def test_a_tag_that_moves_leaves_the_rest_of_its_entry(run: Run, tmp_path: Path, images: tuple[Image, Image]) -> None:
    folder = foreign(tmp_path / "layout", SHA384)
    push_to(run, folder, images[0], "v1", "--move-tags")
    assert index_of(folder)["manifests"][:2] == [{**LISTED, "annotations": {"a": "b"}}, SHA384]
    assert run("inspect", f"{folder}@{OTHER.descriptor().digest}").code == 0


def test_a_manifest_of_two_tags_keeps_what_each_entry_says(run: Run, tmp_path: Path, images: tuple[Image, Image]) -> None:
    other = {**OTHER.descriptor().to_json(), "annotations": {REF_NAME: "v1.0"}}
    folder = foreign(tmp_path / "layout", other)
    for tag in ("v1", "v1.0"):
        push_to(run, folder, images[0], tag, "--move-tags")
    assert index_of(folder)["manifests"][0] == {**LISTED, "annotations": {"a": "b"}}
    assert [entry["digest"] for entry in index_of(folder)["manifests"]].count(other["digest"]) == 1


def test_a_malformed_entry_of_the_same_digest_is_no_entry(run: Run, tmp_path: Path, images: tuple[Image, Image], trusted: Path) -> None:
    image = images[0]
    broken = {"digest": str(image.digest), "size": "many", "x": 1}
    folder = foreign(tmp_path / "layout", broken)
    push_to(run, folder, image, "v2")
    push_to(run, folder, image, "v3")
    assert run("pull", f"{folder}@{image.digest}", "-K", trusted, "-o", tmp_path / "hello.wasm").code == 0
    assert {"x": 1}.items() <= index_of(folder)["manifests"][1].items()


def test_an_entry_that_gets_a_tag_keeps_its_members(run: Run, tmp_path: Path, images: tuple[Image, Image]) -> None:
    image = images[0]
    folder = foreign(tmp_path / "layout")
    push_to(run, folder, image, "v2")
    index = index_of(folder)
    (entry,) = (entry for entry in index["manifests"] if entry["digest"] == str(image.digest))
    entry |= {"annotations": {"mine": "kept"}, "data": "e30=", "platform": {"os": "wasip2", "variant": "x"}}
    (folder / "index.json").write_text(json.dumps(index))
    push_to(run, folder, image, "v3")
    (after,) = (entry for entry in index_of(folder)["manifests"] if entry["digest"] == str(image.digest))
    assert after == {**entry, "annotations": {"mine": "kept", REF_NAME: "v3"}}


def test_entries_of_another_algorithm_are_no_obstacle(run: Run, tmp_path: Path, images: tuple[Image, Image], trusted: Path) -> None:
    folder = foreign(tmp_path / "layout", SHA384, {**SHA384, "annotations": {}})
    push_to(run, folder, images[0], "v2")
    for name in ("v2", f"@{images[0].digest}"):
        text = f"{folder}{name}" if name.startswith("@") else f"{folder}:{name}"
        assert run("pull", text, "-K", trusted, "-o", tmp_path / "hello.wasm").code == 0
        assert run("inspect", text).code == 0
    ended = run("inspect", f"{folder}:long")
    assert (ended.code, "manifests[1].digest" in ended.err, ended.is_one_clear_error) == (2, True, True)
    ended = run("inspect", folder)
    assert (ended.code, "use one of the tags long, v1, v2" in ended.err) == (2, True)


def test_entries_that_cannot_be_read_are_an_obstacle_to_listing_referrers_only(
    run: Run, tmp_path: Path, images: tuple[Image, Image], trusted: Path
) -> None:
    folder = foreign(tmp_path / "layout", SHA384, *UNREADABLE)
    push_to(run, folder, images[0], "v2")
    assert run("pull", f"{folder}:v2", "-K", trusted, "-o", tmp_path / "hello.wasm").code == 0
    ended = run("inspect", f"{folder}:v2")
    assert (ended.code, "manifests[2]: must be an object, but is 'text'" in ended.err, ended.is_one_clear_error) == (2, True, True)


def test_the_local_registry_keeps_what_others_wrote(tmp_path: Path) -> None:
    folder = foreign(tmp_path / "library/hello", SHA384, *UNREADABLE)
    with start(tmp_path) as registry, client_of(registry) as client:
        put_blob(client, EMPTY_BLOB)
        mine = Manifest(config=EMPTY, layers=(), artifact_type="application/vnd.mine")
        client.put_manifest("v2", mine.raw, MANIFEST_MEDIA_TYPE)
        client.put_manifest("v1", mine.raw, MANIFEST_MEDIA_TYPE)
        assert client.fetch_manifest(OTHER.descriptor().digest).data == OTHER.raw
        client.put_manifest("again", OTHER.raw, MANIFEST_MEDIA_TYPE)
        assert client.tags() == ("again", "v1", "v2")
    index = index_of(folder)
    assert index["manifests"][:-2] == [{**LISTED, "annotations": {"a": "b", REF_NAME: "again"}}, SHA384, *UNREADABLE]
    assert {name: index[name] for name in MEMBERS} == MEMBERS


def test_a_list_under_a_fallback_tag_keeps_what_others_wrote(run: Run, images: tuple[Image, Image]) -> None:
    image = images[0]
    with start(referrers_api=False) as registry, client_of(registry) as client:
        tag = f"sha256-{image.digest.hex}"
        assert run("push", image.folder, f"{registry.host}/{REPOSITORY}:v1").code == 0
        numbers = b"[0.1000000000000000055511151231257827,1E5]"
        listed = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, **MEMBERS, "manifests": [SHA384, *UNREADABLE]}
        lenient = Lenient(folder=registry.state / REPOSITORY, tag=tag)
        lenient.store(json.dumps(listed).encode().replace(b"{", b'{"x-numbers":' + numbers + b",", 1))
        registry.faults.add(Fault(method="PUT", path=f"/manifests/{tag}$", effect=lenient, times=None))
        assert run("push", image.folder, f"{registry.host}/{REPOSITORY}:v1", "--signature-file", image.signature).code == 0
        data = client.fetch_manifest(tag).data
    assert numbers in data
    document = json.loads(data)
    assert document["manifests"][:-1] == [SHA384, *UNREADABLE]
    assert {name: document[name] for name in MEMBERS} == MEMBERS
