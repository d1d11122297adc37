"""A release is one object: the index is the last to be seen, and names everything that belongs to it."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from fakes.program import tag_of, writes
from fakes.publishing import RunRelease
from fakes.release_files import NAMES
from fakes.three import Three, member_tags, to
from fakes.token_server import token_server
from instruments.effects import Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.errors import TagConflictError, UsageError
from wasm_oci.local_registry.access import Bearer
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.release_index import ReleaseIndex
from wasm_oci.publish.release_request import IndexRequest, ReleaseRequest


def released(registry: RunningRegistry, tag: str = "current") -> ReleaseIndex:
    return ReleaseIndex.parse(LayoutStore(registry.state / "releases").fetch_manifest(tag), where="release")


def tag_writes(registry: RunningRegistry) -> list[str]:
    found = (re.fullmatch(r"PUT /v2/(.+)/manifests/([^:]+)", line) for line in writes(registry))
    return [f"{match[1]}:{match[2]}" for match in found if match and not match[2].startswith("sha256-")]


def test_a_release_names_its_members_and_is_seen_last(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    done = publish_all(three.request(registry))
    assert done.errors == ()
    index = released(registry)
    assert [(member.repository, sorted(member.tags), len(member.referrers)) for member in index.members] == [
        ("apps/one", ["latest"], 1),
        ("apps/three", ["latest"], 0),
        ("apps/two", ["latest"], 0),
    ]
    assert {member.digest for member in index.members} == {image.digest for image in three.images}
    assert index.repository == "releases"
    tags = tag_writes(registry)
    assert (set(tags[:3]), tags[3:]) == ({f"apps/{name}:latest" for name in NAMES}, ["releases:v1", "releases:current"])
    beside = LayoutStore(registry.state / "releases")
    assert all(beside.find_manifest(member.digest) for member in index.members)
    assert list(beside.referrers(three.images[0].digest))


def test_the_blobs_beside_the_index_are_mounted(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    publish_all(three.request(registry))
    uploads = [record for record in registry.requests if record.method == "POST" and record.path.startswith("/v2/releases/")]
    assert {record.status for record in uploads} == {201}
    assert all(record.query.get("mount") and "apps/" in str(record.query.get("from")) for record in uploads)


def test_a_blob_of_several_members_is_stored_once_beside_the_index(
    publish_all: RunRelease, registry: RunningRegistry, three: Three
) -> None:
    assert publish_all(three.request(registry)).errors == ()
    stored = [str(record.query.get("mount")) for record in registry.requests if record.path == "/v2/releases/blobs/uploads/"]
    assert len({image.manifest.config.digest for image in three.images}) == 1
    assert len(stored) == len(set(stored))


def test_a_mount_that_is_refused_is_an_upload(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    fault = registry.faults.add(Fault(method="POST", path="/v2/releases/", effect=Reply(status=403)))
    assert publish_all(three.request(registry)).errors == ()
    assert fault.hits == 1
    assert len(released(registry).members) == 3


def test_the_same_members_make_the_same_digest_at_every_registry(
    publish_all: RunRelease, registry: RunningRegistry, second: RunningRegistry, three: Three
) -> None:
    publish_all(three.request(registry, second))
    digest = tag_of(registry, "releases", "v1")
    assert digest is not None
    assert tag_of(second, "releases", "v1") == digest


def test_an_unchanged_release_asks_for_its_tags_only(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    publish_all(three.request(registry))
    registry.requests.clear()
    done = publish_all(three.request(registry))
    assert {result.status for each in done.artifacts for result in each.results} == {"unchanged"}
    assert {(record.method, record.path.rpartition("/")[2]) for record in registry.requests} <= {
        ("GET", "v1"),
        ("HEAD", "v1"),
        ("GET", "current"),
        ("HEAD", "current"),
    }


def test_a_later_release_writes_what_changed_and_the_index(
    publish_all: RunRelease, registry: RunningRegistry, three: Three, changed: Three
) -> None:
    publish_all(three.request(registry))
    registry.requests.clear()
    assert publish_all(changed.request(registry, tag="v2")).errors == ()
    assert tag_writes(registry) == ["apps/two:latest", "releases:v2", "releases:current"]
    asked = {record.path.split("/")[3] for record in registry.requests if "/apps/" in record.path}
    assert asked == {"two"}
    assert {member.digest for member in released(registry, "v2").members} == {image.digest for image in changed.images}
    assert {member.digest for member in released(registry, "v1").members} == {image.digest for image in three.images}


def test_another_tag_or_signature_of_a_member_is_a_change(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    publish_all(three.request(registry))
    assert publish_all(three.request(registry, tag="v2", member_tag="1.0.0")).errors == ()
    assert member_tags(registry, "1.0.0") == [image.digest for image in three.images]


def test_one_failed_member_keeps_every_tag_of_its_registry(
    publish_all: RunRelease, registry: RunningRegistry, second: RunningRegistry, three: Three, changed: Three
) -> None:
    publish_all(three.request(registry, second))
    before = (member_tags(registry), tag_of(registry, "releases", "current"))
    registry.faults.add(Fault(method="PUT", path="/apps/two/", effect=Reply(status=500), times=None))
    done = publish_all(changed.request(registry, second, tag="v2"))
    assert done.errors
    assert (member_tags(registry), tag_of(registry, "releases", "current")) == before
    assert tag_of(registry, "releases", "v2") is None
    assert member_tags(second) == [image.digest for image in changed.images]
    assert tag_of(second, "releases", "v2") is not None


def test_a_release_tag_does_not_move(publish_all: RunRelease, registry: RunningRegistry, three: Three, changed: Three) -> None:
    publish_all(three.request(registry))
    before = tag_of(registry, "releases", "v1")
    registry.requests.clear()
    done = publish_all(changed.request(registry))
    assert isinstance(done.errors[0], TagConflictError)
    assert writes(registry) == []
    assert tag_of(registry, "releases", "v1") == before


@pytest.mark.parametrize("what", ["new", "changed"])
def test_whatever_request_fails_a_release_tag_names_all_old_or_all_new(
    publish_all: RunRelease, registry: RunningRegistry, three: Three, changed: Three, what: str
) -> None:
    if what == "changed":
        publish_all(three.request(registry))
    old = tag_of(registry, "releases", "current")
    number, errors = 0, 0
    while True:
        number += 1
        fault = registry.faults.add(Fault(effect=Hangup(stored=bool(number % 2)), nth=number, times=None))
        done = publish_all(changed.request(registry, tag=f"n{number}"))
        registry.faults.clear()
        errors += bool(done.errors)
        now = tag_of(registry, "releases", "current")
        if now != old:
            names = {member.digest for member in released(registry).members}
            assert names == {image.digest for image in changed.images}
            assert member_tags(registry) == [image.digest for image in changed.images]
        if not fault.hits:
            break
    assert errors > 5
    assert done.errors == ()


def test_a_dry_run_names_the_digest_and_writes_nothing(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    done = publish_all(three.request(registry, dry_run=True))
    assert writes(registry) == []
    (index,) = done.indexes
    assert index.planned.plan is not None
    publish_all(three.request(registry))
    assert tag_of(registry, "releases", "v1") == index.planned.plan.artifact.descriptor.digest


def test_the_document_holds_neither_time_nor_registry(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    publish_all(three.request(registry))
    text = LayoutStore(registry.state / "releases").fetch_manifest("v1").data.decode()
    assert registry.host not in text
    assert set(json.loads(text)) == {"schemaVersion", "mediaType", "artifactType", "annotations", "manifests"}


def test_two_indexes_of_one_registry_are_refused(publish_all: RunRelease, registry: RunningRegistry, three: Three) -> None:
    request = three.request(registry)
    further = IndexRequest(destination=to(registry, "other", "v1"))
    with pytest.raises(UsageError, match="two release indexes"):
        publish_all(ReleaseRequest(artifacts=request.artifacts, indexes=(*request.indexes, further)))


def test_an_index_without_members_is_refused(
    publish_all: RunRelease, registry: RunningRegistry, second: RunningRegistry, three: Three
) -> None:
    request = three.request(registry)
    elsewhere = IndexRequest(destination=to(second, "releases", "v1"))
    with pytest.raises(UsageError, match="no artifact goes to the registry"):
        publish_all(ReleaseRequest(artifacts=request.artifacts, indexes=(elsewhere,)))


def test_a_mount_asks_for_a_token_of_both_repositories(publish_all: RunRelease, environ: dict[str, str], three: Three) -> None:
    with token_server(users={"robot": "s3cret"}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
        pair = base64.b64encode(b"robot:s3cret").decode()
        Path(environ["DOCKER_CONFIG"]).mkdir()
        (Path(environ["DOCKER_CONFIG"]) / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": pair}}}))
        assert publish_all(three.request(registry)).errors == ()
        mounts = [record for record in registry.requests if record.query.get("mount") and record.status == 201]
        assert mounts
    assert ("repository:apps/one:pull", "repository:releases:pull,push") in {asked.scopes for asked in tokens.requests}
