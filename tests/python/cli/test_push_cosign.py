"""`cosign_legacy` of publish targets: signatures under cosign's tag, which is there before the version's tag is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, key, public
from fakes.json_schema import problems
from fakes.program import NAME, Ended, Run, request_file, tag_of, writes
from fakes.release_files import entry, push_document
from fakes.signing import P256_PEM, P256_SECRET
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start

VARIABLE = "TEST_COSIGN_KEY"
SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs/schemas/publish_result.schema.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """An image with a detached signature, a registry and keys in the current folder."""

    run: Run
    registry: RunningRegistry
    members: dict[str, Image]
    folder: Path
    keys: list[dict[str, Any]]
    """A key for WebAssembly signatures, and one for programs that refuse such keys."""

    @property
    def image(self) -> Image:
        return self.members["one"]

    @property
    def sig(self) -> str:
        return f"{str(self.image.digest).replace(':', '-')}.sig"

    def request(self, *further: RunningRegistry, **change: Any) -> Path:
        entries = [entry(f"there{number}", registry) for number, registry in enumerate(further)]
        members = {"registries": [entry("here", self.registry), *entries], "cosign_legacy": True}
        return request_file(self.folder, self.image, **(members | change))

    def push(self, path: Path, *options: str) -> Ended:
        return self.run("push", "--request", path, *options)

    def release(self, **change: Any) -> Ended:
        """Releases all images; the change is of the first one's request."""
        requests = []
        for name, image in self.members.items():
            member = push_document(name, image, **(change if name == "one" else {}))
            (self.folder / f"{name}.json").write_text(json.dumps({"schema_version": 1, **member}))
            requests.append(str(self.folder / f"{name}.json"))
        document = {"repository": "releases", "tag": "v1", "registries": [entry("here", self.registry)], "target_registries": ["here"]}
        path = self.folder / "release.json"
        path.write_text(json.dumps({"schema_version": 1, "requests": requests, "target": "//:release", **document}))
        return self.run("release", "--request", path, "--output", "json")

    def signed_by(self, *names: str, registry: RunningRegistry | None = None, repository: str = NAME) -> list[int]:
        """The exit codes of verifying the signatures under cosign's tag by each key."""
        target = f"{(registry or self.registry).host}/{repository}@{self.image.digest}"
        return [self.run("statements", target, "-K", f"{name}.public", "--cosign-legacy").code for name in names]

    def tags(self, *names: str, registry: RunningRegistry | None = None) -> list[bool]:
        return [tag_of(registry or self.registry, NAME, name) == self.image.digest for name in names]


@pytest.fixture
def bench(run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    (tmp_path / "1.public").write_bytes(public(1).openssh())
    (tmp_path / "1.secret").write_bytes(key(1).compact())
    (tmp_path / "p256.public").write_text(P256_PEM)
    (tmp_path / "p256.secret").write_bytes(P256_SECRET)
    monkeypatch.chdir(tmp_path)
    keys = [{"public_key": str(tmp_path / f"{name}.public"), "secret_key": str(tmp_path / f"{name}.secret")} for name in ("1", "p256")]
    return Bench(run=run, registry=registry, members=members, folder=tmp_path, keys=keys)


def in_json(ended: Ended) -> dict[str, Any]:
    assert problems(SCHEMA, ended.document) == []
    (destination,) = ended.document["destinations"]
    found: dict[str, Any] = destination["cosignLegacy"]
    return found


def test_the_tag_of_signatures_is_written_before_the_version(bench: Bench) -> None:
    path = bench.request(statement_keys=bench.keys)
    dry = bench.push(path, "--dry-run", "--output", "json")
    assert (dry.code, writes(bench.registry)) == (0, []), dry.err
    named = {"tag": bench.sig, "keyIds": [public(1).key_id.hex(), in_json(dry)["keyIds"][1]]}
    assert in_json(dry) == named | {"action": "create"}
    done = bench.push(path, "--output", "json")
    assert done.code == 0, done.err
    assert in_json(done) == named | {"action": "create"}
    (destination,) = done.document["destinations"]
    assert {"step": "cosign signature", "subject": bench.sig, "outcome": "done"} in destination["steps"]
    tags = [text.rpartition("/")[2] for text in writes(bench.registry) if text.startswith("PUT") and "/manifests/sha256:" not in text]
    assert tags[-2:] == [bench.sig, "v1"]
    assert bench.signed_by("1", "p256") == [0, 0]
    before = len(writes(bench.registry))
    again = bench.push(path, "--output", "json")
    assert (again.code, again.document["status"], in_json(again)["action"]) == (0, "unchanged", "exists")
    assert len(writes(bench.registry)) == before
    assert f"  cosign    {bench.sig}  exists" in bench.push(path).out


FAULTS = {
    "the tag is refused": ("PUT", 403),
    "the tag is lost": ("PUT", 201),
    "the registry fails": ("PUT", 503),
    "the tag cannot be read": ("GET|HEAD", 503),
}


@pytest.mark.parametrize("name", FAULTS)
def test_without_the_signature_there_is_no_version_tag(bench: Bench, name: str) -> None:
    method, status = FAULTS[name]
    path = bench.request(statement_keys=bench.keys, extra_tags=["latest"])
    fault = bench.registry.faults.add(Fault(method=method, path=r"\.sig$", effect=Reply(status=status), times=None))
    ended = bench.push(path)
    assert (ended.code in (5, 6), fault.hits > 0) == (True, True), ended.err
    assert bench.tags("v1", "latest") == [False, False]
    bench.registry.faults.clear()
    assert bench.push(path).code == 0
    assert bench.tags("v1", "latest") == [True, True]
    assert bench.signed_by("1", "p256") == [0, 0]


@pytest.fixture
def other() -> Iterator[RunningRegistry]:
    with start() as registry:
        yield registry


def test_each_registry_has_a_signature_of_its_own_and_all_before_any_version(bench: Bench, other: RunningRegistry) -> None:
    path = bench.request(other, statement_keys=bench.keys[:1], registry="", target_registries=["here", "there0"])
    fault = other.faults.add(Fault(method="PUT", path=r"\.sig$", effect=Reply(status=403), times=None))
    assert bench.push(path).code == 5
    assert (fault.hits > 0, bench.tags("v1"), bench.tags("v1", registry=other)) == (True, [False], [False])
    other.faults.clear()
    assert bench.push(path).code == 0
    for each in (bench.registry, other):
        assert bench.signed_by("1", registry=each) == [0]
        blobs = [path.read_bytes() for path in (each.state / NAME / "blobs/sha256").iterdir()]
        (payload,) = [json.loads(data) for data in blobs if b"docker-reference" in data]
        assert payload["critical"]["identity"] == {"docker-reference": f"{each.host}/{NAME}"}


def test_what_cannot_be_signed_is_not_published(bench: Bench) -> None:
    keyless = bench.push(bench.request())
    assert (keyless.code, "name one in statement_keys" in keyless.err) == (2, True)
    disk = {"name": "here", "type": "layout", "path": str(bench.folder / "disk")}
    in_folder = bench.push(bench.request(statement_keys=bench.keys, registries=[disk]))
    assert (in_folder.code, "publish to registries only" in in_folder.err) == (2, True)
    assert not (bench.folder / "disk").exists()
    missing = {"public_key": str(bench.folder / "1.public"), "source": {"kind": "env", "ref": VARIABLE}}
    path = bench.request(statement_keys=[missing])
    dry = bench.push(path, "--dry-run", "--output", "json")
    assert (dry.code, dry.document["status"], VARIABLE in dry.err) == (2, "incomplete", True)
    assert bench.push(path).code == 2
    assert (writes(bench.registry), bench.tags("v1")) == ([], [False])


def test_a_key_that_signs_the_image_signs_for_cosign_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, base64.b64encode(key(1).compact()).decode())
    later = {"public_key": str(bench.folder / "1.public"), "source": {"kind": "env", "ref": VARIABLE}}
    assert bench.push(bench.request(signature=None, signing={"keys": [later], "image": None})).code == 0
    assert bench.signed_by("1") == [0]


def test_a_policy_judges_where_the_keys_are_that_sign_for_cosign(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, base64.b64encode(key(1).compact()).decode())
    policy = bench.folder / "policy.yaml"
    policy.write_text("always: {signing: optional, key_sources: [file]}\n")
    in_variable = {"public_key": str(bench.folder / "1.public"), "source": {"kind": "env", "ref": VARIABLE}}
    built = {"public_key": str(bench.folder / "1.public"), "name": "//keys:one"}
    members: dict[str, Any] = {"policies": [str(policy)], "signers": [built], "statement_keys": [in_variable]}
    assert bench.push(bench.request(**members, tag="v0", cosign_legacy=False)).code == 0
    before = len(writes(bench.registry))
    denied = bench.push(bench.request(**members))
    assert (denied.code, "a signing key is from env" in denied.err) == (3, True), denied.err
    assert len(writes(bench.registry)) == before
    assert bench.push(bench.request(**members | {"statement_keys": bench.keys})).code == 0
    assert bench.signed_by("1", "p256") == [0, 0]


def test_members_of_a_release_are_signed_in_their_own_repositories(bench: Bench) -> None:
    """Also one that the release index names already, so that nothing else is asked."""
    assert bench.release().code == 0
    assert bench.signed_by("1", repository="apps/one") == [4]
    done = bench.release(cosign_legacy=True, statement_keys=bench.keys[:1])
    assert done.code == 0, done.err
    assert problems(SCHEMA, done.document) == []
    assert bench.signed_by("1", repository="apps/one") == [0]
    assert tag_of(bench.registry, "releases", bench.sig) is None
    before = len(writes(bench.registry))
    assert bench.release(cosign_legacy=True, statement_keys=bench.keys[:1]).code == 0
    assert len(writes(bench.registry)) == before
