"""Who signed what is published: said in plan, result and JSON; warned about, or refused."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, component, key, layout_of, public, signed_image
from fakes.program import NAME, Run
from instruments.registry import RunningRegistry, start
from wasm_oci.errors import PolicyError
from wasm_oci.http.transport import Transport
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import Reference
from wasm_oci.publish import gate
from wasm_oci.publish.gate import is_remote, require_signed, signature_warning
from wasm_oci.publish.registries import registry_store
from wasm_oci.publish.signatures import KnownKey, Signatures

IDS = {number: public(number).key_id.hex() for number in (1, 2)}
DEVELOPMENT = KnownKey(public=public(1), name="//keys:dev", development=True)
RELEASE = KnownKey(public=public(2), name="//keys:release")


@pytest.fixture
def one() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """All registries are on another machine."""
    monkeypatch.setattr(gate, "is_loopback", lambda host: False)


def request_file(folder: Path, image: Image, registry: RunningRegistry, *signers: KnownKey, **change: Any) -> Path:
    entries = []
    for signer in signers:
        path = folder / f"{signer.public.key_id.hex()}.public"
        path.write_bytes(signer.public.compact())
        entries.append({"public_key": str(path), "name": signer.name, "development": signer.development})
    document = {
        "schema_version": 1,
        "layout": str(image.folder),
        "signature": str(image.signature) if image.signature else None,
        "registry": registry.host,
        "namespace": "library",
        "repository": "hello",
        "tag": "v1",
        "target": "//hello:publish",
        "signers": entries,
    }
    path = folder / "request.json"
    path.write_text(json.dumps(document | change))
    return path


def test_words() -> None:
    assert str(Signatures()) == "none"
    assert str(Signatures(verified=(DEVELOPMENT,))) == f"development key {IDS[1]} by //keys:dev"
    assert str(Signatures(verified=(KnownKey(public=public(2)),))) == f"key {IDS[2]}"
    several = Signatures(verified=(RELEASE, DEVELOPMENT), unverified=("", "ab"))
    known = f"key {IDS[2]} by //keys:release; development key {IDS[1]} by //keys:dev"
    assert str(several) == f"{known}; a key without an id, not verified; key ab, not verified"


@pytest.mark.parametrize("detached", [False, True])
def test_every_report_says_who_signed(run: Run, one: RunningRegistry, tmp_path: Path, detached: bool) -> None:
    image = signed_image(tmp_path / "image", detached=detached)
    path = request_file(tmp_path, image, one, DEVELOPMENT)
    line = f"  signature: development key {IDS[1]} by //keys:dev\n"
    for arguments, count in ((["--dry-run"], 1), ([], 2), ([], 0)):
        ended = run("push", "--request", path, *arguments)
        assert (ended.code, ended.out.count(line), ended.err) == (0, count, "")
    assert ended.out.count("  signature: not checked again\n") == 2
    assert run("push", "--request", path, "--output", "json").document["signers"] is None
    for arguments in (["--dry-run"], []):
        document = run("push", "--request", path, *arguments, "--tag", "v2", "--output", "json").document
        assert document["signers"] == [{"keyId": IDS[1], "name": "//keys:dev", "development": True, "verified": True}]
        assert "warnings" not in document


def test_an_unsigned_image_is_called_so(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    ended = run("push", image.folder, f"{one.host}/{NAME}:v1")
    assert (ended.code, ended.out.count("  signature: none\n")) == (0, 2)
    assert ended.out.endswith(" -o hello.wasm --allow-unsigned\n")
    assert run("push", image.folder, f"{one.host}/{NAME}:v2", "--output", "json").document["signers"] == []


def test_a_signature_of_an_unknown_key_is_not_called_verified(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    ended = run("push", image.folder, f"{one.host}/{NAME}:v1")
    assert ended.out.count(f"  signature: key {IDS[1]}, not verified\n") == 2
    document = run("push", image.folder, f"{one.host}/{NAME}:v2", "--output", "json").document
    assert document["signers"] == [{"keyId": IDS[1], "name": "", "development": None, "verified": False}]


def test_keys_that_are_trusted(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    for number in (1, 2):
        (tmp_path / f"{number}.public").write_bytes(public(number).compact())
    store = tmp_path / "trusted.yaml"
    lines = [f"  - {{name: key{number}, public_key: {public(number).openssh().decode().strip()}}}" for number in (1, 2)]
    store.write_text("\n".join(["keys:", *lines, ""]))
    push = ["push", image.folder, f"{one.host}/{NAME}:v1", "--dry-run"]
    assert f"signature: key {IDS[1]} by key1\n" in run(*push, "--trusted-keys", store).out
    assert f"signature: key {IDS[1]}\n" in run(*push, "-K", "2.public", "-K", "1.public").out
    one.requests.clear()
    ended = run(*push, "-K", "2.public")
    assert (ended.code, ended.is_one_clear_error, one.requests) == (4, True, [])
    assert "none of the given keys signed it" in ended.err
    store.write_text(store.read_text().replace("name: key1,", "name: key1, revoked: true,"))
    ended = run(*push, "--trusted-keys", store, "--output", "json")
    assert (ended.code, ended.document["error"]["reason"]) == (4, "key_revoked")
    unsigned = layout_of(tmp_path / "unsigned", component())
    assert run("push", unsigned.folder, f"{one.host}/{NAME}:v2", "-K", "1.public").code == 4


@pytest.mark.usefixtures("elsewhere")
def test_a_registry_elsewhere_is_warned_about(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    images = {"none": layout_of(tmp_path / "layout", component()), "dev": signed_image(tmp_path / "dev")}
    for name, words in (("none", "the image is not signed"), ("dev", "signed with a development key only")):
        path = request_file(tmp_path, images[name], one, *([DEVELOPMENT] if name == "dev" else []), tag=name)
        ended = run("push", "--request", path, "--quiet")
        assert (ended.code, ended.out, ended.err.count("\n")) == (0, "", 1)
        assert ended.err.startswith(f"wasm_oci: warning: {one.host}/{NAME}: the image is ")
        assert words in ended.err
        assert "sign it with a wasm_signing_key" in ended.err
        (warning,) = run("push", "--request", path, "--tag", f"{name}2", "--output", "json").document["warnings"]
        assert words in warning
    path = request_file(tmp_path, signed_image(tmp_path / "release", signer=2), one, RELEASE, tag="release")
    assert run("push", "--request", path).err == ""


def test_a_required_signature(run: Run, one: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unsigned, signed = layout_of(tmp_path / "layout", component()), signed_image(tmp_path / "signed")

    def refused(path: Path, reason: str, *flags: object) -> str:
        one.requests.clear()
        ended = run("push", "--request", path, "--output", "json", *flags)
        assert (ended.code, ended.document["error"]["reason"], one.requests) == (3, reason, [])
        assert ended.err.startswith("wasm_oci: //hello:publish: ")
        assert ended.is_one_clear_error
        return ended.err

    refused(request_file(tmp_path, unsigned, one, require_signed=True), "unsigned")
    refused(request_file(tmp_path, unsigned, one), "unsigned", "--require-signed")
    refused(request_file(tmp_path, unsigned, one, require_signed=True), "unsigned", "--dry-run")
    error = refused(request_file(tmp_path, signed, one, require_signed=True), "unverified")
    assert "name the signer's public key with -K" in error
    path = request_file(tmp_path, signed, one, DEVELOPMENT, require_signed=True)
    assert run("push", "--request", path).code == 0
    monkeypatch.setattr(gate, "is_loopback", lambda host: False)
    assert "only a development key signed the image" in refused(path, "development_key")
    path = request_file(tmp_path, signed_image(tmp_path / "release", signer=2), one, RELEASE, require_signed=True, tag="v2")
    assert run("push", "--request", path).code == 0


def test_a_layout_needs_a_public_key_where_a_signature_is_required(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "signed")
    push = ["push", image.folder, f"{one.host}/{NAME}:v1", "--require-signed"]
    assert run(*push).code == 3
    (tmp_path / "K").write_bytes(public(1).compact())
    assert run(*push, "-K", "K").code == 0


def test_a_signature_by_the_run_is_named_by_its_key(
    run: Run, one: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", base64.b64encode(key(2).compact()).decode())
    image = layout_of(tmp_path / "layout", component())
    path = request_file(tmp_path, image, one, RELEASE, require_signed=True)
    keys = [{"public_key": str(tmp_path / f"{IDS[2]}.public"), "source": {"kind": "env", "ref": "TEST_KEY"}}]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"signing": {"keys": keys, "image": None}}))
    ended = run("push", "--request", path)
    assert (ended.code, ended.out.count(f"signature: key {IDS[2]} by //keys:release\n")) == (0, 2), ended.err


def test_a_signature_that_is_replaced_is_not_expected(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    built, given = signed_image(tmp_path / "one", detached=True), signed_image(tmp_path / "two", signer=2, detached=True)
    path = request_file(tmp_path, built, one, DEVELOPMENT)
    ended = run("push", "--request", path, "--signature-file", given.signature)
    assert (ended.code, f"signature: key {IDS[2]}, not verified\n" in ended.out) == (0, True)
    embedded = signed_image(tmp_path / "three")
    path = request_file(tmp_path, embedded, one, RELEASE, tag="v2")
    ended = run("push", "--request", path)
    assert (ended.code, "it is not signed with key //keys:release" in ended.err) == (4, True)


def test_what_is_on_another_machine(tmp_path: Path) -> None:
    with closing(Transport(environ={})) as transport:
        for host, remote in (("ghcr.io", True), ("localhost:5000", False), ("127.0.0.1", False), ("[::1]:5000", False), ("10.0.0.1", True)):
            store = registry_store(Reference.parse(f"{host}/my-org/hello"), transport=transport, environ={})
            assert is_remote(store) == remote
            assert (signature_warning(Signatures(), store) is not None) == remote
            assert signature_warning(Signatures(verified=(DEVELOPMENT, RELEASE)), store) is None
            assert signature_warning(Signatures(unverified=("ab",)), store) is None
            require_signed(Signatures(verified=(DEVELOPMENT, RELEASE)), store, target="")
            with pytest.raises(PolicyError, match=f"{host.replace('[', '.').replace(']', '.')}/my-org/hello: the image is not signed"):
                require_signed(Signatures(), store, target="")
    assert not is_remote(LayoutStore(tmp_path))


def test_a_refused_tag_speaks_of_development_keys_only_where_one_signed(run: Run, one: RunningRegistry, tmp_path: Path) -> None:
    old = layout_of(tmp_path / "old", component("old"))
    assert run("push", old.folder, f"{one.host}/{NAME}:v1").code == 0
    for signer, number in ((DEVELOPMENT, 1), (RELEASE, 2)):
        path = request_file(tmp_path, signed_image(tmp_path / str(number), signer=number), one, signer)
        ended = run("push", "--request", path)
        assert (ended.code, "; nothing was written; publish under a new tag" in ended.err) == (7, True)
        assert ("the build has generated a new development key" in ended.err) == signer.development
