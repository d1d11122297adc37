"""`wasm_oci pull`: what gets its name, and what every fault leads to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import CONFIG, Image, component, key, layout_of, public, signed_image
from fakes.clients import client_of, put_blob
from fakes.program import NAME, Ended, Run
from fakes.publishing import publish as publish_to
from fakes.web import reply, serve
from instruments.effects import Corrupt, Effect, Half, Hangup, Redirect, Reply, Rewrite, Stall, wrong_digest
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.limits import GIB
from wasm_oci.oci.descriptor import (
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    WASM_CONFIG_MEDIA_TYPE,
    WASM_LAYER_MEDIA_TYPE,
    Descriptor,
)
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Index, signature_referrer
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.looking import make_plan
from wasm_oci.registry.referrers import attach
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes, message

SECRET = "canary-51fe"


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    path = tmp_path / "two.public"
    path.write_bytes(public(2).compact())
    return path


@pytest.fixture
def keys(trusted: Path, stranger: Path) -> tuple[Path, Path]:
    return trusted, stranger


def publish(run: Run, image: Image, registry: RunningRegistry, tag: str = "v1") -> str:
    """Pushes an image with its detached signature, if it has one; returns its tagged reference."""
    reference = f"{registry.host}/{NAME}:{tag}"
    signature = ["--signature-file", image.signature] if image.signature else []
    assert run("push", image.folder, reference, *signature).code == 0
    registry.requests.clear()
    return reference


def refused(run: Run, tmp_path: Path, *args: object) -> Ended:
    """Runs a pull to `out/hello.wasm` that must leave nothing behind."""
    (tmp_path / "out").mkdir(exist_ok=True)
    ended = run("pull", *args, "-o", tmp_path / "out/hello.wasm")
    assert ended.code != 0
    assert ended.is_one_clear_error, ended
    assert os.listdir(tmp_path / "out") == []  # noqa: PTH208
    return ended


@pytest.mark.parametrize("detached", [False, True])
def test_what_was_published_comes_back_verified(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path, detached: bool) -> None:
    image = signed_image(tmp_path / "image", detached=detached)
    tagged = publish(run, image, registry)
    ended = run("pull", tagged, "-o", "hello.wasm", "-K", trusted)
    pinned = f"{registry.host}/{NAME}@{image.digest}"
    assert (ended.code, ended.err) == (0, "")
    assert (tmp_path / "hello.wasm").read_bytes() == image.wasm
    kind = "detached" if detached else "embedded"
    assert f"signature {kind}, verified with key {public(1).key_id.hex()}" in ended.out
    assert f"to get the same component again, use this reference:\n    {pinned}\n" in ended.out
    assert {record.method for record in registry.requests} <= {"GET", "HEAD"}
    again = run("pull", pinned, "-o", "again.wasm", "-K", trusted, "--output", "json")
    assert again.document == {
        "schemaVersion": 1,
        "reference": pinned,
        "digest": str(image.digest),
        "pinned": True,
        "component": {"digest": str(Digest.of(image.wasm)), "size": len(image.wasm)},
        "file": "again.wasm",
        "signature": {"kind": kind, "keyId": public(1).key_id.hex(), "publicKey": public(1).raw.hex(), "keyIds": [public(1).key_id.hex()]},
    }


@pytest.mark.parametrize("detached", [False, True])
def test_another_key_is_refused(run: Run, registry: RunningRegistry, tmp_path: Path, keys: tuple[Path, Path], detached: bool) -> None:
    trusted, stranger = keys
    image = signed_image(tmp_path / "image", detached=detached)
    reference = publish(run, image, registry)
    ended = refused(run, tmp_path, reference, "-K", stranger)
    assert ended.code == 4
    assert f"{registry.host}/{NAME}@{image.digest}: none of the given keys signed it" in ended.err
    assert run("pull", reference, "-K", stranger, "-K", trusted, "-o", "x.wasm").code == 0


def test_without_a_key_nothing_is_fetched(run: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    reference = publish(run, signed_image(tmp_path / "image"), registry)
    ended = refused(run, tmp_path, reference)
    assert (ended.code, registry.requests) == (2, [])
    assert "give one with -K or --trusted-keys; accept it unsigned only with --allow-unsigned" in ended.err
    assert refused(run, tmp_path, reference, "-S", "x.sig").code == 2


STORE = """keys:
  - {{name: first, public_key: {first}, not_after: 2026-12-31}}
  - {{name: second, public_key: {second}, not_before: 2026-06-01}}
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The keys of signers 1 and 2, in a trust store."""
    path = tmp_path / "trusted.yaml"
    lines = [public(number).openssh().decode().strip() for number in (1, 2)]
    path.write_text(STORE.format(first=lines[0], second=lines[1]))
    return path


def test_a_trust_store_gives_the_key_a_name(run: Run, registry: RunningRegistry, tmp_path: Path, store: Path) -> None:
    reference = publish(run, signed_image(tmp_path / "image"), registry)
    options = ["--trusted-keys", store, "--output", "json", "--at"]
    ended = run("pull", reference, "-o", "hello.wasm", *options, "2026-12-31")
    assert (ended.code, ended.document["signature"]["keyNames"]) == (0, ["first"])
    ended = refused(run, tmp_path, reference, *options, "2027-01-01")
    assert (ended.code, ended.document["error"]["reason"]) == (4, "key_expired")
    assert f"{registry.host}/{NAME}@" in ended.err
    assert "key first expired after 2026-12-31T23:59:59Z; no other trusted key signed it" in ended.err


def test_several_published_signatures_count_together(run: Run, registry: RunningRegistry, tmp_path: Path, store: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    reference = publish(run, image, registry)
    options = ["--trusted-keys", store, "--output", "json", "--at"]
    ended = refused(run, tmp_path, reference, *options, "2026-11-25", "--threshold", "2")
    assert (ended.code, ended.document["error"]["reason"]) == (4, "threshold")
    assert f"1 of the 2 required trusted keys signed it: first ({public(1).key_id.hex()})" in ended.err

    second = signed_image(tmp_path / "again", signer=2, detached=True)
    publish(run, replace(image, signature=second.signature), registry)
    ended = run("pull", reference, "-o", "hello.wasm", *options, "2026-11-25", "--threshold", "2")
    assert (ended.code, ended.document["signature"]["keyNames"]) == (0, ["first", "second"])

    # What the first key signed counts no more, what the second signed does.
    ended = run("pull", reference, "-o", "hello.wasm", *options, "2027-11-25")
    assert (ended.code, ended.document["signature"]["keyNames"]) == (0, ["second"])
    ended = refused(run, tmp_path, reference, *options, "2027-11-25", "--threshold", "2")
    assert ended.document["error"]["reason"] == "threshold"
    assert "second" in ended.err
    assert "key first expired after" in ended.err


def test_an_embedded_signature_counts_with_published_ones(run: Run, registry: RunningRegistry, tmp_path: Path, store: Path) -> None:
    image = signed_image(tmp_path / "image")
    hashes = (hashlib.sha256(image.wasm[8:]).digest(),)
    record = SignatureRecord(key_id=public(2).key_id, signature=key(2).sign(message(hashes)))
    signature = tmp_path / "second.sig"
    signature.write_bytes(SignatureData(sets=(SignedHashes(hashes=hashes, signatures=(record,)),)).encode())
    reference = publish(run, replace(image, signature=signature), registry)
    arguments = ["--trusted-keys", store, "--at", "2026-11-25", "--threshold", "2"]
    assert run("pull", reference, "-o", "hello.wasm", *arguments).code == 0
    assert (tmp_path / "hello.wasm").read_bytes() == image.wasm


def test_options_about_trust_are_checked_before_anything_is_fetched(
    run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path
) -> None:
    reference = publish(run, signed_image(tmp_path / "image"), registry)
    for options in (["--threshold", "2"], ["--at", "2026-01-01"], ["--ignore-time"], ["--trusted-keys", trusted]):
        assert refused(run, tmp_path, reference, "-K", trusted, *options).code == 2
    assert registry.requests == []


def test_an_unsigned_component_needs_the_long_option(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path) -> None:
    image = layout_of(tmp_path / "layout", component())
    reference = publish(run, image, registry)
    ended = refused(run, tmp_path, reference, "-K", trusted)
    assert (ended.code, "--allow-unsigned" in ended.err) == (4, True)
    for keys in ([], ["-K", trusted]):
        ended = run("pull", reference, *keys, "--allow-unsigned", "-o", "hello.wasm", "--output", "json")
        assert (ended.code, ended.document["signature"]) == (0, None)
    assert (tmp_path / "hello.wasm").read_bytes() == image.wasm


def test_allow_unsigned_accepts_no_wrong_signature(run: Run, registry: RunningRegistry, tmp_path: Path, stranger: Path) -> None:
    reference = publish(run, signed_image(tmp_path / "image"), registry)
    assert refused(run, tmp_path, reference, "-K", stranger, "--allow-unsigned").code == 4


def test_a_given_signature_counts_instead(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    other = signed_image(tmp_path / "other", text="other", detached=True)
    unsigned = Image(folder=image.folder, manifest=image.manifest, wasm=image.wasm, signature=None)
    reference = publish(run, unsigned, registry)
    assert refused(run, tmp_path, reference, "-K", trusted).code == 4
    assert run("pull", reference, "-K", trusted, "-S", image.signature, "-o", "hello.wasm").code == 0
    assert refused(run, tmp_path, reference, "-K", trusted, "-S", other.signature).code == 4
    assert refused(run, tmp_path, reference, "-K", trusted, "-S", tmp_path / "nowhere").code == 2


def test_the_detached_signature_that_verified_is_saved(run: Run, registry: RunningRegistry, tmp_path: Path, store: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    stranger = signed_image(tmp_path / "stranger", signer=3, detached=True)
    second = signed_image(tmp_path / "again", signer=2, detached=True)
    assert image.signature and second.signature
    for each in (stranger, image, second):
        reference = publish(run, replace(image, signature=each.signature), registry)
    options = ["-o", "hello.wasm", "--trusted-keys", store, "--at", "2026-11-25", "--signature-output", "hello.sig", "--output", "json"]
    ended = run("pull", reference, *options)
    assert (ended.code, ended.document["signature"]["file"]) == (0, "hello.sig")
    assert (tmp_path / "hello.sig").read_bytes() in (image.signature.read_bytes(), second.signature.read_bytes())
    assert run("pull", reference, *options, "--threshold", "2").code == 0
    for number in (1, 2):
        (tmp_path / "one.public").write_bytes(public(number).compact())
        assert run("verify", "-i", "hello.wasm", "-K", "one.public", "-S", "hello.sig").code == 0


def test_no_signature_is_saved_without_a_component(run: Run, registry: RunningRegistry, tmp_path: Path, keys: tuple[Path, Path]) -> None:
    trusted, stranger = keys
    detached = signed_image(tmp_path / "image", detached=True)
    reference = publish(run, detached, registry)
    save = ("--signature-output", "hello.sig")
    assert refused(run, tmp_path, reference, "-K", stranger, *save).code == 4
    embedded = publish(run, signed_image(tmp_path / "embedded", text="embedded"), registry, tag="v2")
    ended = refused(run, tmp_path, embedded, "-K", trusted, *save)
    assert (ended.code, "there is none to save" in ended.err) == (2, True)
    for options, problem in (
        ((*save, "-S", detached.signature), "cannot be combined with --signature-file"),
        ((*save, "--allow-unsigned"), "cannot be combined with --allow-unsigned"),
        (("--signature-output", trusted), "this input would be overwritten"),
    ):
        ended = refused(run, tmp_path, reference, "-K", trusted, *options)
        assert (ended.code, problem in ended.err) == (2, True)
    assert not (tmp_path / "hello.sig").exists()
    assert run("pull", reference, "-K", trusted, "-o", "x", "--signature-output", "x").code == 2


def test_of_several_detached_signatures_one_is_enough(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    signed_by_stranger = signed_image(tmp_path / "other", signer=2, detached=True)
    unsigned = Image(folder=image.folder, manifest=image.manifest, wasm=image.wasm, signature=None)
    reference = publish(run, unsigned, registry)
    assert signed_by_stranger.signature and image.signature
    with client_of(registry) as client:
        put_blob(client, b"{}")
        for signature in (b"junk", signed_by_stranger.signature.read_bytes(), image.signature.read_bytes()):
            put_blob(client, signature)
            attach(client, signature_referrer(image.manifest.descriptor(), signature))
    assert run("pull", reference, "-K", trusted, "-o", "hello.wasm").code == 0


@pytest.mark.parametrize("effect", [Reply(status=404), Reply(status=500), Reply(status=429), Corrupt()])
@pytest.mark.parametrize("part", ["manifest", "blob"])
def test_a_signature_that_cannot_be_read_does_not_hide_another(run: Run, tmp_path: Path, trusted: Path, part: str, effect: Effect) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    bad = signed_image(tmp_path / "bad", text="bad", detached=True)
    unsigned = Image(folder=image.folder, manifest=image.manifest, wasm=image.wasm, signature=None)
    assert bad.signature and image.signature
    with start() as registry, client_of(registry) as client:
        reference = publish(run, unsigned, registry)
        put_blob(client, b"{}")
        content = bad.signature.read_bytes()
        put_blob(client, content)
        manifest = signature_referrer(image.manifest.descriptor(), content)
        attach(client, manifest)
        path = str(manifest.descriptor().digest if part == "manifest" else Digest.of(content))
        registry.faults.add(Fault(method="GET", path=f"s/{path}", effect=effect, times=None))
        if (part, effect) != ("manifest", Reply(status=404)):
            code = 4 if isinstance(effect, Corrupt) else 6
            assert refused(run, tmp_path, reference, "-K", trusted, "--allow-unsigned").code == code
        put_blob(client, image.signature.read_bytes())
        attach(client, signature_referrer(image.manifest.descriptor(), image.signature.read_bytes()))
        assert run("pull", reference, "-K", trusted, "-o", "hello.wasm").code == 0


def test_an_entry_of_another_digest_algorithm_does_not_hide_a_signature(run: Run, tmp_path: Path, trusted: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    with start(referrers_api=False) as registry:
        reference = publish(run, image, registry)
        with client_of(registry) as client:
            listed = json.loads(client.fetch_manifest(f"sha256-{image.digest.hex}").data)
        listed["manifests"].insert(0, {"mediaType": MANIFEST_MEDIA_TYPE, "digest": "sha384:" + "0" * 96, "size": 1})
        response = Reply(status=200, headers={"Content-Type": INDEX_MEDIA_TYPE}, body=json.dumps(listed).encode())
        registry.faults.add(Fault(method="GET", path=f"/manifests/sha256-{image.digest.hex}", effect=response, times=None))
        assert run("pull", reference, "-K", trusted, "-o", "hello.wasm").code == 0


def test_a_damaged_referrer_of_a_layout_does_not_hide_a_signature(run: Run, tmp_path: Path, trusted: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    folder = tmp_path / "copy"
    other = signature_referrer(image.manifest.descriptor(), b"junk")
    destination = LayoutStore(folder)
    destination.put_manifest(other.descriptor(), other.raw)
    publish_to((make_plan(load_artifact(image.folder, image.signatures), destination, ["v1"]),))
    (folder / "blobs/sha256" / other.descriptor().digest.hex).write_bytes(b"")
    assert run("pull", f"{folder}:v1", "-K", trusted, "-o", "hello.wasm").code == 0


def test_a_detached_signature_of_another_component_is_none(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path) -> None:
    image = layout_of(tmp_path / "layout", component("mine"))
    other = signed_image(tmp_path / "other", text="other", detached=True)
    assert other.signature
    reference, swapped = publish(run, image, registry), other.signature.read_bytes()
    with client_of(registry) as client:
        for blob in (b"{}", swapped):
            put_blob(client, blob)
        attach(client, signature_referrer(image.manifest.descriptor(), swapped))
    assert refused(run, tmp_path, reference, "-K", trusted).code == 4


@pytest.mark.parametrize("effect", [Reply(status=429), Reply(status=500), Hangup(), Stall(seconds=60), Reply(status=200, body=b"<html>")])
def test_a_failed_search_for_signatures_is_not_unsigned(run: Run, tmp_path: Path, trusted: Path, effect: Effect) -> None:
    with start() as registry:
        reference = publish(run, layout_of(tmp_path / "layout", component()), registry)
        registry.faults.add(Fault(path="/referrers/", effect=effect, times=None))
        assert refused(run, tmp_path, reference, "-K", trusted, "--allow-unsigned").code == 6


def put_image(registry: RunningRegistry, layers: list[dict[str, Any]], blobs: list[bytes]) -> str:
    """Stores a manifest of any layers; returns its reference."""
    config = Descriptor.of(CONFIG, WASM_CONFIG_MEDIA_TYPE).to_json()
    data = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_MEDIA_TYPE, "config": config, "layers": layers}).encode()
    with client_of(registry) as client:
        for blob in (CONFIG, *blobs):
            put_blob(client, blob)
        client.put_manifest("v1", data, MANIFEST_MEDIA_TYPE)
    return f"{registry.host}/{NAME}:v1"


@pytest.mark.parametrize(
    ("types", "problem"),
    [
        ([], "found 0 (layer types: none)"),
        (["application/vnd.oci.image.layer.v1.tar"], "found 0 (layer types: application/vnd.oci.image.layer.v1.tar)"),
        ([WASM_LAYER_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE], "found 2"),
    ],
)
def test_an_artifact_without_exactly_one_component(run: Run, tmp_path: Path, types: list[str], problem: str) -> None:
    blobs = [component(str(number)) for number in range(len(types))]
    with start() as registry:
        layers = [Descriptor.of(blob, kind).to_json() for blob, kind in zip(blobs, types, strict=True)]
        ended = refused(run, tmp_path, put_image(registry, layers, blobs), "--allow-unsigned")
    assert (ended.code, problem in ended.err) == (2, True)


def test_a_title_is_no_path(run: Run, tmp_path: Path) -> None:
    wasm = component()
    (tmp_path / "here").mkdir()
    layer = Descriptor.of(wasm, WASM_LAYER_MEDIA_TYPE).to_json() | {"annotations": {"org.opencontainers.image.title": "../../evil.wasm"}}
    with start() as registry:
        reference = put_image(registry, [layer], [wasm])
        assert run("pull", reference, "--allow-unsigned", "-o", tmp_path / "here/hello.wasm").code == 0
    assert not list(tmp_path.rglob("evil*"))
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["hello.wasm"]


def test_a_huge_declared_size_is_refused_before_anything_is_fetched(run: Run, tmp_path: Path) -> None:
    layer = Descriptor(media_type=WASM_LAYER_MEDIA_TYPE, digest=Digest.of(b"x"), size=1).to_json() | {"size": 5 * GIB}
    with start() as registry:
        reference = put_image(registry, [], [])
        config = Descriptor.of(CONFIG, WASM_CONFIG_MEDIA_TYPE).to_json()
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_MEDIA_TYPE, "config": config, "layers": [layer]}
        registry.faults.add(Fault(method="GET", effect=Reply(status=200, body=json.dumps(manifest).encode()), times=None))
        registry.requests.clear()
        ended = refused(run, tmp_path, reference, "--allow-unsigned")
        assert (ended.code, "5368709120 bytes exceed the limit of" in ended.err) == (2, True)
        assert len(registry.requests) == 1


def test_a_layer_that_is_not_wasm(run: Run, tmp_path: Path) -> None:
    page = b"<html>not wasm</html>"
    with start() as registry:
        reference = put_image(registry, [Descriptor.of(page, WASM_LAYER_MEDIA_TYPE).to_json()], [page])
        assert refused(run, tmp_path, reference, "--allow-unsigned").code == 2


def test_an_index_is_refused_with_a_reason(run: Run, tmp_path: Path) -> None:
    with start() as registry, client_of(registry) as client:
        client.put_manifest("v1", Index().encode(), INDEX_MEDIA_TYPE)
        ended = refused(run, tmp_path, f"{registry.host}/{NAME}:v1", "--allow-unsigned")
        assert (ended.code, "name one of its manifests by digest" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("media_type", "kind", "remedy"),
    [
        ("application/vnd.docker.distribution.manifest.v2+json", "a Docker image manifest", "publish the component as an OCI artifact"),
        ("application/vnd.docker.distribution.manifest.list.v2+json", "a Docker manifest list", "name one of its manifests by digest"),
    ],
)
def test_what_another_kind_of_manifest_is_and_what_to_do(run: Run, tmp_path: Path, media_type: str, kind: str, remedy: str) -> None:
    """A Docker image is no list of others: nothing in it can be named by a digest."""
    data = json.dumps({"schemaVersion": 2, "mediaType": media_type}).encode()
    with serve(lambda asked: reply(body=data)) as web:
        ended = refused(run, tmp_path, f"{web.host}/{NAME}:v1", "--allow-unsigned")
    assert f"this is {kind}, not an image manifest; {remedy}" in ended.err


def test_a_signature_artifact_is_no_component(run: Run, tmp_path: Path, trusted: Path) -> None:
    with start() as registry:
        image = signed_image(tmp_path / "image", detached=True)
        publish(run, image, registry)
        assert image.signature
        digest = signature_referrer(image.manifest.descriptor(), image.signature.read_bytes()).descriptor().digest
        ended = refused(run, tmp_path, f"{registry.host}/{NAME}@{digest}", "-K", trusted)
        assert (ended.code, SIGNATURE_MEDIA_TYPE in ended.err) == (2, True)


FAULTS: dict[str, tuple[Effect, set[int]]] = {
    "html": (Reply(status=200, headers={"Content-Type": "text/html"}, body=f"<html>{SECRET}".encode()), {6}),
    "401": (Reply(status=401), {5}),
    "403": (Reply(status=403, body=b'{"errors":[{"code":"DENIED"}]}'), {5}),
    "404": (Reply(status=404), {6}),
    "429": (Reply(status=429, headers={"Retry-After": "3600"}), {6}),
    "500": (Reply(status=500, body=b"<html>"), {6}),
    "redirect": (Redirect(url="http://127.0.0.1:1{path}?sig=canary-51fe"), {6}),
    "digest header": (wrong_digest(), {0, 4}),
    "other content": (Corrupt(position=-5), {4, 6}),
    "half": (Half(), {6}),
    "short": (Rewrite(change=lambda data: data[: len(data) // 2]), {4, 6}),
    "nothing": (Hangup(), {6}),
    "silence": (Stall(seconds=60), {6}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_from_any_request_on_a_broken_registry_leaves_no_file(run: Run, tmp_path: Path, trusted: Path, name: str) -> None:
    """The fault is there from request number `index` to the end, for every index of pulling a detached signature."""
    effect, codes = FAULTS[name]
    image = signed_image(tmp_path / "image", detached=True)
    with start(referrers_api=False) as registry:
        reference = f"{publish(run, image, registry).rpartition(':')[0]}@{image.digest}"
        (tmp_path / "out").mkdir()
        for index in range(1, 9):
            fault = registry.faults.add(Fault(nth=index, effect=effect, times=None))
            ended = run("pull", reference, "-K", trusted, "-o", tmp_path / "out/hello.wasm")
            registry.faults.clear()
            if not fault.hits:
                break
            expected = codes | {4} if name == "404" else codes  # no referrer is found: it is unsigned
            assert ended.code in expected, (index, ended)
            assert ended.is_one_clear_error or ended.code == 0, (index, ended)
            assert SECRET not in ended.err
            assert [path.name for path in (tmp_path / "out").iterdir()] == ([] if ended.code else ["hello.wasm"])
            (tmp_path / "out/hello.wasm").unlink(missing_ok=True)
        assert index == 7
        assert ended.code == 0


def test_a_changed_component_is_refused_by_its_digest(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path) -> None:
    image = signed_image(tmp_path / "image")
    reference = publish(run, image, registry)
    for position in (0, 7, 8, len(image.wasm) - 1):
        registry.faults.add(Fault(path=f"/blobs/{Digest.of(image.wasm)}", effect=Corrupt(position=position)))
        ended = refused(run, tmp_path, reference, "-K", trusted)
        assert (ended.code, "content has digest sha256:" in ended.err) == (4, True)


@pytest.mark.parametrize("detached", [False, True])
def test_from_a_layout(run: Run, tmp_path: Path, trusted: Path, stranger: Path, detached: bool) -> None:
    image = signed_image(tmp_path / "image", detached=detached)
    given = ["-S", image.signature] if detached else []
    for name in (image.folder, f"{image.folder}:v1", f"{image.folder}@{image.digest}"):
        assert run("pull", name, "-K", trusted, *given, "-o", "hello.wasm").code == 0
        assert (tmp_path / "hello.wasm").read_bytes() == image.wasm
    assert refused(run, tmp_path, image.folder, "-K", stranger, *given).code == 4
    assert refused(run, tmp_path, f"{image.folder}:v2", "-K", trusted, *given).code == 6
    assert refused(run, tmp_path, f"{image.folder}@sha256:0", "-K", trusted, *given).code == 2


def test_an_old_file_stays_when_a_pull_fails(run: Run, registry: RunningRegistry, tmp_path: Path, stranger: Path, trusted: Path) -> None:
    reference = publish(run, signed_image(tmp_path / "image"), registry)
    (tmp_path / "hello.wasm").write_bytes(b"old")
    assert run("pull", reference, "-K", stranger, "-o", "hello.wasm").code == 4
    assert (tmp_path / "hello.wasm").read_bytes() == b"old"
    assert run("pull", reference, "-K", trusted, "-o", "hello.wasm").code == 0
    assert (tmp_path / "hello.wasm").read_bytes() != b"old"


@pytest.mark.parametrize(
    ("args", "code", "problem"),
    [
        (["HOST/library/hello"], 2, "names neither tag nor digest"),
        (["HOST/library/Hello:v1"], 2, "write it in lower case"),
        (["hello"], 2, "has no registry host"),
        (["x" * 5000 + ":v1"], 2, "has no registry host"),
        (["HOST/library/hello:v1"], 6, "tag v1 not found"),
        (["HOST/library/hello:v1", "-o", "/nowhere/x.wasm"], 6, "tag v1 not found"),
        (["HOST/library/hello:v1", "-K", "/nowhere"], 2, "/nowhere"),
    ],
)
def test_what_cannot_be_asked_for(run: Run, trusted: Path, args: list[str], code: int, problem: str) -> None:
    with start() as registry:
        ended = run(
            "pull", *(arg.replace("HOST", registry.host) for arg in args), "-K", trusted, *([] if "-o" in args else ["-o", "x.wasm"])
        )
    assert (ended.code, ended.is_one_clear_error) == (code, True)
    assert problem in ended.err


@pytest.mark.parametrize(("output", "problem"), [("folder", "is a folder"), ("missing/x.wasm", "cannot write the output file")])
def test_an_output_that_cannot_be_written(run: Run, tmp_path: Path, trusted: Path, output: str, problem: str) -> None:
    image = signed_image(tmp_path / "image")
    (tmp_path / "folder").mkdir()
    ended = run("pull", image.folder, "-K", trusted, "-o", output)
    assert (ended.code, problem in ended.err, ended.is_one_clear_error) == (2, True, True)


def test_a_device_is_written_to_and_not_replaced(run: Run, registry: RunningRegistry, tmp_path: Path, trusted: Path) -> None:
    reference = publish(run, signed_image(tmp_path / "image"), registry)
    assert run("pull", reference, "-K", trusted, "-o", os.devnull).code == 0
    assert not Path(os.devnull).is_file()


def test_pull_asks_for_pull_only(run: Run, tmp_path: Path, trusted: Path) -> None:
    from fakes.token_server import token_server
    from wasm_oci.local_registry.access import Bearer

    image = signed_image(tmp_path / "image")
    with start() as registry:
        reference = publish(run, image, registry)
        with token_server() as tokens:
            registry.behave(access=Bearer(realm=tokens.realm, grants=tokens.grants))
            assert run("pull", reference, "-K", trusted, "-o", "hello.wasm").code == 0
            assert [asked.scopes for asked in tokens.requests] == [(f"repository:{NAME}:pull",)]
