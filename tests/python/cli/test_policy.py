"""`wasm_oci policy check` and `explain`: facts of files, layouts and references, and what is said about the decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import CONFIG, key, public, signed_image
from fakes.clients import client_of, put_blob
from fakes.program import NAME, Ended, Run
from fakes.wasm import COMPONENT, MODULE, TESTDATA, entries, imported, section, text
from instruments.registry import RunningRegistry
from wasm_oci.attest.write import attach_statement, sign_statement
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import signature_referrer
from wasm_oci.registry.referrers import attach
from wasm_oci.wasmsign.sign import sign_file

POLICY = """name: test
default:
  signing: required
  keys: [one]
always:
  - denied_imports:
      - interface: wasi:filesystem
"""
SIGN = "https://sigstore.dev/cosign/sign/v1"
TIME = ("--time", "2027-06-01")


@pytest.fixture
def policy(tmp_path: Path, run: Run) -> Run:
    """Runs a command of `policy` with POLICY and the public key of signer 1, called `one`."""
    (tmp_path / "p.yaml").write_text(POLICY)
    (tmp_path / "one.public").write_bytes(public(1).compact())

    def policies(command: str, target: object, *more: object) -> Ended:
        return run("policy", command, target, "--policy", "p.yaml", "-K", "one.public", *TIME, *more)

    return policies


def wasm(folder: Path, data: bytes, *, signer: int = 0, name: str = "hello.wasm") -> Path:
    path = folder / name
    path.write_bytes(data)
    if signer:
        secret = key(signer)
        (folder / "raw.wasm").write_bytes(data)
        sign_file(folder / "raw.wasm", path, secret, key_id=secret.public.key_id)
    return path


def importing(*names: str) -> bytes:
    return COMPONENT + section(10, entries(*(imported(name) for name in names)))


def test_a_file(policy: Run, tmp_path: Path) -> None:
    path = wasm(tmp_path, COMPONENT, signer=1)
    ended = policy("check", path, "--registry", "ghcr.io/my-org", "--name", "apps/hello")
    assert ended.code == 0
    assert "apps/hello in ghcr.io/my-org: allowed by default (p.yaml:2)" in ended.out


def test_a_file_that_is_not_signed(policy: Run, tmp_path: Path) -> None:
    ended = policy("check", wasm(tmp_path, COMPONENT), "--registry", "github", "--output", "json")
    assert (ended.code, ended.document["allowed"]) == (3, False)
    (verdict,) = ended.document["verdicts"]
    assert verdict["decidedBy"] == {
        "rule": "default",
        "where": "p.yaml:2",
        "check": "signing",
        "fact": "signers",
        "what": "it is not signed",
    }
    assert verdict["change"] == "sign it with one"


def test_another_key(policy: Run, tmp_path: Path) -> None:
    ended = policy("check", wasm(tmp_path, COMPONENT, signer=2))
    assert ended.code == 3
    assert f"it is signed with key {public(2).key_id.hex()} (no trusted key verifies it), not with one" in ended.out


def test_a_changed_file_is_no_question_of_policy(policy: Run, tmp_path: Path) -> None:
    path = wasm(tmp_path, COMPONENT + section(0, b"\x01a" + b"x" * 9), signer=1)
    path.write_bytes(path.read_bytes()[:-1] + b"y")
    ended = policy("check", path)
    assert ended.code == 4
    assert ended.is_one_clear_error


@pytest.mark.parametrize(
    "data",
    [
        importing("wasi:cli/stdout@0.2.0", "wasi:filesystem/types@0.2.0"),
        COMPONENT + section(10, entries(b"\x02" + text("storage") + b"\x01\x00" + text("wasi:filesystem/types@0.2.0") + b"\x01\x00")),
        COMPONENT + section(4, importing("wasi:filesystem/types@0.2.0")),
        COMPONENT + section(1, MODULE + section(2, entries(b"\x16wasi_snapshot_preview1\x09path_open\x00\x00"))),
        MODULE + section(2, entries(b"\x16wasi_snapshot_preview1\x09path_open\x00\x00")),
    ],
    ids=["directly", "by implements", "in a nested component", "in a nested module", "as a module"],
)
def test_files_are_denied_however_they_are_reached(policy: Run, tmp_path: Path, data: bytes) -> None:
    ended = policy("check", wasm(tmp_path, data, signer=1), "--output", "json")
    assert ended.code == 3
    (finding,) = ended.document["verdicts"][0]["findings"]
    assert (finding["check"], finding["rule"], finding["where"]) == ("import", "always", "p.yaml:6")
    assert "wasi:filesystem" in finding["what"] or "path_open" in finding["what"]


def test_a_real_component_is_read_whole(policy: Run, run: Run) -> None:
    ended = policy("check", TESTDATA / "hello_component.wasm", "--output", "json")
    subject = ended.document["verdicts"][0]["subject"]
    own = {each["name"] for each in subject["imports"] if "inside" not in each}
    assert own == set(run("inspect", TESTDATA / "hello_component.wasm", "--output", "json").document["imports"])
    assert {digest.partition(":")[0] for digest in subject["digests"]} == {"sha256", "sha512"}


@pytest.mark.parametrize("detached", [True, False])
def test_a_layout(policy: Run, tmp_path: Path, detached: bool) -> None:
    image = signed_image(tmp_path / "image", detached=detached)
    ended = policy("check", f"{image.folder}:v1", "--output", "json", "--registry", "a.io", "--registry", "b.io")
    subjects = [verdict["subject"] for verdict in ended.document["verdicts"]]
    assert [subject["registry"]["host"] for subject in subjects] == ["a.io", "b.io"]
    assert subjects[0]["tags"] == ["v1"]
    assert str(image.digest) in subjects[0]["digests"]
    assert ended.code == (3 if detached else 0), "the layout alone has no detached signature"


def test_a_reference(policy: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    assert image.signature
    signature = image.signature.read_bytes()
    with client_of(registry) as client:
        for blob in (b"{}", CONFIG, image.wasm, signature):
            put_blob(client, blob)
        client.put_manifest("v1", image.manifest.raw, MANIFEST_MEDIA_TYPE)
        attach(client, signature_referrer(image.manifest.descriptor(), signature))
    ended = policy("check", f"{registry.host}/{NAME}:v1", "--output", "json")
    assert ended.code == 0
    subject = ended.document["verdicts"][0]["subject"]
    assert (subject["at"], subject["namespace"], subject["name"], subject["tags"]) == ("pull", "library", "hello", ["v1"])
    assert subject["registry"] == {"host": registry.host, "plain_http": True, "loopback": True}
    assert [signer["signature"] for signer in subject["signers"]] == ["detached"]


def test_a_signed_statement(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    (tmp_path / "one.public").write_bytes(public(1).compact())
    (tmp_path / "p.yaml").write_text(f"default: {{statements: [{{predicate_type: '{SIGN}', keys: [one]}}]}}\n")
    line = ("policy", "check", image.folder, "--policy", "p.yaml", "-K", "one.public")
    assert "0 of 1 required signatures on a statement" in run(*line).out
    store = LayoutStore.open(image.folder)
    fetched = store.fetch_manifest(image.digest)
    attach_statement(store, sign_statement(fetched, SIGN, {}, key(2)))
    other = ("policy", "check", f"{image.folder}@{image.digest}", *line[3:])
    assert run(*other).code == 3
    attach_statement(store, sign_statement(fetched, SIGN, {}, key(1)))
    assert run(*other).code == 0
    assert "its signed statements are not known" in run(*line[:2], wasm(tmp_path, COMPONENT, signer=1), *line[3:]).out


def test_the_name_that_two_files_share_is_of_neither(policy: Run, tmp_path: Path) -> None:
    """As it is when something is published or pulled: generated keys are all called key.public."""
    target = wasm(tmp_path, COMPONENT, signer=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/one.public").write_bytes(public(2).compact())
    assert policy("check", target, "--registry", "ghcr.io").code == 0
    assert policy("check", target, "--registry", "ghcr.io", "-K", "other/one.public").code == 3


def test_a_trust_store_gives_names_and_dates(policy: Run, run: Run, tmp_path: Path) -> None:
    line = public(1).openssh().decode().strip()
    (tmp_path / "keys.yaml").write_text(f"keys:\n  - {{name: one, public_key: {line}, not_after: 2027-05-31}}\n")
    path = wasm(tmp_path, COMPONENT, signer=1)
    ended = run("policy", "check", path, "--policy", "p.yaml", "--trusted-keys", "keys.yaml", *TIME)
    assert ended.code == 3
    assert "expired after 2027-05-31T23:59:59Z" in ended.out
    assert run("policy", "check", path, "--policy", "p.yaml", "--trusted-keys", "keys.yaml", "--step", "build").code == 0
    policy("check", path)


def test_a_list_of_registries(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("registries: ['github|ghcr.io/my-org', 'plain|http://localhost:5000', 'disk|/layout|layout']\n")
    (tmp_path / "p.yaml").write_text("default: {plain_http: denied, allowed_registries: [ghcr.io/my-org, plain, disk]}\n")
    path = wasm(tmp_path, COMPONENT)
    line = ("policy", "check", path, "--policy", "p.yaml", "--registries", "r.yaml", "--registry")
    assert run(*line, "github").code == 0
    assert run(*line, "disk").code == 0
    assert "is reached over plain HTTP" in run(*line, "plain").out
    unknown = run(*line, "githb")
    assert unknown.code == 2
    assert "unknown registry 'githb'; did you mean github?" in unknown.err


def test_the_entry_of_a_host(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("default: {signing: optional}\nregistries: [{registry: github, signing: required}]\n")
    line = ("policy", "check", wasm(tmp_path, COMPONENT), "--policy", "p.yaml", "--registry")
    assert "the entry of its registry is not known, and registry:github names one" in run(*line, "ghcr.io/my-org").out
    (tmp_path / "r.yaml").write_text("registries: ['github|ghcr.io/my-org', 'other|ghcr.io']\n")
    named = run(*line, "ghcr.io/my-org/team", "--registries", "r.yaml")
    assert (named.code, "denied by registry:github" in named.out) == (3, True)
    assert run(*line, "ghcr.io", "--registries", "r.yaml").code == 0
    assert run(*line, "docker.io", "--registries", "r.yaml").code == 0
    (tmp_path / "r.yaml").write_text("registries: ['github|ghcr.io', 'other|ghcr.io']\n")
    twice = run(*line, "ghcr.io", "--registries", "r.yaml")
    assert (twice.code, "github, other are the same registry" in twice.err) == (2, True)


def test_the_version_before(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("default: {new_imports: approved}\n")
    old = wasm(tmp_path, importing("wasi:cli/stdout@0.2.0"), name="old.wasm")
    new = wasm(tmp_path, importing("wasi:cli/stdout@0.2.1", "wasi:sockets/tcp@0.2.0"))
    line = ("policy", "check", new, "--policy", "p.yaml")
    assert "what the version in the registry imports is not known" in run(*line).out
    assert "it newly imports wasi:sockets/tcp" in run(*line, "--previous", old).out
    assert run(*line, "--previous", "none").code == 0
    approval = "approvals: [{interface: 'wasi:sockets/tcp', components: [hello], reason: asked, approved_by: Ada}]\n"
    (tmp_path / "p.yaml").write_text("default: {new_imports: approved}\n" + approval)
    assert run(*line, "--previous", old).code == 0


def test_further_facts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("default: {worlds: ['wasi:cli/command@0.2.0']}\n")
    path = wasm(tmp_path, COMPONENT)
    (tmp_path / "f.json").write_text(json.dumps({"worlds": ["wasi:cli/command@0.2.0"]}))
    assert run("policy", "check", path, "--policy", "p.yaml", "--facts", "f.json").code == 0
    (tmp_path / "f.json").write_text(json.dumps({"size": 1}))
    ended = run("policy", "check", path, "--policy", "p.yaml", "--facts", "f.json")
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert "size was read from the artifact" in ended.err


def test_an_override_is_asked_for_by_name(policy: Run, tmp_path: Path) -> None:
    override = "{name: incident-42, checks: [signing], components: [hello], reason: lost, approved_by: Ada, expires: 2027-07-01}"
    (tmp_path / "p.yaml").write_text(f"{POLICY}overrides: [{override}]\n")
    path = wasm(tmp_path, COMPONENT)
    assert policy("check", path).code == 3
    ended = policy("check", path, "--override", "incident-42", "--output", "json")
    assert ended.code == 0
    (record,) = ended.document["verdicts"][0]["overrides"]
    assert (record["name"], record["reason"], record["approvedBy"], record["applied"]) == ("incident-42", "lost", "Ada", True)
    wrong = policy("check", path, "--override", "incident-43")
    assert (wrong.code, "did you mean incident-42?" in wrong.err) == (2, True)


DENIALS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("signing: required", "signing", {}, ["it is not signed", "to mend    sign it with a trusted key"]),
    ("max_size: 5", "size", {}, ["more than 5 bytes", "to mend    make it smaller by 3 bytes"]),
    ("tags: {semver: true}", "tag", {"--tag": "latest"}, ["tag 'latest' is not a semantic version", "use a version such as 1.2.3"]),
    ("namespaces: [lib]", "namespace", {}, ["namespace 'apps' is not allowed", "use one that matches lib"]),
    ("allowed_registries: [ghcr.io]", "registry", {"--registry": "evil.io"}, ["registry evil.io is not allowed", "use ghcr.io"]),
    (
        "allowed_registries: [ghcr.io]",
        "registry",
        {},
        ["its registry is not known", "check it where that is known: name its registry with --registry"],
    ),
    ("required_exports: [{interface: 'wasi:cli/run'}]", "export", {}, ["it exports nothing", "export wasi:cli/run"]),
    ("worlds: ['a:b/c']", "world", {}, ["which worlds it targets is not known"]),
    ("required_annotations: [{name: a}]", "annotation", {}, ["its annotations are not known"]),
    ("versions: equal", "version", {}, ["its version is not known"]),
]


@pytest.mark.parametrize("denial", DENIALS, ids=lambda denial: denial[0])
def test_an_explanation_says_what_to_mend(run: Run, tmp_path: Path, denial: tuple[str, str, dict[str, Any], list[str]]) -> None:
    rule, check, options, words = denial
    (tmp_path / "p.yaml").write_text(f"name: strict\ncomponents:\n  - pattern: hel*\n    {rule}\ndefault: {{digest_pin: optional}}\n")
    more = [part for option in options.items() for part in option]
    ended = run("policy", "explain", wasm(tmp_path, COMPONENT), "--policy", "p.yaml", "--name", "apps/hello", *more)
    assert ended.code == 3
    said = " ".join(ended.out.split())
    for each in ("DENIED: apps/hello", "component:hel* (p.yaml:3)", f"check {check}", "NOT satisfied", *words):
        assert " ".join(each.split()) in said


def test_an_explanation_of_what_is_allowed(policy: Run, tmp_path: Path) -> None:
    ended = policy("explain", wasm(tmp_path, COMPONENT, signer=1))
    assert ended.code == 0
    for each in ("ALLOWED: hello, at publish", "decided by   default (p.yaml:2)", "always (p.yaml:6) about denied_imports: satisfied"):
        assert each in ended.out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["check", "absent.wasm", "--policy", "p.yaml"], "no such file or folder"),
        (["check", "hello.wasm", "--policy", "absent.yaml"], "absent.yaml"),
        (["check", "hello.wasm"], "--policy"),
        (["check", "./layout", "--policy", "p.yaml", "-S", "x"], "only a .wasm file takes a signature file"),
        (["check", "hello.wasm", "--policy", "p.yaml", "--registry", "*"], "unknown registry '*'"),
        (["check", "hello.wasm", "--policy", "p.yaml", "--time", "soon"], "'soon' is not a date or time"),
    ],
)
def test_what_is_wrong_on_the_command_line(policy: Run, run: Run, tmp_path: Path, arguments: list[str], problem: str) -> None:
    wasm(tmp_path, COMPONENT)
    ended = run("policy", *arguments)
    assert ended.code == 2
    assert ended.is_one_clear_error
    assert problem in ended.err
