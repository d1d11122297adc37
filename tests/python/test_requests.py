"""The JSON that the rules write, as tests/analysis/request_tests.bzl finds it: read by the classes of the commands.

A member that one side has and the other has not fails here; a file that is stale fails there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest

from wasm_oci.cli.commands.keygen import KeygenRequest
from wasm_oci.cli.common.sign_request import SignRequest
from wasm_oci.cli.common.verify_request import VerifyRequest
from wasm_oci.cli.policies.compiling import PolicyAttributes
from wasm_oci.cli.policies.judging import JudgedFacts
from wasm_oci.errors import FormatError
from wasm_oci.keys.key import COMPACT, SecretKey
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.oci.image_request import ImageFacts, ImageRequest
from wasm_oci.policy_facts.judgement import JudgedKey, PolicyTestRequest
from wasm_oci.publish.request import PushRequest, read_push_request
from wasm_oci.registry_config.config_file import parse_registry_config
from wasm_oci.releases.promote_request import PromoteRequest
from wasm_oci.releases.release_file import ReleaseFile
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import Parsed, annotated, members, optional, read_config, read_request
from wasm_oci.trust.trust_store import TrustedKeyEntry, TrustStoreFile, parse_trust_store

FOLDER = Path(__file__).parents[1] / "testdata/requests"
FILES = sorted(FOLDER.glob("*.json"))
CLASSES = {
    "image": ImageFacts,
    "keygen": KeygenRequest,
    "policy": PolicyTestRequest,
    "promote": PromoteRequest,
    "publish": PushRequest,
    "release": ReleaseFile,
    "security": PolicyAttributes,
    "sign": SignRequest,
    "trust": TrustStoreFile,
    "verdict": JudgedFacts,
    "verify": VerifyRequest,
}
"""The class of each document, by the first word of the file's name."""
NOT_WRITTEN: dict[Any, set[str]] = {
    ImageFacts: {"created"},
    ImageRequest: {"created", "public_keys", "signature"},
    JudgedFacts: {"openssh"},
    JudgedKey: {"signs"},
    PolicyTestRequest: {"openssh"},
    TrustStoreFile: {"schemaVersion"},
    TrustedKeyEntry: {"development", "key_id", "public_key"},
}
"""Members that no rule writes: the time of flags only, what the build of an image knows but the run that signs does not need, and
what only people and the normal form write in a trust store, and what only checks of images say of keys."""
RLOCATION = "_main/tests/analysis/"
READ = {
    "_main/stable-status.txt": "STABLE_VERSION 1.2.3\n",
    "_main/tests/analysis/request_file_config_registries.json": json.dumps(
        parse_registry_config(b"registries: [a|ghcr.io]", where="").document()
    ),
}
"""Files whose content is read with the request."""


def class_of(file: Path) -> Any:
    return CLASSES[file.stem.partition("_")[0]]


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(each)


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Reads a request, with all files that it names in the runfiles; `change` changes the document first."""
    monkeypatch.delenv("RUNFILES_MANIFEST_FILE", raising=False)
    monkeypatch.setenv("RUNFILES_DIR", str(tmp_path))

    def reader(file: Path, change: Callable[[Any], None] = lambda _: None) -> Any:
        document = json.loads(file.read_text(encoding="utf-8"))
        change(document)
        for text in strings(document):
            if text.startswith(RLOCATION):
                (tmp_path / text).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / text).touch()
            if text in READ:
                (tmp_path / text).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / text).write_text(READ[text])
        path = tmp_path / "request.json"
        path.write_text(json.dumps(document))
        environ = {"RUNFILES_DIR": str(tmp_path)}
        kind = class_of(file)
        if kind is TrustStoreFile:
            return read_config(path.read_bytes(), TrustStoreFile, where=str(path))
        return read_push_request(path, environ) if kind is PushRequest else read_request(path, kind, Runfiles(environ))

    return reader


def plain(kind: Any) -> Any:
    """What is written in a document for a type: no None, no annotations, and of a list the type of its entries."""
    kind, marks = annotated(optional(kind)[0])
    for mark in marks:
        if isinstance(mark, Parsed):
            return plain(mark.shape)
    return plain(get_args(kind)[0]) if get_origin(kind) in (tuple, frozenset) else kind


def unwritten(kind: Any, value: object, path: str) -> Iterator[str]:
    """Members of the class and of all classes in it that the document does not have."""
    kind = plain(kind)
    for number, entry in enumerate(value if isinstance(value, list) else []):
        yield from unwritten(kind, entry, f"{path}[{number}]")
    if is_dataclass(kind) and isinstance(value, dict):
        for member in members(kind):  # type: ignore[arg-type]  # is_dataclass says that it is a class or an instance
            if member.name in value:
                yield from unwritten(member.type, value[member.name], f"{path}.{member.name}")
            elif member.name not in NOT_WRITTEN.get(kind, set()):
                yield f"{path}.{member.name}"


def test_every_rule_has_its_requests() -> None:
    assert {file.stem.partition("_")[0] for file in FILES} == set(CLASSES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_program_reads_what_the_rules_write(file: Path, read: Callable[..., Any]) -> None:
    assert isinstance(read(file), class_of(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_rules_write_all_that_the_program_reads(file: Path) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))
    assert list(unwritten(class_of(file), document, "")) == []


def test_a_member_that_no_rule_writes_is_seen() -> None:
    document = json.loads((FOLDER / "publish_embedded_later.json").read_text(encoding="utf-8"))
    del document["dry_run"], document["signing"]["keys"][1]["source"]["ref"], document["signing"]["image"]["tag"]
    found = set(unwritten(PushRequest, document, ""))
    assert found == {".dry_run", ".signing.keys[1].source.ref", ".signing.image.tag"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_member_that_the_program_does_not_know_is_refused(file: Path, read: Callable[..., Any]) -> None:
    remedy = "the members are" if class_of(file) is TrustStoreFile else "build the target again"
    with pytest.raises(FormatError, match=rf"request\.json: more: unknown member 'more'.*; {remedy}"):
        read(file, lambda document: document.update(more=None))


def objects(value: object) -> Iterator[dict[str, Any]]:
    """All objects within a document, itself included."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_member_that_the_program_does_not_know_is_refused_at_every_depth(file: Path, read: Callable[..., Any]) -> None:
    """A rule that is newer than the program may ask for a check, such as a policy, that must not be left out."""
    for number in range(len(list(objects(json.loads(file.read_text(encoding="utf-8")))))):

        def change(document: Any, number: int = number) -> None:
            list(objects(document))[number]["security_policy"] = "strict"

        with pytest.raises(FormatError, match="unknown member 'security_policy'"):
            read(file, change)


def test_a_registry_of_every_kind(read: Callable[..., Any]) -> None:
    request = read(FOLDER / "publish_registries.json")
    assert [(entry.name, entry.type, entry.auth.kind) for entry in request.registries] == [
        ("plain", "oci", "default"),
        ("token", "oci", "token"),
        ("token_of_user", "oci", "token"),
        ("env", "oci", "env"),
        ("basic", "oci", "basic"),
        ("oauth", "oci", "oauth"),
        ("docker", "oci", "docker"),
        ("anonymous", "oci", "anonymous"),
        ("disk", "layout", "anonymous"),
        ("mirror", "mirror", "env"),
    ]
    assert [entry.mirror_of for entry in request.registries if entry.mirror_of] == ["token"]
    assert (request.registry, request.default_registry, request.namespace, request.tag) == ("disk", "plain", "space", "v9")
    assert (request.dry_run, request.movable_tags, request.plain_http) == (True, {"edge"}, {"registry.internal:5000"})
    assert request.notes["target"] == "//tests/analysis:publish_registries"


def test_what_the_run_signs(read: Callable[..., Any], tmp_path: Path) -> None:
    embedded, detached = (read(FOLDER / f"publish_{kind}_later.json") for kind in ("embedded", "detached"))
    assert (embedded.layout, embedded.signing.image.component.name) == (None, "request_later_image_unsigned.wasm")
    assert (detached.layout.name, detached.signing.image) == ("request_detached_later_image_layout", None)
    for request in (embedded, detached):
        assert [key.source for key in request.signing.keys] == [KeySource(kind="env", ref="RELEASE_KEY"), KeySource(kind="ssh-agent")]
        assert [key.public_key.name for key in request.signing.keys] == ["request_env.pub", "request_ssh-agent.pub"]


def test_the_facts_of_an_image(read: Callable[..., Any]) -> None:
    said = {kind: read(FOLDER / f"image_{kind}.json") for kind in ("unsigned", "detached", "detached_later", "embedded_later")}
    assert {kind: (facts.signature_type, facts.key_format) for kind, facts in said.items()} == {
        "unsigned": ("none", "none"),
        "detached": ("detached", "compact"),
        "detached_later": ("detached", "none"),
        "embedded_later": ("embedded", "none"),
    }
    assert said["embedded_later"] == ImageFacts(
        package_name="examples/hello",
        name="hello",
        version="1.0.0",
        registry="plain",
        namespace="my-org",
        tag="v1",
        description="greets",
        authors=("me",),
        license="MIT",
        annotations=("org.example.a=b",),
        signature_type="embedded",
    )


def test_the_trust_store_of_attributes() -> None:
    names = [f"tests/analysis/request_{source}.pub" for source in ("env", "ssh-agent")]
    keys = {name: SecretKey.generate(COMPACT, "").public.compact() for name in names}
    store = (FOLDER / "trust_store.json").read_bytes()
    one, two = parse_trust_store(store, lambda name: (keys[name], False), where="store")
    assert [(key.name, key.revoked, key.comment, str(key.not_before)) for key in (one, two)] == [
        ("one", True, "key one", "2027-01-01 00:00:00+00:00"),
        ("two", True, "key two", "2027-01-01 00:00:00+00:00"),
    ]
    assert [str(key.not_after) for key in (one, two)] == ["2027-12-31 23:59:59+00:00", "2028-03-31 18:00:00+00:00"]


def test_all_registries_of_a_file(read: Callable[..., Any]) -> None:
    request = read(FOLDER / "publish_file.json")
    assert ([entry.host for entry in request.registries], request.target_registries) == (["ghcr.io"], ("a",))
