"""Keys outside the build: what is built without them, and the run targets that sign with them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import Done, OwnRegistry, call, own_registry, target, wasm_oci

from fakes.signing import K1, K2
from wasm_oci.keys.key import OPENSSH, PEM, SecretKey
from wasm_oci.wasm.sections import iter_sections, read_preamble

SIGNING = Path("examples/signing")
HERE = Path("tests/integration")
PLACES = ("file", "variable", "device")
KINDS = ("embedded", "detached")
VARIABLE = "RELEASE_SIGNING_KEY"
RELEASE = (SIGNING / "release.pub").absolute()


def published(place: str, kind: str) -> Path:
    return target(f"{kind}_with_{place}", HERE)


def image_file(place: str, kind: str, role: str) -> Path:
    return HERE / f"{kind}_with_{place}_image_{role}"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path, referrers_api=True) as running:
        yield running


def secrets(folder: Path, secret: SecretKey) -> dict[str, str]:
    """The secret key in every place of the example, and the environment in which it is found."""
    home, programs, token = folder / "home", folder / "bazel-bin/examples/signing", folder / "token"
    for each in (home / ".config/wasm", programs, token):
        each.mkdir(parents=True, exist_ok=True)
    (home / ".config/wasm/release_signing_key").write_bytes(secret.encoded(OPENSSH))
    (token / f"{K1.public.key_id.hex()}.pem").write_bytes(secret.encoded(PEM))
    program = programs / "hsm_sign"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{os.pathsep.join(sys.path)}" exec {sys.executable} {(SIGNING / "hsm_sign.py").absolute()} "$@"\n'
    )
    program.chmod(0o700)
    return {"HOME": str(home), VARIABLE: secret.encoded(PEM).decode()}


def told_nobody(done: Done) -> None:
    for secret in (K1, K2):
        for spelling in (secret.seed.hex(), *secret.encoded(PEM).decode().splitlines()[1:-1]):
            assert spelling not in done.stdout + done.stderr


@pytest.mark.parametrize("place", PLACES)
def test_a_run_writes_the_signed_file(place: str, tmp_path: Path) -> None:
    launcher = target(f"hello_signed_with_{place}", SIGNING)
    done = call(launcher, cwd=tmp_path, **secrets(tmp_path, K1))
    assert done.code == 0, done.stderr
    told_nobody(done)
    signed = tmp_path / f"hello_signed_with_{place}_signed.wasm"
    assert call(wasm_oci(), "verify", "-i", signed, "-K", RELEASE).code == 0
    again = call(launcher, "-o", "other.wasm", "--output", "json", cwd=tmp_path, **secrets(tmp_path, K1))
    assert (again.code, again.json["added"]) == (0, True)
    assert (tmp_path / "other.wasm").read_bytes() == signed.read_bytes()
    assert again.json["digest"] in done.stdout


@pytest.mark.parametrize("place", PLACES)
def test_another_key_writes_nothing(place: str, tmp_path: Path) -> None:
    done = call(target(f"hello_signed_with_{place}", SIGNING), cwd=tmp_path, **secrets(tmp_path, K2))
    assert done.code == 2
    assert K1.public.key_id.hex() in done.stderr
    told_nobody(done)
    assert list(tmp_path.glob("*.wasm")) == []


def test_parts_of_a_split_file(tmp_path: Path) -> None:
    """A custom section that the expression does not match may change; what it matches may not."""
    done = call(target("hello_signed_in_parts", SIGNING), "-o", "s.wasm", "-S", "s.sig", cwd=tmp_path, **secrets(tmp_path, K1))
    assert done.code == 0, done.stderr
    check_parts(tmp_path, "s.wasm", "-S", "s.sig")


def check_parts(folder: Path, signed: str, *signature: str) -> None:
    data = (folder / signed).read_bytes()
    assert data.count(b"signature_delimiter") > 1
    options: tuple[str | Path, ...] = (*signature, "-K", RELEASE)
    whole = call(wasm_oci(), "verify", "-i", signed, *options, cwd=folder)
    assert whole.code == 0, whole.stderr
    with (folder / signed).open("rb") as stream:
        read_preamble(stream)
        sections = list(iter_sections(stream))
    for name, text, code, section in (("free.wasm", b"processed-by", 0, "producers"), ("bound.wasm", b"pollable", 4, None)):
        at = max(data.rfind(text, each.offset, each.end) for each in sections if each.name == section)
        (folder / name).write_bytes(data[:at] + text.upper() + data[at + len(text) :])
        assert call(wasm_oci(), "verify", "-i", name, *options, cwd=folder).code == 4
        part = call(wasm_oci(), "verify", "-i", name, "--split-regex", "^component-type", *options, cwd=folder)
        assert part.code == code, part.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_an_image(kind: str, registry: OwnRegistry, tmp_path: Path) -> None:
    done = call(target(f"{kind}_in_parts", HERE), "--registry", registry.host, "--output", "json", cwd=tmp_path, **secrets(tmp_path, K1))
    assert (done.code, done.json["status"]) == (0, "published"), done.stderr
    part = ("--split-regex", "^component-type")
    pulled = call(wasm_oci(), "pull", done.json["reference"], "-o", "p.wasm", "-K", RELEASE, *part, cwd=tmp_path)
    assert pulled.code == 0, pulled.stderr
    assert (tmp_path / "p.wasm").read_bytes().count(b"signature_delimiter") > 1
    if kind == "embedded":
        check_parts(tmp_path, "p.wasm")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_an_image_is_signed_when_it_is_published(place: str, kind: str, registry: OwnRegistry, tmp_path: Path) -> None:
    environ = secrets(tmp_path, K1)

    def publish(*options: str) -> Done:
        done = call(published(place, kind), "--registry", registry.host, "--output", "json", *options, cwd=tmp_path, **environ)
        told_nobody(done)
        return done

    planned = publish("--dry-run")
    assert (planned.code, planned.json["status"]) == (0, "planned"), planned.stderr
    assert {method for method, _, _ in registry.requests()} <= {"GET", "HEAD"}
    done = publish()
    assert (done.code, done.json["status"]) == (0, "published"), done.stderr
    assert done.json["digest"] == planned.json["digest"]
    before = len(registry.requests())
    again = publish()
    assert (again.code, again.json["status"], again.json["digest"]) == (0, "unchanged", done.json["digest"])
    assert {method for method, _, _ in registry.requests()[before:]} <= {"GET", "HEAD"}
    pulled = call(wasm_oci(), "pull", done.json["reference"], "-o", "pulled.wasm", "-K", RELEASE, "--output", "json", cwd=tmp_path)
    assert (pulled.code, pulled.json["signature"]["kind"]) == (0, kind), pulled.stderr
    metadata = json.loads(image_file(place, kind, "metadata.json").read_text())
    assert metadata["signature"]["deferred"] is True
    if kind == "detached":
        assert image_file(place, kind, "digest.txt").read_text().strip() == done.json["digest"] == metadata["digest"]
        assert image_file(place, kind, "oci.wasm").read_bytes() == (tmp_path / "pulled.wasm").read_bytes()
    else:
        assert not image_file(place, kind, "digest.txt").exists()
        assert "digest" not in metadata


@pytest.mark.parametrize("kind", KINDS)
def test_another_key_publishes_nothing(kind: str, registry: OwnRegistry, tmp_path: Path) -> None:
    done = call(published("file", kind), "--registry", registry.host, cwd=tmp_path, **secrets(tmp_path, K2))
    assert (done.code, "does not belong to the secret key" in done.stderr) == (2, True)
    assert registry.requests() == []


def test_all_places_give_one_digest() -> None:
    """Where the key is makes no difference to what is built."""
    digests = {image_file(place, "detached", "digest.txt").read_text() for place in PLACES}
    assert len(digests) == 1


def test_two_keys_of_the_build(tmp_path: Path) -> None:
    keys = {name: Path("examples/oci_publishing") / name for name in ("oci_signing_keys/key.public", "oci_openssh_keys/id_ed25519.pub")}
    for key in keys.values():
        assert call(wasm_oci(), "verify", "-i", (HERE / "twice_signed.wasm").absolute(), "-K", key.absolute()).code == 0
    copied = call(target("twice", HERE), "-o", "copy.wasm", cwd=tmp_path)
    assert copied.code == 0, copied.stderr
    assert (tmp_path / "copy.wasm").read_bytes() == (HERE / "twice_signed.wasm").read_bytes()
