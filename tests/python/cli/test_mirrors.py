"""`enable_mirror_fallback`: what is named by digest may come from a mirror, and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import NAME, Run, request_file, tag_of, writes
from fakes.release_files import NAMES, entry, request
from instruments.effects import Corrupt, Effect, Half, Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.local_registry.access import Basic

SECRET = "canary-77aa"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A registry and its mirror, which has the same below another prefix, with an image that is signed by a referrer."""

    own: RunningRegistry
    mirror: RunningRegistry
    image: Image
    folder: Path

    @property
    def pinned(self) -> str:
        return f"{self.own.host}/{NAME}@{self.image.digest}"

    def config(self, *, fallback: bool = True, mirror: str = "mirror|{host}/copies|mirror|own", **members: object) -> Path:
        entries = [f"own|{self.own.host}", mirror.format(host=self.mirror.host)]
        path = self.folder / "registries.json"
        path.write_text(json.dumps({"registries": entries, "enable_mirror_fallback": fallback, **members}))
        return path

    def fail(self, effect: Effect, path: str = "") -> None:
        self.own.faults.add(Fault(method="GET|HEAD", path=path, effect=effect, times=None))


@pytest.fixture
def pair(run: Run, tmp_path: Path) -> Iterator[Pair]:
    image = signed_image(tmp_path / "image", detached=True, padding=200_000)
    with start() as own, start() as mirror:
        for place in (f"{own.host}/{NAME}:v1", f"{mirror.host}/copies/{NAME}:v1"):
            assert run("push", image.folder, place, "--signature-file", image.signature).code == 0
        own.requests.clear()
        mirror.requests.clear()
        yield Pair(own=own, mirror=mirror, image=image, folder=tmp_path)


@pytest.mark.parametrize("effect", [Hangup(), Reply(status=503), Reply(status=429)], ids=["silent", "503", "429"])
def test_a_component_is_pulled_from_a_mirror_where_its_registry_fails(
    run: Run, pair: Pair, trusted: Path, caplog: pytest.LogCaptureFixture, effect: Effect
) -> None:
    pair.fail(effect)
    output = pair.folder / "x.wasm"
    arguments = ["pull", pair.pinned, "-o", output, "-K", trusted, "--registry-config"]
    assert run(*arguments, pair.config(fallback=False)).code == 6
    assert pair.mirror.requests == []
    ended = run(*arguments, pair.config())
    assert ended.code == 0, ended.err
    assert output.read_bytes() == pair.image.wasm
    assert f"it comes from {pair.mirror.host}/copies/{NAME}" in caplog.text
    assert writes(pair.mirror) == []


def test_an_entry_names_its_registry(run: Run, pair: Pair, trusted: Path, tmp_path: Path) -> None:
    """By its name or by its host; a registry that responds is the only one that is asked."""
    for source in (f"own/{NAME}@{pair.image.digest}", f"own/{NAME}:v1", pair.pinned):
        ended = run("pull", source, "-o", tmp_path / "x.wasm", "-K", trusted, "--registry-config", pair.config())
        assert (ended.code, pair.mirror.requests) == (0, [])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ownn", "'ownn' is neither a registry of the configuration nor a host; did you mean own?"),
        ("elsewhere", "'elsewhere' is neither a registry of the configuration nor a host; write one of own, or a host"),
        ("mirror", "'mirror' is a mirror, which is not read by its name; write own, the registry that it is of"),
    ],
)
def test_a_name_that_is_no_entry_says_which_there_are(run: Run, pair: Pair, name: str, words: str) -> None:
    config = pair.config(mirror="mirror|{host}/copies|mirror|own")
    ended = run("pull", f"{name}/{NAME}:v1", "-o", "x.wasm", "--allow-unsigned", "--registry-config", config)
    assert (ended.code, words in ended.err) == (2, True), ended.err


def test_a_mirror_is_never_asked_what_a_tag_names(run: Run, pair: Pair, trusted: Path, tmp_path: Path) -> None:
    pair.fail(Reply(status=503))
    ended = run("pull", f"own/{NAME}:v1", "-o", tmp_path / "x.wasm", "-K", trusted, "--registry-config", pair.config())
    assert (ended.code, pair.mirror.requests) == (6, [])
    assert "a mirror is not asked what a tag names: name the digest" in ended.err


@pytest.mark.parametrize(("status", "code"), [(401, 5), (403, 5), (404, 6)])
def test_what_a_registry_refuses_is_not_looked_for_elsewhere(run: Run, pair: Pair, trusted: Path, status: int, code: int) -> None:
    pair.fail(Reply(status=status))
    ended = run("pull", pair.pinned, "-o", pair.folder / "x.wasm", "-K", trusted, "--registry-config", pair.config())
    assert (ended.code, pair.mirror.requests) == (code, [])


def test_a_download_that_breaks_off_goes_on_at_the_mirror(run: Run, pair: Pair, trusted: Path, tmp_path: Path) -> None:
    pair.fail(Half(), "/blobs/")
    ended = run("pull", pair.pinned, "-o", tmp_path / "x.wasm", "-K", trusted, "--registry-config", pair.config())
    assert (ended.code, (tmp_path / "x.wasm").read_bytes()) == (0, pair.image.wasm), ended.err


def test_other_content_of_a_mirror_is_refused(run: Run, pair: Pair, trusted: Path, tmp_path: Path) -> None:
    for path in ("/manifests/", "/blobs/"):
        pair.own.faults.clear()
        pair.mirror.faults.clear()
        pair.fail(Reply(status=503), path)
        pair.mirror.faults.add(Fault(path=path, effect=Corrupt(), times=None))
        ended = run("pull", pair.pinned, "-o", tmp_path / "x.wasm", "-K", trusted, "--registry-config", pair.config())
        assert (ended.code, "status 503" in ended.err, (tmp_path / "x.wasm").exists()) == (6, True, False), ended.err


def test_a_signature_that_a_mirror_does_not_list_is_never_taken_for_none(run: Run, pair: Pair, trusted: Path, tmp_path: Path) -> None:
    pair.fail(Reply(status=503))
    pair.mirror.faults.add(Fault(path="/referrers/", effect=Reply(status=200, body=b'{"schemaVersion":2,"manifests":[]}'), times=None))
    arguments = ["pull", pair.pinned, "-o", tmp_path / "x.wasm", "-K", trusted, "--registry-config", pair.config()]
    ended = run(*arguments)
    assert (ended.code, "there may be referrers that no mirror lists" in ended.err) == (6, True)
    assert run(*arguments, "--allow-unsigned").code == 6
    assert not (tmp_path / "x.wasm").exists()


def test_a_mirror_has_its_own_credential(
    run: Run, pair: Pair, trusted: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.fail(Reply(status=503))
    pair.mirror.behave(access=Basic(user="robot", password=SECRET))
    config = pair.config(mirror="mirror|{host}/copies|mirror|own|env|MIRROR_TOKEN|robot")
    arguments = ["pull", pair.pinned, "-o", pair.folder / "x.wasm", "-K", trusted, "--registry-config", config]
    monkeypatch.delenv("MIRROR_TOKEN", raising=False)
    ended = run(*arguments)
    assert (ended.code, "status 503" in ended.err) == (6, True), "the registry's own error is the last word"
    assert "environment variable MIRROR_TOKEN is not set" in caplog.text
    monkeypatch.setenv("MIRROR_TOKEN", SECRET)
    ended = run(*arguments)
    assert (ended.code, SECRET in ended.err + caplog.text) == (0, False)
    sent = [record.headers.get("authorization", "") for record in pair.own.requests]
    assert base64.b64encode(f"robot:{SECRET}".encode()).decode() not in "".join(sent)


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Image]:
    return {name: signed_image(tmp_path / name, text=name, detached=name == "one") for name in NAMES}


def promotion(folder: Path, pair: Pair, **change: object) -> Path:
    mirror = {"name": "mirror", "type": "mirror", "host": pair.mirror.host, "prefix": "copies", "mirror_of": "own"}
    document = {
        "schema_version": 1,
        "destination": "own/promoted",
        "source": f"own/{NAME}@{pair.image.digest}",
        "registries": [entry("own", pair.own), mirror],
        "enable_mirror_fallback": True,
        "target": "//:promote",
    }
    path = folder / "promote.json"
    path.write_text(json.dumps(document | change))
    return path


def test_a_promotion_reads_blobs_from_a_mirror(run: Run, pair: Pair, members: dict[str, Image], tmp_path: Path) -> None:
    """A whole release, with what refers to its members, which the registry itself lists."""
    releases = request(tmp_path, members, entry("own", pair.own), entry("copies", pair.mirror, "copies"))
    assert run("release", "--request", releases).code == 0
    pair.mirror.requests.clear()
    pair.fail(Reply(status=503), "/releases/blobs/")
    with start() as third:
        promote = promotion(tmp_path, pair, source="own/releases:v1", destination=f"{third.host}/releases")
        ended = run("promote", "--request", promote)
        assert ended.code == 0, ended.err
        assert tag_of(third, "releases", "v1") == tag_of(pair.own, "releases", "v1")
        assert run("release", "verify", f"{third.host}/releases:v1").code == 0
    assert {record.path.split("/")[-2] for record in pair.mirror.requests} == {"blobs"}


def test_a_promotion_loses_no_referrer_where_only_a_mirror_lists_them(run: Run, pair: Pair, tmp_path: Path) -> None:
    pair.fail(Reply(status=503))
    with start() as third:
        ended = run("promote", "--request", promotion(tmp_path, pair, destination=f"{third.host}/{NAME}", tags=["v1"]))
        assert (ended.code, writes(third)) == (6, [])
    assert "there may be referrers that no mirror lists" in ended.err


def test_nothing_is_published_to_a_mirror(run: Run, pair: Pair, tmp_path: Path) -> None:
    """Neither in place of its registry, nor where all registries are meant, nor by its name."""
    pair.own.faults.add(Fault(method="POST|PUT", effect=Reply(status=503), times=None))
    assert run("promote", "--request", promotion(tmp_path, pair, tags=["v1"])).code == 6
    listed = tmp_path / "listed.json"
    assert run("registries", "-i", pair.config(), "-o", listed).code == 0
    file = {"registries_file": str(listed), "registry": ""}
    ended = run("push", "--request", request_file(tmp_path, pair.image, **file, all_registries=True), "--dry-run", "--output", "json")
    assert [each["destination"] for each in ended.document["destinations"]] == [f"{pair.own.host}/{NAME}"]
    for command, path in (
        ("push", request_file(tmp_path, pair.image, **file, target_registries=["mirror"])),
        ("push", request_file(tmp_path, pair.image, **file | {"registry": "mirror"})),
        ("promote", promotion(tmp_path, pair, destination="mirror/x", tags=["v1"])),
    ):
        refused = run(command, "--request", path)
        assert (refused.code, "unknown registry 'mirror'; the names are own" in refused.err) == (2, True), refused.err
    assert writes(pair.mirror) == []


def test_archives_are_of_the_same_sources(run: Run, pair: Pair, tmp_path: Path) -> None:
    pair.fail(Reply(status=503), "/blobs/")
    archive = tmp_path / "a.tar"
    assert run("archive", f"own/{NAME}:v1", archive, "--registry-config", pair.config(fallback=False)).code == 6
    assert run("archive", f"own/{NAME}:v1", archive, "--registry-config", pair.config()).code == 0
    assert run("pull", f"oci-archive:{archive}", "--allow-unsigned", "-o", tmp_path / "x.wasm").code == 0
    assert (tmp_path / "x.wasm").read_bytes() == pair.image.wasm


def test_a_repository_beside_the_prefix_of_its_entry_has_no_mirror(run: Run, pair: Pair, trusted: Path, tmp_path: Path) -> None:
    pair.fail(Reply(status=503))
    config = pair.config(registries=[f"own|{pair.own.host}/other", f"mirror|{pair.mirror.host}/copies|mirror|own"])
    ended = run("pull", pair.pinned, "-o", tmp_path / "x.wasm", "-K", trusted, "--registry-config", config)
    assert (ended.code, pair.mirror.requests) == (6, [])
