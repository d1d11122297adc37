"""What stays: layouts on disk, across runs and under many writers; and whose folder it is."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
import pytest
from platformdirs.api import PlatformDirsABC
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows

from instruments.registry import RunningRegistry, start
from local_registry.client import INDEX, MANIFEST, Client, descriptor, digest_of, image, subject
from wasm_oci.errors import UsageError
from wasm_oci.local_registry.names import folder_of, is_repository, name_of
from wasm_oci.local_registry.state import default_state, exclusive
from wasm_oci.local_registry.storage import Storage
from wasm_oci.oci.descriptor import EMPTY
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest

REF_NAME = "org.opencontainers.image.ref.name"


def test_a_repository_is_an_oci_layout(client: Client, registry: RunningRegistry) -> None:
    old = client.push_image("lib/hello", "v1", artifactType="a/old")
    new = client.push_image("lib/hello", "v1")
    client.push_image("lib/hello", "v2")
    signature = client.put_manifest("lib/hello", "sig", image(subject=subject(new), annotations={"k": "v"})).headers[
        "docker-content-digest"
    ]
    assert client("DELETE", "/v2/lib/hello/manifests/sig").status == 202

    layout = registry.state / "lib" / "hello"
    assert json.loads((layout / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout / "index.json").read_bytes())
    assert (index["schemaVersion"], index["mediaType"]) == (2, INDEX)
    entries = {(entry["digest"], entry.get("annotations", {}).get(REF_NAME)): entry for entry in index["manifests"]}
    assert set(entries) == {(old, None), (new, "v1"), (new, "v2"), (signature, None)}
    assert entries[signature, None]["annotations"] == {"k": "v"}
    for entry in index["manifests"]:
        data = (layout / "blobs" / "sha256" / entry["digest"].removeprefix("sha256:")).read_bytes()
        assert (entry["mediaType"], entry["size"], entry["digest"]) == (MANIFEST, len(data), digest_of(data))


def test_a_layout_of_another_program_is_served(tmp_path: Path) -> None:
    data = json.dumps(image()).encode()
    blobs = tmp_path / "other" / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for blob in (data, b"{}"):
        (blobs / digest_of(blob).removeprefix("sha256:")).write_bytes(blob)
    foreign = {"mediaType": MANIFEST, "digest": "sha384:" + "a" * 96, "size": 1}
    entries = [foreign, {**descriptor(data), "annotations": {REF_NAME: "v1", "mine": "kept"}}]
    (tmp_path / "other" / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
    with start(tmp_path) as registry, Client(registry.host) as client:
        assert client("GET", "/v2/other/manifests/v1").body == data
        client.push_image("other", "v2", artifactType="a/new")
    written = json.loads((tmp_path / "other" / "index.json").read_bytes())
    assert written["manifests"][:2] == entries


def test_state_is_kept_between_runs(tmp_path: Path) -> None:
    with start(tmp_path) as registry, Client(registry.host) as client:
        digest = client.push_image("a/b", "v1")
        signature = client.put_manifest("a/b", "s", image(subject=subject(digest))).headers["docker-content-digest"]
        location = client("POST", "/v2/a/b/blobs/uploads/").headers["location"]
        client("PATCH", location, b"unfinished")
    with start(tmp_path) as registry, Client(registry.host) as client:
        assert client("GET", "/v2/a/b/tags/list").document["tags"] == ["s", "v1"]
        assert client("HEAD", "/v2/a/b/manifests/v1").headers["docker-content-digest"] == digest
        assert client("GET", f"/v2/a/b/blobs/{digest_of(b'{}')}").body == b"{}"
        assert [entry["digest"] for entry in client("GET", f"/v2/a/b/referrers/{digest}").document["manifests"]] == [signature]
        assert client("GET", location).status == 404
        assert list((tmp_path / "_incoming").iterdir()) == []


def test_many_writers_lose_nothing(registry: RunningRegistry) -> None:
    with Client(registry.host) as client:
        target = client.push_image("a/b", "base")

    def work(number: int) -> list[str]:
        referrers = []
        with Client(registry.host) as client:
            for turn in range(5):
                client.push_image("a/b", f"t{number}-{turn}", config=b"%d %d" % (number, turn))
                client.push_image("a/b", "contested", artifactType=f"a/{number}")
                document = image(subject=subject(target), annotations={"writer": f"{number}-{turn}"})
                digest = digest_of(json.dumps(document).encode())
                assert client.put_manifest("a/b", digest, document).status == 201
                referrers.append(digest)
        return referrers

    with ThreadPoolExecutor(20) as pool:
        referrers = [digest for digests in pool.map(work, range(20)) for digest in digests]
    with Client(registry.host) as client:
        expected = sorted([f"t{number}-{turn}" for number in range(20) for turn in range(5)] + ["base", "contested"])
        assert client("GET", "/v2/a/b/tags/list").document["tags"] == expected
        found = client("GET", f"/v2/a/b/referrers/{target}").document["manifests"]
        assert [entry["digest"] for entry in found] == sorted(referrers)
        for number in range(20):
            assert client("GET", f"/v2/a/b/manifests/t{number}-4").document["config"]["digest"] == digest_of(b"%d 4" % number)
    assert list((registry.state / "a" / "b").glob("**/.*")) == []


def test_a_layout_that_is_served_and_written_to_loses_nothing(tmp_path: Path) -> None:
    repository, layout = Storage(tmp_path).repository("lib/hello"), LayoutStore(tmp_path / "lib/hello")
    manifests = [Manifest(config=EMPTY, layers=(), artifact_type=f"application/vnd.n{number}") for number in range(60)]

    def write(number: int) -> None:
        manifest, tag = manifests[number], f"v{number}"
        described = manifest.descriptor()
        if number % 2:
            layout.put_manifest(described, manifest.raw, tag)
        else:
            repository.put_manifest(described, manifest.raw, tag)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(len(manifests))))
    expected = {f"v{number}": manifest.descriptor().digest for number, manifest in enumerate(manifests)}
    assert (repository.tagged(), set(layout.tags())) == (expected, set(expected))


def test_a_folder_belongs_to_one_registry(tmp_path: Path) -> None:
    with start(tmp_path), pytest.raises(UsageError, match="another local registry uses this state folder"), start(tmp_path):
        pass
    with start(tmp_path):
        pass


def test_a_state_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match=r"cannot use the state folder: .*--state"), exclusive(tmp_path / "file"):
        pass


@pytest.mark.parametrize(
    ("dirs", "environ", "expected"),
    [
        (Unix, {}, "/home/me/.local/state/wasm_oci/registry"),
        (Unix, {"XDG_STATE_HOME": "/var/me"}, "/var/me/wasm_oci/registry"),
        (Unix, {"XDG_STATE_HOME": "relative"}, "/home/me/.local/state/wasm_oci/registry"),
        (MacOS, {}, "/home/me/Library/Application Support/wasm_oci/registry"),
        (MacOS, {"XDG_STATE_HOME": "/var/me"}, "/var/me/wasm_oci/registry"),
        (Windows, {}, "/data/wasm_oci/registry"),
    ],
)
def test_the_default_folder_of_each_platform(
    monkeypatch: pytest.MonkeyPatch, dirs: type[PlatformDirsABC], environ: dict[str, str], expected: str
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name, value in ({"HOME": "/home/me"} | environ).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platformdirs, "PlatformDirs", dirs)
    monkeypatch.setattr(platformdirs.windows, "get_win_folder", {"CSIDL_LOCAL_APPDATA": "/data"}.__getitem__)
    assert default_state().as_posix() == expected


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no home")

    monkeypatch.setattr(platformdirs, "user_state_path", fail)
    with pytest.raises(UsageError, match="name a folder with --state"):
        default_state()


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "_lock").mkdir()
    with pytest.raises(UsageError, match=r"cannot use the state folder: Is a directory; .*--state"), exclusive(tmp_path):
        pass


def test_an_error_of_the_registry_is_not_one_of_its_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="its own"), exclusive(tmp_path):
        raise OSError("its own")
    with exclusive(tmp_path):
        pass


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a/b", "a/b"),
        ("blobs/x", "_blobs/x"),
        ("a/index.json", "a/_index.json"),
        ("a/oci-layout", "a/_oci-layout"),
        ("a/con/aux.txt/com1", "a/_con/_aux.txt/_com1"),
        ("console/index.jsons", "console/index.jsons"),
    ],
)
def test_folders_of_names(name: str, folder: str) -> None:
    root = Path("root")
    assert is_repository(name)
    assert folder_of(root, name) == root / folder
    assert name_of(root, folder_of(root, name)) == name
