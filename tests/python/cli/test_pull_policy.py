"""`wasm_oci pull --policy`: signatures, statements and policies are checked before the file gets its name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fakes.artifacts import Image, component, key, layout_of, public, signed_image
from fakes.clients import client_of, put_blob
from fakes.program import NAME, Ended, Run
from fakes.statements import fetched, signed
from instruments.registry import RunningRegistry
from wasm_oci.attest.write import bundle_referrer
from wasm_oci.oci.descriptor import EMPTY, EMPTY_BLOB, SIGNATURE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.registry.referrers import attach
from wasm_oci.trust.predicate_types import SIGN, VSA

POLICY = f"""name: enterprise
always:
  signing: required
  keys: [release]
  signature_types: [detached]
  key_formats: [openssh]
  statements: [{{predicate_type: {SIGN}, keys: [release]}}]
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A trust store that calls signer 1 `release`."""
    path = tmp_path / "trusted.yaml"
    path.write_text(f"keys:\n  - {{name: release, public_key: {public(1).openssh().decode().strip()}}}\n")
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "1.secret").write_bytes(key(1).compact())
    return path


@pytest.fixture
def image(run: Run, registry: RunningRegistry, tmp_path: Path, store: Path) -> Image:
    """An image in the registry with a detached signature and a sign statement."""
    found = signed_image(tmp_path / "image", detached=True)
    assert run("push", found.folder, f"{registry.host}/{NAME}:v1", "--signature-file", found.signature).code == 0
    reference = f"{registry.host}/{NAME}@{found.digest}"
    assert run("attest", reference, "--predicate-type", "sign", "-k", tmp_path / "1.secret").code == 0
    return found


@pytest.fixture
def pull(run: Run, registry: RunningRegistry, tmp_path: Path, store: Path) -> Callable[..., Ended]:
    def pulled(*flags: object, name: str = f"{NAME}:v1") -> Ended:
        where = tmp_path / "pulled.wasm"
        where.unlink(missing_ok=True)
        form = () if "--output" in flags else ("--output", "json")
        flags = ("--trusted-keys", store, "--policy", tmp_path / "policy.yaml", *form, *flags)
        ended = run("pull", f"{registry.host}/{name}", "-o", where, *flags)
        assert where.exists() == (ended.code == 0)
        assert ended.code == 0 or ended.is_one_clear_error
        return ended

    return pulled


@pytest.mark.usefixtures("image")
def test_what_the_policy_allows(pull: Callable[..., Ended], tmp_path: Path, image: Image, registry: RunningRegistry) -> None:
    ended = pull()
    assert ended.code == 0, ended.err
    assert (tmp_path / "pulled.wasm").read_bytes() == image.wasm
    policy = ended.document["policy"]
    assert (policy["decision"], policy["decidedBy"]["rule"], policy["digest"]) == ("allow", "always", str(image.digest))
    assert policy["destination"] == f"{registry.host}/{NAME}@{image.digest}"
    text = pull("--output", "text")
    assert f"  policy    allowed by always ({tmp_path}/policy.yaml:2)\n" in text.out


def blobs(registry: RunningRegistry, image: Image) -> dict[str, Path]:
    """The files of all that was published, by what it is."""
    folder = registry.state / NAME / "blobs" / "sha256"
    found = {"manifest": folder / image.digest.hex, "blob": folder / image.manifest.layers[0].digest.hex}
    for path in folder.iterdir():
        if b'"subject":{' in (data := path.read_bytes()):
            manifest = Manifest.parse(data, where=str(path))
            kind = "statement" if "sigstore" in str(manifest.artifact_type) else "signature"
            found[kind] = folder / manifest.layers[0].digest.hex
            found[f"{kind} manifest"] = path
    return found


KINDS = ("manifest", "blob", "signature", "signature manifest", "statement", "statement manifest")


@pytest.mark.parametrize("how", ["changed", "removed"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_changed_or_gone_in_the_registry(
    pull: Callable[..., Ended], registry: RunningRegistry, image: Image, kind: str, how: str
) -> None:
    files = blobs(registry, image)
    assert set(files) == set(KINDS)
    if how == "removed":
        files[kind].unlink()
    else:
        data = bytearray(files[kind].read_bytes())
        data[len(data) // 2] ^= 1
        files[kind].write_bytes(data)
    for name in (f"{NAME}:v1", f"{NAME}@{image.digest}"):
        assert pull(name=name).code in (3, 4, 6)


def test_a_policy_is_beside_the_signature(pull: Callable[..., Ended], image: Image, tmp_path: Path) -> None:
    lenient = tmp_path / "lenient.yaml"
    lenient.write_text("always: {signing: optional}\n")
    (tmp_path / "2.public").write_bytes(public(2).compact())
    assert pull("--policy", lenient).code == 0
    small = tmp_path / "small.yaml"
    small.write_text("always: {max_size: 10}\n")
    ended = pull("--policy", small)
    assert (ended.code, ended.document["verdicts"][0]["decision"]) == (3, "deny")
    assert "small.yaml:1" in ended.err


def test_no_statement(run: Run, registry: RunningRegistry, pull: Callable[..., Ended], tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    assert run("push", image.folder, f"{registry.host}/{NAME}:v1", "--signature-file", image.signature).code == 0
    ended = pull()
    assert (ended.code, ended.document["error"]["reason"]) == (3, "statement")
    (tmp_path / "2.secret").write_bytes(key(2).compact())
    assert run("attest", f"{registry.host}/{NAME}@{image.digest}", "--predicate-type", "sign", "-k", tmp_path / "2.secret").code == 0
    ended = pull()
    assert ended.code == 3
    assert "1 that refer to it do not verify" in ended.err
    assert "none of the given keys signed it" in ended.err


def test_referrers_with_wrong_sizes_hide_nothing(run: Run, store: Path, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    target = f"oci:{image.folder}"
    (signature,) = image.signatures
    payload = signature.read_bytes()
    layout = LayoutStore(image.folder)
    layer = Descriptor.of(payload, SIGNATURE_MEDIA_TYPE)
    for blob, data in ((layer, payload), (EMPTY, EMPTY_BLOB)):
        layout.put_blob(blob, partial(iter, (data,)))
    for size in (1, 2, 3, 0):
        described = replace(layer, size=layer.size + size)
        layout.attach(Manifest(config=EMPTY, layers=(described,), artifact_type=SIGNATURE_MEDIA_TYPE, subject=image.manifest.descriptor()))
    assert run("pull", target, "-o", tmp_path / "pulled.wasm", "--trusted-keys", store, "--policy", tmp_path / "policy.yaml").code == 3
    assert run("attest", target, "--predicate-type", "sign", "-k", tmp_path / "1.secret").code == 0
    assert run("pull", target, "-o", tmp_path / "pulled.wasm", "--trusted-keys", store, "--policy", tmp_path / "policy.yaml").code == 0


@pytest.mark.usefixtures("image")
def test_a_revoked_key(pull: Callable[..., Ended], store: Path) -> None:
    store.write_text(store.read_text().replace("}", ", revoked: true}"))
    ended = pull()
    assert (ended.code, ended.document["error"]["reason"]) == (4, "key_revoked")


@pytest.mark.usefixtures("image")
def test_a_tag_is_refused_where_the_digest_is_required(pull: Callable[..., Ended], tmp_path: Path, image: Image) -> None:
    (tmp_path / "policy.yaml").write_text("always: {digest_pin: required}\n")
    ended = pull()
    assert (ended.code, ended.document["error"]["reason"]) == (3, "digest_pin")
    assert pull(name=f"{NAME}@{image.digest}").code == 0


def test_a_statement_about_another_digest_does_not_count(
    run: Run, pull: Callable[..., Ended], registry: RunningRegistry, tmp_path: Path
) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    assert run("push", image.folder, f"{registry.host}/{NAME}:v1", "--signature-file", image.signature).code == 0
    other = signed(fetched("other"), key(1))
    with client_of(registry.host) as client:
        for data in (other.bundle, EMPTY_BLOB):
            put_blob(client, data)
        attach(client, bundle_referrer(image.manifest.descriptor(), other.bundle, SIGN))
    ended = pull()
    assert (ended.code, ended.document["error"]["reason"]) == (3, "statement")
    assert "the statement is about" in ended.err


@pytest.mark.usefixtures("image")
def test_content_is_read_once(pull: Callable[..., Ended], registry: RunningRegistry) -> None:
    registry.requests.clear()
    assert pull().code == 0
    read = Counter(request.path for request in registry.requests if request.status == 200)
    blobs = [count for path, count in read.items() if "/blobs/" in path]
    assert blobs == [1, 1, 1]
    assert max(count for path, count in read.items() if "/manifests/sha256:" in path) == 2, "once for signatures, once for statements"


@pytest.mark.parametrize(
    "said",
    [
        ("PASSED", "pkg:oci/hello", True),
        ("PASSED", "pkg:oci/hello@{own}", True),
        ("FAILED", "pkg:oci/hello@{own}", False),
        ("PASSED", f"pkg:oci/hello@sha256%3A{'0' * 64}", False),
    ],
    ids=["without a digest", "its own", "a denial", "another digest"],
)
def test_a_verdict_counts_if_it_allows_and_is_about_this_digest(
    pull: Callable[..., Ended], run: Run, tmp_path: Path, *, image: Image, registry: RunningRegistry, said: tuple[str, str, bool]
) -> None:
    result, about, counts = said
    (tmp_path / "policy.yaml").write_text(f"always: {{statements: [{{predicate_type: {VSA}, keys: [release]}}]}}\n")
    predicate = {
        "verifier": {"id": "https://example.com/verifier"},
        "resourceUri": about.format(own=str(image.digest).replace(":", "%3A")),
        "policy": {"uri": "strict", "digest": {"sha256": "0" * 64}},
        "verificationResult": result,
        "verifiedLevels": [],
    }
    (tmp_path / "predicate.json").write_text(json.dumps(predicate))
    reference = f"{registry.host}/{NAME}@{image.digest}"
    options = ("--predicate-type", "vsa", "--predicate", tmp_path / "predicate.json", "-k", tmp_path / "1.secret")
    assert run("attest", reference, *options).code == 0
    ended = pull()
    assert ended.code == (0 if counts else 3), ended.err
    assert counts or "its verdict is" in ended.err


@pytest.mark.usefixtures("image")
def test_a_misspelt_key_is_named(pull: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("always: {signing: required, keys: [relase]}\n")
    ended = pull()
    assert ended.code == 3
    assert "not with relase; no known key is called relase" in ended.err
    (tmp_path / "policy.yaml").write_text("always: {signing: required, keys: [relase, release]}\n")
    assert pull().code == 0


def test_registries_are_known_by_their_entries(run: Run, registry: RunningRegistry, pull: Callable[..., Ended], tmp_path: Path) -> None:
    unsigned = layout_of(tmp_path / "unsigned", component())
    assert run("push", unsigned.folder, f"{registry.host}/{NAME}:v1").code == 0
    (tmp_path / "policy.yaml").write_text("registries: [{registry: production, signing: required}]\ndefault: {signing: optional}\n")
    config = tmp_path / "registries.yaml"
    allow = ("--allow-unsigned",)
    ended = pull(*allow)
    assert (ended.code, "give the list of registries, with --registries, --registry-config or registry_config" in ended.err) == (3, True)
    for text, code in ((f"production|{registry.host}", 3), (f"staging|{registry.host}", 0), (f"production|{registry.host}/elsewhere", 0)):
        config.write_text(json.dumps({"registries": [text]}))
        ended = pull(*allow, "--registry-config", config)
        assert ended.code == code, ended.err


def test_a_layout(run: Run, store: Path, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    policy = tmp_path / "only.yaml"
    policy.write_text("components: [{pattern: layout, signing: required, keys: [release]}]\n")
    pull = ("pull", f"oci:{image.folder}", "-o", tmp_path / "pulled.wasm", "--trusted-keys", store, "--policy", policy)
    assert run(*pull).code == 0
    policy.write_text("components: [{pattern: other, signing: required}]\n")
    (tmp_path / "pulled.wasm").unlink()
    assert run(*pull).code == 3
    assert not (tmp_path / "pulled.wasm").exists()


def test_a_layout_is_judged_as_what_it_is_a_copy_of(run: Run, store: Path, tmp_path: Path) -> None:
    image, output = signed_image(tmp_path / "image"), tmp_path / "pulled.wasm"
    policy = tmp_path / "only.yaml"
    place = "allowed_registries: [ghcr.io], tags: {allowed: ['1.*']}"
    policy.write_text(f"components: [{{pattern: apps/hello, signing: required, keys: [release], {place}}}]\n")
    pull = ("pull", f"oci:{image.folder}", "-o", output, "--trusted-keys", store, "--policy", policy)
    for reference, code in (
        ("ghcr.io/apps/hello:1.2", 0),
        ("ghcr.io/apps/hello:2.0", 3),
        ("quay.io/apps/hello:1.2", 3),
        ("ghcr.io/other:1.2", 3),
    ):
        output.unlink(missing_ok=True)
        ended = run(*pull, "--copy-of", f"{reference}@{image.digest}")
        assert (ended.code, output.exists()) == (code, code == 0), ended.err
    store.write_text(store.read_text().replace("}", ", not_after: 2020-01-01}"))
    copy = ("--copy-of", "ghcr.io/apps/hello:1.2")
    assert (run(*pull, *copy).code, run(*pull, *copy, "--ignore-time").code, run(*pull, "--ignore-time").code) == (4, 0, 3)


def test_only_a_layout_is_a_copy(run: Run, tmp_path: Path) -> None:
    ended = run("pull", "ghcr.io/apps/hello:1.2", "-o", tmp_path / "x", "--allow-unsigned", "--copy-of", "ghcr.io/apps/hello:1.2")
    assert (ended.code, "only a layout is a copy" in ended.err) == (2, True)
