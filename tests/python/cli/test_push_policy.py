"""`wasm_oci push`, `release` and `promote` under policies: what is denied writes nothing, what is required is made."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import Image, component, key, layout_of, public, signed_image
from fakes.json_schema import problems
from fakes.program import NAME, Run, request_file, tag_of, writes
from fakes.release_files import entry
from fakes.wasm import COMPONENT, MODULE, entries, imported, section, text
from instruments.registry import RunningRegistry
from wasm_oci.trust.predicate_types import SIGN, VSA

STRICT = """name: strict
registries:
  - registry: here
    signing: required
    keys: [release_key]
"""
ENTERPRISE = """name: enterprise
always:
  signing: required
  keys: [release_key]
  signature_types: [detached]
  key_formats: [openssh]
  statements:
    - predicate_type: https://sigstore.dev/cosign/sign/v1
      keys: [release_key]
"""
VARIABLE = "TEST_SIGNING_KEY"
SCHEMA: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs/schemas/publish_result.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Policies, and keys of signers 1 (`release_key`) and 2."""
    (tmp_path / "strict.yaml").write_text(STRICT)
    (tmp_path / "enterprise.yaml").write_text(ENTERPRISE)
    for number in (1, 2):
        (tmp_path / f"{number}.public").write_bytes(public(number).openssh())
        (tmp_path / f"{number}.secret").write_bytes(key(number).compact())
    monkeypatch.setenv(VARIABLE, base64.b64encode(key(1).compact()).decode())
    return tmp_path


def request(files: Path, there: RunningRegistry, image: Image, policy: str = "strict.yaml", **change: Any) -> Path:
    """A publish target under a policy that knows signer 1 as `release_key`."""
    named = {"name": "release_key", "label": "//keys:release_key", "public_key": str(files / "1.public")}
    members = {
        "registries": [entry("here", there)],
        "signature": str(image.signature) if image.signature else None,
        "policies": [str(files / policy)],
        "policy_keys": [named],
    }
    return request_file(files, image, **(members | change))


def statement_key(files: Path) -> dict[str, Any]:
    return {"statement_keys": [{"public_key": str(files / "1.public"), "secret_key": str(files / "1.secret")}]}


def denied(run: Run, registry: RunningRegistry, path: Path, *flags: object) -> dict[str, Any]:
    """What the result says of a denial, after which nothing was written."""
    ended = run("push", "--request", path, "--output", "json", *flags)
    assert (ended.code, ended.is_one_clear_error) == (3, True), ended.err
    assert writes(registry) == []
    assert tag_of(registry, NAME, "v1") is None
    document = ended.document
    assert problems(SCHEMA, document) == []
    assert [verdict["decision"] for verdict in document["verdicts"]] == ["deny"]
    return document | {"err": ended.err}


@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_an_unsigned_component_is_denied_by_the_named_rule(
    run: Run, registry: RunningRegistry, files: Path, flags: tuple[str, ...]
) -> None:
    image = layout_of(files / "layout", component())
    document = denied(run, registry, request(files, registry, image), *flags)
    assert f"registry:here ({files}/strict.yaml:3) denies it: it is not signed" in document["err"]
    assert "sign it with release_key" in document["err"]
    (verdict,) = document["verdicts"]
    assert verdict["decidedBy"]["rule"] == "registry:here"
    assert (verdict["digest"], verdict["registry"]) == (str(image.digest), f"here ({registry.host})")
    assert document["error"]["reason"] == "signing"


def test_the_right_key_is_published_and_the_verdict_is_in_plan_and_result(run: Run, registry: RunningRegistry, files: Path) -> None:
    image = signed_image(files / "image")
    path = request(files, registry, image)
    for flags in (["--dry-run"], []):
        ended = run("push", "--request", path, "--output", "json", *flags)
        assert ended.code == 0, ended.err
        assert problems(SCHEMA, ended.document) == []
        (destination,) = ended.document["destinations"]
        policy = destination["policy"]
        assert (policy["decision"], policy["decidedBy"]["rule"]) == ("allow", "registry:here")
        assert (policy["digest"], policy["registry"]) == (str(image.digest), f"here ({registry.host})")
        assert policy["policy"]["name"] == "strict"
    assert tag_of(registry, NAME, "v1") == image.digest
    again = run("push", "--request", path)
    assert again.code == 0
    assert f"  policy: allowed by registry:here ({files}/strict.yaml:3)\n" in again.out
    assert "Unchanged" in again.out


def test_another_key_is_denied_with_its_own_words(run: Run, registry: RunningRegistry, files: Path) -> None:
    image = signed_image(files / "image", signer=2)
    path = request(files, registry, image)
    known = [{"public_key": str(files / "2.public"), "name": "//keys:other", "development": True}]
    for signers, words in (([], f"key {public(2).key_id.hex()} (no trusted key verifies it)"), (known, "//keys:other")):
        document = denied(run, registry, request(files, registry, image, signers=signers))
        assert words in document["err"]
        assert "not with release_key" in document["err"]
    assert denied(run, registry, path)["error"]["reason"] == "signing"


def test_a_revoked_key_is_denied_with_its_own_words(run: Run, registry: RunningRegistry, files: Path) -> None:
    store = files / "trusted.yaml"
    store.write_text(f"keys:\n  - {{name: release, public_key: {public(1).openssh().decode().strip()}, revoked: true}}\n")
    path = request(files, registry, signed_image(files / "image"), policy_trust_stores=[str(store)])
    document = denied(run, registry, path)
    assert (
        f"no signature counts: release_key ({public(1).key_id.hex()}) is revoked; name another key in place of release_key in the rule"
        in document["err"]
    )
    store.write_text(store.read_text().replace("revoked: true", "not_after: 2001-01-01"))
    assert "expired after 2001-01-01" in denied(run, registry, path)["err"]


def test_a_signature_that_does_not_verify_is_not_a_question_of_policy(run: Run, registry: RunningRegistry, files: Path) -> None:
    signed = bytearray(signed_image(files / "image").wasm)
    signed[-1] ^= 1
    path = request(files, registry, layout_of(files / "changed", bytes(signed)))
    ended = run("push", "--request", path, "--output", "json")
    assert (ended.code, writes(registry)) == (4, [])


def test_one_name_for_two_keys_is_an_error(run: Run, registry: RunningRegistry, files: Path) -> None:
    keys = [{"name": "release_key", "public_key": str(files / f"{number}.public")} for number in (1, 2)]
    ended = run("push", "--request", request(files, registry, signed_image(files / "image"), policy_keys=keys))
    assert (ended.code, registry.requests) == (2, [])
    assert "two keys are called release_key" in ended.err


def test_two_files_of_one_name_are_no_obstacle(run: Run, registry: RunningRegistry, files: Path) -> None:
    """Generated keys are all called key.public: that name is of neither."""
    for number in (1, 2):
        (files / f"dir{number}").mkdir()
        (files / f"dir{number}/key.public").write_bytes(public(number).compact())
    flags = ("-K", files / "dir1/key.public", "-K", files / "dir2/key.public")
    path = request(files, registry, signed_image(files / "image"))
    policy = files / "strict.yaml"
    policy.write_text("default: {signing: required, keys: [key]}\n")
    assert "not with key" in denied(run, registry, path, *flags)["err"]
    policy.write_text(STRICT)
    assert run("push", "--request", path, *flags).code == 0


def test_policies_of_the_command_line_only_tighten(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "lenient.yaml").write_text("always: {signing: optional}\n")
    (files / "small.yaml").write_text("always: {max_size: 10}\n")
    unsigned = request(files, registry, layout_of(files / "layout", component()))
    assert "registry:here" in denied(run, registry, unsigned, "--policy", files / "lenient.yaml")["err"]
    path = request(files, registry, signed_image(files / "image"))
    assert "small.yaml:1" in denied(run, registry, path, "--policy", files / "small.yaml")["err"]
    assert run("push", "--request", path, "--policy", files / "lenient.yaml").code == 0


def test_a_layout_and_a_reference(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "signed.yaml").write_text(f"registries: [{{registry: '{registry.host}/library', signing: required}}]\n")
    push = ("push", signed_image(files / "image").folder, f"{registry.host}/{NAME}:v1", "--policy", files / "signed.yaml")
    ended = run(*push)
    assert (ended.code, writes(registry)) == (3, [])
    assert "no trusted key verifies it" in ended.err
    assert run(*push, "-K", files / "1.public").code == 0


def test_capabilities_and_a_new_one(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "new.yaml").write_text("always:\n  denied_imports: [{interface: wasi:filesystem}]\n  new_imports: approved\n")

    def path(tag: str, *imports: str) -> Path:
        wasm = COMPONENT + section(10, entries(*(imported(name) for name in imports)))
        return request(files, registry, layout_of(files / f"layout{len(list(files.iterdir()))}", wasm), "new.yaml", tag=tag)

    def refused(path: Path) -> str:
        sent = writes(registry)
        ended = run("push", "--request", path)
        assert (ended.code, writes(registry)) == (3, sent)
        return ended.err

    assert "wasi:filesystem" in refused(path("1.0.0", "wasi:filesystem/types@0.2.0"))
    assert run("push", "--request", path("1.0.0", "wasi:cli/stdout@0.2.0")).code == 0
    assert "it newly imports wasi:sockets/tcp, which version 1.0.0 does not" in refused(path("1.1.0", "wasi:sockets/tcp@0.2.0"))
    approval = "approvals: [{interface: wasi:sockets/tcp, components: [hello], reason: asked for, approved_by: Ada}]\n"
    (files / "new.yaml").write_text((files / "new.yaml").read_text() + approval)
    again = path("1.1.0", "wasi:sockets/tcp@0.2.0")
    assert run("push", "--request", again).code == 0
    assert "Unchanged" in run("push", "--request", again).out


@pytest.mark.parametrize(
    "wasm",
    [
        COMPONENT + section(10, entries(b"\x02" + text("storage") + b"\x01\x00" + text("wasi:filesystem/types@0.2.0") + b"\x01\x00")),
        COMPONENT + section(4, COMPONENT + section(10, entries(imported("wasi:filesystem/types@0.2.0")))),
        COMPONENT + section(1, MODULE + section(2, entries(b"\x16wasi_snapshot_preview1\x09path_open\x00\x00"))),
    ],
    ids=["by implements", "in a nested component", "in a core module"],
)
def test_files_are_denied_however_they_are_reached(run: Run, registry: RunningRegistry, files: Path, wasm: bytes) -> None:
    (files / "files.yaml").write_text("always: {denied_imports: [{interface: wasi:filesystem}]}\n")
    document = denied(run, registry, request(files, registry, layout_of(files / "layout", wasm), "files.yaml"))
    assert document["error"]["reason"] == "import"
    assert "wasi:filesystem" in document["err"] or "path_open" in document["err"]


def test_an_override_is_asked_for_with_a_reason_and_recorded(run: Run, registry: RunningRegistry, files: Path) -> None:
    override = "{name: outage, checks: [signing], components: ['*'], reason: the key server is down, approved_by: Ada, expires: 2999-01-01}"
    (files / "strict.yaml").write_text(f"{STRICT}overrides: [{override}]\n")
    path = request(files, registry, layout_of(files / "layout", component()))
    for flags, code in (
        (("--override", "outage"), 2),
        (("--override-reason", "night"), 2),
        (("--override", "else", "--override-reason", "x"), 2),
        ((), 3),
    ):
        ended = run("push", "--request", path, *flags)
        assert (ended.code, writes(registry)) == (code, [])
    ended = run("push", "--request", path, "--override", "outage", "--override-reason", "release night", "--output", "json")
    assert ended.code == 0
    assert problems(SCHEMA, ended.document) == []
    (recorded,) = ended.document["destinations"][0]["policy"]["overrides"]
    assert (recorded["name"], recorded["approvedBy"], recorded["requestedBecause"]) == ("outage", "Ada", "release night")
    assert "allowed by an override only: it is not signed (registry:here)" in ended.document["warnings"][0]


def test_a_rule_that_warns(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "strict.yaml").write_text(f"{STRICT}    mode: warn\ndefault: {{max_size: 100000}}\n")
    ended = run("push", "--request", request(files, registry, layout_of(files / "layout", component())), "--output", "json")
    assert ended.code == 0
    assert ended.document["warnings"] == [f"{registry.host}/{NAME}: it is not signed (registry:here); sign it with release_key"]
    assert ended.err.startswith("wasm_oci: warning: ")


def test_all_of_several_registries_must_allow_it(run: Run, registry: RunningRegistry, files: Path) -> None:
    image = layout_of(files / "layout", component())
    both = [entry("here", registry, "one"), entry("there", registry, "two")]
    (files / "strict.yaml").write_text(STRICT + "default: {signing: optional}\n")
    path = request(files, registry, image, registries=both, target_registries=["there", "here"], fail_fast=False)
    ended = run("push", "--request", path, "--output", "json")
    assert (ended.code, writes(registry)) == (3, [])
    assert [verdict["decision"] for verdict in ended.document["verdicts"]] == ["allow", "deny"]


def test_two_names_of_one_registry_are_both_judged(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "strict.yaml").write_text(STRICT + "default: {signing: optional}\n")
    both = [entry("here", registry), entry("alias", registry)]
    path = request(files, registry, layout_of(files / "layout", component()), registries=both, registry="alias")
    assert "registry:here" in denied(run, registry, path)["err"]
    path = request(files, registry, layout_of(files / "layout2", component()), registries=both)
    assert "registry:here" in denied(run, registry, path, "--registry", registry.host)["err"]


def test_a_key_outside_the_build_signs_before_the_decision(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "hello.wasm").write_bytes(component())
    keys = [{"public_key": str(files / "1.public"), "source": {"kind": "env", "ref": VARIABLE}}]
    image = {"component": str(files / "hello.wasm"), "package_name": "hello", "signature_type": "embedded", "tag": "v1"}
    nothing = layout_of(files / "nothing", component())
    path = request(files, registry, nothing, layout=None, signature=None, signing={"keys": keys, "image": image})
    (files / "strict.yaml").write_text(f"{STRICT}    key_sources: [keychain]\n")
    assert "a signing key is from env" in denied(run, registry, path)["err"]
    (files / "strict.yaml").write_text(f"{STRICT}    key_sources: [env]\n    signature_types: [embedded]\n")
    ended = run("push", "--request", path, "--output", "json")
    assert (ended.code, ended.document["destinations"][0]["policy"]["decision"]) == (0, "allow"), ended.err


def test_a_required_statement_is_made_before_the_tag(run: Run, registry: RunningRegistry, files: Path) -> None:
    image = signed_image(files / "image", detached=True)
    without = request(files, registry, image, "enterprise.yaml")
    assert "0 of 1 required signatures on a statement" in denied(run, registry, without)["err"]
    path = request(files, registry, image, "enterprise.yaml", **statement_key(files))
    dry = run("push", "--request", path, "--dry-run", "--output", "json")
    assert (dry.code, writes(registry)) == (0, []), dry.err
    ended = run("push", "--request", path, "--output", "json")
    assert ended.code == 0, ended.err
    (referrer,) = ended.document["destinations"][0]["referrers"]
    assert referrer["artifactType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    last = writes(registry)[-1]
    assert last.endswith("/manifests/v1")
    listed = run("statements", f"{registry.host}/{NAME}:v1", "-K", files / "1.public", "--predicate-type", "sign", "--output", "json")
    assert (listed.code, [each["predicateType"] for each in listed.document["statements"]]) == (0, [SIGN])
    again = run("push", "--request", path)
    assert "Unchanged" in again.out


def test_a_verdict_is_said_in_a_statement_where_that_is_required(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "vsa.yaml").write_text(f"name: vsa\nalways: {{signing: required, statements: [{{predicate_type: {VSA}}}]}}\n")
    path = request(files, registry, signed_image(files / "image"), "vsa.yaml", **statement_key(files))
    ended = run("push", "--request", path)
    assert ended.code == 0, ended.err
    found = run("statements", f"{registry.host}/{NAME}:v1", "-K", files / "1.public", "--predicate-type", "vsa", "--output", "json")
    (statement,) = found.document["statements"]
    assert statement["predicate"]["verificationResult"] == "PASSED"
    assert statement["predicate"]["policy"]["uri"] == "vsa"
    digest = ended.out.partition("manifest")[2].split()[0]
    assert statement["predicate"]["resourceUri"] == f"pkg:oci/hello@{digest.replace(':', '%3A')}"


def test_a_statement_that_the_registry_has_counts(run: Run, registry: RunningRegistry, files: Path) -> None:
    image = signed_image(files / "image", detached=True)
    reference = f"{registry.host}/{NAME}@{image.digest}"
    assert run("push", image.folder, reference, "--signature-file", image.signature).code == 0
    assert run("attest", reference, "--predicate-type", "sign", "-k", files / "1.secret").code == 0
    ended = run("push", "--request", request(files, registry, image, "enterprise.yaml"))
    assert ended.code == 0, ended.err


def test_a_key_for_statements_that_is_missing_is_unknown_in_a_dry_run(
    run: Run, registry: RunningRegistry, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [{"public_key": str(files / "1.public"), "source": {"kind": "env", "ref": VARIABLE}}]
    path = request(files, registry, signed_image(files / "image", detached=True), "enterprise.yaml", statement_keys=keys)
    monkeypatch.delenv(VARIABLE)
    dry = run("push", "--request", path, "--dry-run", "--output", "json")
    assert (dry.code, dry.document["destinations"][0]["policy"]["decision"]) == (2, "allow")
    assert VARIABLE in dry.err
    assert (run("push", "--request", path).code, writes(registry)) == (2, [])


def test_a_release_and_a_promotion(run: Run, registry: RunningRegistry, files: Path) -> None:
    image = signed_image(files / "image", detached=True)
    one = request(files, registry, image, "strict.yaml")
    member = one.rename(files / "member.json")
    document = {
        "schema_version": 1,
        "requests": [str(member)],
        "repository": "releases",
        "tag": "r1",
        "registries": [entry("here", registry)],
        "policies": [str(files / "small.yaml")],
        "target": "//:release",
    }
    (files / "small.yaml").write_text("always: {max_size: 10}\n")
    release = files / "release.json"
    release.write_text(json.dumps(document))
    ended = run("release", "--request", release, "--output", "json")
    assert (ended.code, writes(registry)) == (3, [])
    assert "small.yaml" in ended.document["error"]["message"]
    (files / "small.yaml").write_text("always: {max_size: 100000}\n")
    ended = run("release", "--request", release, "--output", "json")
    assert ended.code == 0, ended.err
    assert ended.document["artifacts"][0]["destinations"][0]["policy"]["decision"] == "allow"
    source = f"{registry.host}/{NAME}:v1"
    promote = ("promote", source, f"{registry.host}/other/hello:v1", "--policy", files / "signed.yaml")
    (files / "signed.yaml").write_text("default: {signing: required}\n")
    sent = writes(registry)
    assert (run(*promote).code, writes(registry)) == (3, sent)
    promoted = run(*promote, "-K", files / "1.public", "--output", "json")
    assert (promoted.code, promoted.document["destinations"][0]["policy"]["decision"]) == (0, "allow"), promoted.err


def test_a_dry_run_without_the_registry(run: Run, registry: RunningRegistry, files: Path) -> None:
    (files / "new.yaml").write_text("always: {new_imports: approved}\n")
    image = layout_of(files / "layout", component())
    lacks = entry("here", registry) | {"auth": {"kind": "token", "variable": "NOT_SET"}}
    path = request(files, registry, image, "new.yaml", registries=[lacks])
    for flags in (("--dry-run",), ("--no-dry-run", "--no-fail-fast")):
        ended = run("push", "--request", path, "--output", "json", *flags)
        assert (ended.code, registry.requests) == (2, [])
        assert "NOT_SET" in ended.err
    ended = run("push", "--request", path, "--dry-run")
    assert "  policy: not known: " in ended.out


def test_what_a_registry_has_now(run: Run, registry: RunningRegistry, files: Path) -> None:
    """New imports are compared with the version before; other tags than versions say nothing."""
    (files / "new.yaml").write_text("always: {new_imports: approved}\n")
    numbers = iter(range(20))

    def pushed(tag: str, *imports: str) -> int:
        wasm = COMPONENT + section(10, entries(*(imported(name) for name in imports)))
        image = layout_of(files / f"layout{next(numbers)}", wasm)
        ended = run("push", "--request", request(files, registry, image, "new.yaml", tag=tag), "--move-tags")
        assert ended.code in (0, 3), ended.err
        return ended.code

    assert pushed("1.0.0", "a:b/c@0.1.0") == 0
    assert pushed("2.0.0", "a:b/c@0.2.0") == 0
    assert pushed("1.0.1", "a:b/d@0.1.0") == 3
    assert pushed("latest", "a:b/d@0.1.0") == 3
    assert pushed("0.9.0", "a:b/d@0.1.0") == 3
    assert pushed("3.0.0") == 0
    assert pushed("3.0.1", "a:b/c@0.1.0") == 3
    assert pushed("1.0.2", "a:b/c@0.9.0") == 0


def test_a_registry_whose_tags_do_not_say_what_is_before_is_not_believed_to_have_nothing(
    run: Run, registry: RunningRegistry, files: Path
) -> None:
    (files / "new.yaml").write_text("always: {new_imports: approved}\n")
    image = layout_of(files / "layout", component())
    assert run("push", image.folder, f"{registry.host}/{NAME}:main").code == 0
    for tag, code in (("main", 0), ("dev", 3), ("1.0.0", 3)):
        ended = run("push", "--request", request(files, registry, image, "new.yaml", tag=tag))
        assert (ended.code, "what the version in the registry imports is not known" in ended.err) == (code, code == 3), ended.err
