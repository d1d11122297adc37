"""`wasm_oci update`: what is verified before it is written, what is written, and what is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, component, key, layout_of, public, signed_image
from fakes.program import NAME, Ended, Run
from fakes.token_server import token_server
from instruments.registry import RunningRegistry, start
from wasm_oci.digest import Digest
from wasm_oci.local_registry.access import Bearer

EXTENSION = 'oci_wasm = use_extension("@rules_wasm_oci//wasm:extensions.bzl", "wasm")\n'
LOCK = "wasm_oci.lock.json"
KEYS = 'public_keys = ["//:one.public"]'


@pytest.fixture
def module(tmp_path: Path, registry: RunningRegistry) -> Callable[..., Path]:
    """Writes a MODULE.bazel with one tag, which has these lines beside `name` and `image`."""

    def write(*attributes: str, host: str = "") -> Path:
        path = tmp_path / "ws/MODULE.bazel"
        path.parent.mkdir(exist_ok=True)
        lines = "".join(f"    {each},\n" for each in (f'image = "{host or registry.host}/{NAME}"', *attributes))
        path.write_text(f'{EXTENSION}oci_wasm.pull(\n    name = "hello",\n{lines})\n')
        for number, name in ((1, "one.public"), (2, "two.public")):
            (path.parent / name).write_bytes(public(number).compact())
        return path

    return write


def publish(run: Run, registry: RunningRegistry, folder: Path, *, detached: bool = True, tag: str = "1.0.0", text: str = "hello") -> Image:
    image = signed_image(folder / f"image-{text}", text=text, detached=detached)
    signature = ("--signature-file", image.signature) if detached else ()
    assert run("push", image.folder, f"{registry.host}/{NAME}:{tag}", *signature, "--move-tags").code == 0
    return image


def lock_of(module: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((module.parent / LOCK).read_bytes())
    assert document.pop("version") == 1
    return document


def refused(run: Run, module: Path, *args: str) -> Ended:
    """Runs an update that must write nothing."""
    before = {path: path.read_bytes() for path in module.parent.iterdir()}
    ended = run("update", module, *args)
    assert ended.code != 0
    assert {path: path.read_bytes() for path in module.parent.iterdir()} == before
    return ended


def test_digest_and_lock_file_are_written(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> None:
    image = publish(run, registry, tmp_path)
    path = module('lock = "//:wasm_oci.lock.json"', KEYS, 'tag = "1.0.0"')
    before = path.read_text()
    ended = run("update", path)
    assert (ended.code, ended.said) == (0, "")
    assert ended.out.startswith(f"hello: {registry.host}/{NAME}:1.0.0\n  digest    {image.digest}\n  signature detached, verified with key")
    assert path.read_text() == before.replace("    image", f'    digest = "{image.digest}",\n    image')
    entry = lock_of(path)["components"]["hello"]
    (referrer,) = entry.pop("referrers")
    assert (registry.state / NAME / "blobs/sha256" / Digest.parse(referrer).hex).is_file()
    assert entry == {"component": str(Digest.of(image.wasm)), "image": f"{registry.host}/{NAME}", "manifest": str(image.digest)}


def test_a_second_time_nothing_changes(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> None:
    image = publish(run, registry, tmp_path)
    path = module('lock = "//:wasm_oci.lock.json"', KEYS, 'tag = "1.0.0"')
    assert run("update", path).code == 0
    times = {each: each.stat().st_mtime_ns for each in path.parent.iterdir()}
    for args in ((), ("--check",)):
        ended = run("update", path, *args, "--output", "json")
        assert (ended.code, ended.document["changed"], ended.document["written"]) == (0, [], False)
    assert ended.document["components"][0]["before"] == str(image.digest)
    assert {each: each.stat().st_mtime_ns for each in path.parent.iterdir()} == times
    renewed = publish(run, registry, tmp_path, text="renewed")
    ended = refused(run, path, "--check", "--output", "json")
    assert (ended.code, ended.document["changed"]) == (2, [str(path.parent / LOCK), str(path)])
    ended = run("update", path)
    assert f"  digest    {renewed.digest}\n            was {image.digest}\n" in ended.out
    assert str(renewed.digest) in path.read_text()


def test_without_a_lock_file_only_an_embedded_signature_counts(
    run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]
) -> None:
    publish(run, registry, tmp_path)
    path = module(KEYS, 'tag = "1.0.0"')
    ended = refused(run, path)
    assert ended.code == 4
    assert 'add lock = "//:wasm_oci.lock.json"' in ended.err
    assert f"MODULE.bazel: line 2: oci_wasm.pull(name = 'hello'): {registry.host}/{NAME}@sha256:" in ended.err
    image = publish(run, registry, tmp_path, detached=False, text="embedded")
    assert run("update", path).code == 0
    assert str(image.digest) in path.read_text()
    assert not (path.parent / LOCK).exists()


@pytest.fixture
def published(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> Callable[..., Path]:
    """The same as `module`, with a component in the registry, a tag and a lock file."""
    publish(run, registry, tmp_path)
    return lambda *attributes: module('lock = "//:wasm_oci.lock.json"', *attributes, 'tag = "1.0.0"')


@pytest.mark.parametrize(
    ("attributes", "code", "words"),
    [
        (('public_keys = ["//:two.public"]',), 4, "none of the given keys signed it"),
        (('public_keys = ["//:one.public", "//:two.public"]', "threshold = 2"), 4, "1 of the 2 required"),
        ((KEYS, 'policy = "//:policy.yaml"'), 3, "more than 10 bytes"),
        (('public_keys = ["//:absent.public"]',), 2, "absent.public"),
        (('trusted_keys = "//:trusted.yaml"',), 2, "public_key_file names 'one.public', which a build is not given"),
        ((), 2, "give public_keys or trusted_keys"),
        (("verify = False", KEYS), 2, "remove the keys, or verify = False"),
        (("verify = False", 'policy = "//:policy.yaml"'), 2, "verify = False, and a policy"),
    ],
)
def test_what_is_refused(run: Run, published: Callable[..., Path], attributes: tuple[str, ...], code: int, words: str) -> None:
    path = published(*attributes)
    (path.parent / "trusted.yaml").write_text("keys: [{name: one, public_key_file: one.public}]\n")
    (path.parent / "policy.yaml").write_text("name: small\nalways: {max_size: 10}\n")
    ended = refused(run, path)
    assert ended.code == code, ended.err
    assert words in ended.err


def test_the_policy_sees_the_place_and_the_time(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> None:
    publish(run, registry, tmp_path)
    path = module('lock = "//:wasm_oci.lock.json"', 'policy = "//:policy.yaml"', 'trusted_keys = "//:trusted.yaml"', 'tag = "1.0.0"')
    policy, store = path.parent / "policy.yaml", path.parent / "trusted.yaml"
    of_key = f"keys:\n  - {{name: release, public_key: {public(1).openssh().decode().strip()}, not_after: %s}}\n"
    policy.write_text(f"components: [{{pattern: {NAME}, signing: required, keys: [release], tags: {{allowed: ['1.*']}}}}]\n")
    store.write_text(of_key % "2020-01-01")
    assert refused(run, path).code == 4
    store.write_text(of_key % "2999-01-01")
    assert run("update", path, "--check").code == 2
    policy.write_text(policy.read_text().replace("1.*", "2.*"))
    assert refused(run, path).code == 3
    policy.write_text(policy.read_text().replace("2.*", "1.*").replace(NAME, "library/other"))
    assert refused(run, path).code == 3


def test_without_verification(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> None:
    image = layout_of(tmp_path / "unsigned", component())
    assert run("push", image.folder, f"{registry.host}/{NAME}:1.0.0").code == 0
    path = module("verify = False", 'tag = "1.0.0"')
    ended = run("update", path)
    assert (ended.code, str(image.digest) in path.read_text()) == (0, True)
    assert "signature not verified: verify = False" in ended.out


def test_a_digest_without_a_tag_stays(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> None:
    image = publish(run, registry, tmp_path)
    path = module('lock = "//:wasm_oci.lock.json"', KEYS, f'digest = "{image.digest}"')
    before = path.read_text()
    publish(run, registry, tmp_path, text="renewed")
    assert run("update", path).code == 0
    assert path.read_text() == before
    assert lock_of(path)["components"]["hello"]["manifest"] == str(image.digest)
    assert refused(run, module(KEYS)).code == 2


def test_statements_are_part_of_the_pin(run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path]) -> None:
    image = publish(run, registry, tmp_path)
    (tmp_path / "1.secret").write_bytes(key(1).compact())
    path = module('lock = "//:wasm_oci.lock.json"', KEYS, 'tag = "1.0.0"')
    assert run("update", path).code == 0
    assert len(lock_of(path)["components"]["hello"]["referrers"]) == 1
    assert run("attest", f"{registry.host}/{NAME}@{image.digest}", "--predicate-type", "sign", "-k", tmp_path / "1.secret").code == 0
    assert run("update", path).code == 0
    referrers = lock_of(path)["components"]["hello"]["referrers"]
    assert (len(referrers), referrers) == (2, sorted(referrers))


def test_where_tokens_are_issued_is_locked(run: Run, tmp_path: Path, module: Callable[..., Path]) -> None:
    with token_server() as tokens:
        tokens.anonymous = frozenset({"pull", "push"})
        with start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
            publish(run, registry, tmp_path)
            path = module('lock = "//:wasm_oci.lock.json"', KEYS, 'tag = "1.0.0"', host=registry.host)
            assert run("update", path).code == 0
            service = lock_of(path)["components"]["hello"]["token_service"]
            assert service.startswith(f"{tokens.realm}?service=")
            assert "scope" not in service


def test_in_a_workspace_the_file_needs_no_name(
    run: Run, registry: RunningRegistry, tmp_path: Path, module: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = publish(run, registry, tmp_path)
    path = module('lock = "//:wasm_oci.lock.json"', KEYS, 'tag = "1.0.0"')
    (path.parent / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(path.parent / "deep/er")
    assert run("update").code == 0
    assert str(image.digest) in path.read_text()
