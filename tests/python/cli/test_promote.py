"""`wasm_oci promote` and `archive`: the same digests and referrers at every place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fakes.artifacts import Image, key, public, signed_image
from fakes.program import NAME, Run, push, tag_of, writes
from fakes.release_files import NAMES, entry, request
from fakes.signing import P256_PEM, P256_SECRET
from instruments.effects import Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.oci.layout_store import LayoutStore


@pytest.fixture
def registries() -> Iterator[list[RunningRegistry]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start(referrers_api=number != 1)) for number in range(3)]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    return {name: signed_image(tmp_path / name, text=name, detached=name != "two") for name in NAMES}


def contents(registry: RunningRegistry, repository: str, images: dict[str, Image]) -> dict[str, object]:
    """Everything of a release that a reader of a registry sees."""
    store = LayoutStore(registry.state / repository)
    return {
        "release": tag_of(registry, repository, "v1"),
        "members": {name: tag_of(registry, f"apps/{name}", "latest") for name in NAMES},
        "referrers": {name: {entry.digest for entry in store.referrers(image.digest)} for name, image in images.items()},
        "own referrers": {
            name: {entry.digest for entry in LayoutStore(registry.state / "apps" / name).referrers(image.digest)}
            for name, image in images.items()
        },
    }


def test_a_release_has_the_same_digests_and_referrers_at_a_second_registry_and_through_an_archive_at_a_third(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, third = registries
    assert run("release", "--request", request(tmp_path, images, entry("first", first))).code == 0
    assert run("promote", f"{first.host}/releases:v1", f"{second.host}/releases").code == 0
    archive = tmp_path / "release.tar"
    assert run("archive", f"{second.host}/releases:v1", archive).code == 0
    assert run("promote", f"oci-archive:{archive}", f"{third.host}/releases:v1").code == 0
    expected = contents(first, "releases", images)
    assert expected["members"] == {name: image.digest for name, image in images.items()}
    assert contents(second, "releases", images) == expected
    assert contents(third, "releases", images) == expected
    key = tmp_path / "1.public"
    key.write_bytes(public(1).compact())
    for place in (f"{third.host}/releases:v1", f"oci-archive:{archive}"):
        assert run("release", "verify", place, "-K", key).code == 0
    again = tmp_path / "again.tar"
    assert run("archive", f"{third.host}/releases:v1", again).code == 0
    assert again.read_bytes() == archive.read_bytes()
    assert run("promote", f"{third.host}/releases:v1", f"oci-archive:{tmp_path}/named.tar:v1").code == 0
    assert (tmp_path / "named.tar").read_bytes() == archive.read_bytes()
    assert run("release", "diff", f"oci-archive:{again}:v1", f"{first.host}/releases:v1").out == "No difference\n"


def test_a_promotion_again_is_unchanged(run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    run("promote", f"{first.host}/releases:v1", f"{second.host}/releases")
    second.requests.clear()
    again = run("promote", f"{first.host}/releases:v1", f"{second.host}/releases")
    assert (again.code, "3 unchanged" in again.out, writes(second)) == (0, True, [])


def test_a_promotion_does_not_say_that_signatures_were_checked_before(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    planned = run("promote", f"{first.host}/releases:v1", f"{second.host}/releases", "--dry-run").out
    assert planned.count("  signature: copied as it is, if there is one\n") == len(images)


def test_a_dry_run_writes_nothing_and_names_the_digest(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    ended = run("promote", f"{first.host}/releases:v1", f"{second.host}/releases", "--dry-run", "--output", "json")
    assert (ended.code, writes(second)) == (0, [])
    assert ended.document["digest"] == str(tag_of(first, "releases", "v1"))


def test_a_repository_of_another_name_is_refused_and_a_prefix_is_not(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    refused = run("promote", f"{first.host}/releases:v1", f"{second.host}/other")
    assert (refused.code, "the release calls its repository releases" in refused.err, writes(second)) == (2, True, [])
    assert run("promote", f"{first.host}/releases:v1", f"{second.host}/mirror/releases").code == 0
    assert [tag_of(second, f"mirror/apps/{name}", "latest") for name in NAMES] == [images[name].digest for name in NAMES]
    assert run("release", "verify", f"{second.host}/mirror/releases:v1").code == 0


def test_whatever_request_fails_a_promoted_tag_names_all_or_nothing(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    number, failed = 0, 0
    while True:
        number += 3
        fault = second.faults.add(Fault(effect=Hangup(), nth=number, times=None))
        ended = run("promote", f"{first.host}/releases:v1", f"{second.host}/n{number}/releases")
        second.faults.clear()
        failed += ended.code != 0
        tag = tag_of(second, f"n{number}/releases", "v1")
        assert tag is None or run("release", "verify", f"{second.host}/n{number}/releases:v1").code == 0
        assert tag is not None or ended.code == 6
        if not fault.hits:
            break
    assert failed > 5


def test_one_artifact_keeps_its_signature_and_a_taken_tag_is_refused(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image]
) -> None:
    first, second, _ = registries
    push(run, images["one"], first, "v1")
    assert run("promote", f"{first.host}/library/hello:v1", f"{second.host}/prod/hello", "--tag", "v1").code == 0
    assert tag_of(second, "prod/hello", "v1") == images["one"].digest
    assert list(LayoutStore(second.state / "prod/hello").referrers(images["one"].digest))
    push(run, images["three"], first, "v2")
    before = writes(second)
    refused = run("promote", f"{first.host}/library/hello:v2", f"{second.host}/prod/hello:v1")
    assert (refused.code, writes(second)) == (7, before)
    assert run("promote", f"{first.host}/library/hello:v2", f"{second.host}/prod/hello:v1", "--move-tags").code == 0
    assert tag_of(second, "prod/hello", "v1") == images["three"].digest


def test_a_referrer_that_is_only_listed_is_named(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], caplog: pytest.LogCaptureFixture
) -> None:
    """As where a registry's garbage collection removed what has no tag: the rest goes, and nobody takes it for all."""
    _, first, second = registries
    assert push(run, images["one"], first, "v1").code == 0
    (listed,) = LayoutStore(first.state / NAME).referrers(images["one"].digest)
    first.faults.add(Fault(path=str(listed.digest), effect=Reply(status=404), times=None))
    assert run("promote", f"{first.host}/{NAME}:v1", f"{second.host}/{NAME}").code == 0
    assert f"the referrer {listed.digest} is listed and not there; it is passed over" in caplog.text


def test_what_the_key_did_not_sign_is_not_promoted(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    for signer, code in ((2, 4), (1, 0)):
        key = tmp_path / f"{signer}.public"
        key.write_bytes(public(signer).compact())
        assert run("promote", f"{first.host}/releases:v1", f"{second.host}/releases", "-K", key).code == code
        assert bool(writes(second)) == (code == 0)


def test_an_archive_of_one_image_is_pushed_pulled_and_inspected(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    first, second, _ = registries
    push(run, images["one"], first, "v1")
    archive = tmp_path / "one.tar"
    assert run("archive", f"{first.host}/library/hello:v1", archive, "--tag", "1.0.0").code == 0
    assert run("push", f"oci-archive:{archive}", f"{second.host}/library/hello:v1").code == 0
    assert tag_of(second, "library/hello", "v1") == images["one"].digest
    assert list(LayoutStore(second.state / "library/hello").referrers(images["one"].digest))
    key = tmp_path / "1.public"
    key.write_bytes(public(1).compact())
    assert run("pull", f"oci-archive:{archive}:1.0.0", "-o", tmp_path / "pulled.wasm", "-K", key).code == 0
    assert (tmp_path / "pulled.wasm").read_bytes() == images["one"].wasm
    assert run("inspect", f"oci-archive:{archive}", "--output", "json").document["digest"] == str(images["one"].digest)


@pytest.mark.parametrize("tags", [{"v1"}, {"v1", "2.0"}, {"host/library/hello:v1"}], ids=["one", "two", "a name"])
def test_a_layout_alone_keeps_its_tags(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path, tags: set[str]
) -> None:
    """Through an archive too; docker and containerd write whole references in the place of tags."""
    registry, folder = registries[0], images["one"].folder
    index = json.loads((folder / "index.json").read_text())
    (entry,) = index["manifests"]
    index["manifests"] = [{**entry, "annotations": {"org.opencontainers.image.ref.name": tag}} for tag in sorted(tags)]
    (folder / "index.json").write_text(json.dumps(index))
    archive = tmp_path / "one.tar"
    assert run("archive", folder, archive).code == 0
    for number, source in enumerate([folder, f"oci-archive:{archive}"]):
        assert run("promote", source, f"{registry.host}/library/{number}").code == 0
        assert set(LayoutStore(registry.state / "library" / str(number)).tags()) == {tag for tag in tags if "/" not in tag}
        assert run("promote", source, f"{registry.host}/named/{number}:v9").code == 0
        assert LayoutStore(registry.state / "named" / str(number)).tags() == ("v9",)


def test_a_target_promotes_between_entries(run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first, "staging")))
    document = {
        "schema_version": 1,
        "source": "first/releases:v1",
        "destination": "second/releases",
        "tags": ["v1"],
        "movable_tags": ["latest"],
        "registries": [entry("first", first, "staging"), entry("second", second, "production")],
        "target": "//:promote",
    }
    file = tmp_path / "promote.json"
    file.write_text(json.dumps(document))
    assert run("promote", "--request", file).code == 0
    assert [tag_of(second, f"production/apps/{name}", "latest") for name in NAMES] == [images[name].digest for name in NAMES]
    assert tag_of(second, "production/releases", "v1") == tag_of(first, "staging/releases", "v1")
    unknown = run("promote", "--request", file, "--tag", "v2")
    assert (unknown.code, "does not go with --request" in unknown.err) == (2, True)


def test_a_layout_folder_is_a_place_too(run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path) -> None:
    first, second, _ = registries
    run("release", "--request", request(tmp_path, images, entry("first", first)))
    assert run("promote", f"{first.host}/releases:v1", f"{tmp_path}/out").code == 0
    assert run("release", "verify", f"{tmp_path}/out:v1").code == 0
    assert run("promote", f"{tmp_path}/out:v1", f"{second.host}/releases").code == 0
    assert contents(second, "releases", images) == contents(first, "releases", images)


@pytest.mark.parametrize("kind", ["ed25519", "p256"])
def test_a_release_index_is_signed_before_its_tag_and_its_statement_goes_where_it_goes(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path, kind: str
) -> None:
    first, second, third = registries
    secret, trusted = (key(1).compact(), public(1).compact()) if kind == "ed25519" else (P256_SECRET, P256_PEM.encode())
    (tmp_path / "secret").write_bytes(secret)
    (tmp_path / "public").write_bytes(trusted)
    keys = [{"public_key": str(tmp_path / "public"), "secret_key": str(tmp_path / "secret")}]
    file = request(tmp_path, images, entry("first", first), statement_keys=keys)
    assert run("release", "--request", file, "--dry-run").code == 0
    assert writes(first) == []
    assert run("release", "--request", file).code == 0
    written = [path for path in writes(first) if "/v2/releases/manifests/" in path]
    assert written[-1] == "PUT /v2/releases/manifests/v1"
    assert run("promote", f"{first.host}/releases:v1", f"{second.host}/releases").code == 0
    assert run("archive", f"{second.host}/releases:v1", tmp_path / "release.tar").code == 0
    assert run("promote", f"oci-archive:{tmp_path}/release.tar", f"{third.host}/releases").code == 0
    for place in (*(f"{each.host}/releases:v1" for each in registries), f"oci-archive:{tmp_path}/release.tar:v1"):
        ended = run("statements", place, "--predicate-type", "sign", "-K", tmp_path / "public", "--output", "json")
        assert (ended.code, len(ended.document["statements"])) == (0, 1)
        assert run("release", "verify", place).code == 0
    first.requests.clear()
    assert run("release", "--request", file).code == 0
    assert writes(first) == []


def test_a_release_index_whose_key_is_missing_is_not_published(
    run: Run, registries: list[RunningRegistry], images: dict[str, Image], tmp_path: Path
) -> None:
    (tmp_path / "public").write_bytes(public(1).compact())
    keys = [{"public_key": str(tmp_path / "public"), "source": {"kind": "env", "ref": "ABSENT_KEY"}}]
    file = request(tmp_path, images, entry("first", registries[0]), statement_keys=keys)
    planned = run("release", "--request", file, "--dry-run", "--output", "json")
    assert (planned.code, "the variable ABSENT_KEY is not set" in planned.err) == (2, True)
    assert len(planned.document["artifacts"]) == len(images)
    ended = run("release", "--request", file)
    assert (ended.code, "the variable ABSENT_KEY is not set" in ended.err, writes(registries[0])) == (2, True, [])
