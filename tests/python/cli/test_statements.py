"""`wasm_oci attest`, `countersign` and `statements`, in registries of both kinds and in layout folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image, key, public, signed_image
from fakes.json_schema import problems
from fakes.program import Ended, Run
from fakes.signing import P256_PEM, P256_SECRET
from fakes.statements import VERDICT, changed, signed
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.attest.write import SignedStatement, attach_statement, bundle_referrer
from wasm_oci.oci.layout_store import LayoutStore

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "docs/schemas/statements.schema.json").read_text())
VSA = "https://slsa.dev/verification_summary/v1"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image")


@pytest.fixture(autouse=True)
def _files(tmp_path: Path) -> None:
    """Keys 1 and 2, the P-256 pair, and a verdict."""
    for number in (1, 2):
        (tmp_path / f"{number}.secret").write_bytes(key(number).compact())
        (tmp_path / f"{number}.public").write_bytes(public(number).compact())
    (tmp_path / "p256.pem").write_bytes(P256_SECRET)
    (tmp_path / "p256.pub").write_text(P256_PEM)
    (tmp_path / "verdict.json").write_text(json.dumps(VERDICT))
    store = {"keys": [{"name": "ci", "public_key_file": "1.public"}, {"name": "cosign", "public_key_file": "p256.pub"}]}
    (tmp_path / "trusted.json").write_text(json.dumps(store))


@pytest.fixture(params=["layout", "registry", "registry without referrers API"])
def target(request: pytest.FixtureRequest, run: Run, image: Image) -> Iterator[str]:
    """An image that can be attested."""
    if request.param == "layout":
        yield str(image.folder)
        return
    with start(referrers_api=request.param == "registry") as registry:
        assert run("push", image.folder, f"{registry.host}/library/hello:v1", "-q").code == 0
        yield f"{registry.host}/library/hello@{image.digest}"


def listed(run: Run, target: str, *options: object) -> Ended:
    """Runs `statements`; its JSON is as the schema says, and the exit code in it."""
    ended = run("statements", target, *options, "--output", "json")
    assert problems(SCHEMA, ended.document) == []
    assert ended.document.get("exitCode", 0) == ended.code
    return ended


def test_statements_of_two_keys_are_attached_and_verified(run: Run, target: str, image: Image) -> None:
    done = run(
        "attest", target, "--predicate-type", "vsa", "--predicate", "verdict.json", "-k", "1.secret", "-k", "p256.pem", "--output", "json"
    )
    assert done.code == 0, done.err
    assert [(each["algorithm"], each["added"]) for each in done.document["statements"]] == [("Ed25519", True), ("ECDSA P-256", True)]
    assert (done.document["digest"], done.document["predicateType"]) == (str(image.digest), VSA)
    again = run("attest", target, "--predicate-type", VSA, "--predicate", "verdict.json", "-k", "p256.pem", "--output", "json")
    assert [each["added"] for each in again.document["statements"]] == [False]
    found = listed(run, target, "--trusted-keys", "trusted.json", "--predicate-type", "vsa", "--threshold", 2)
    assert (found.code, found.document["verified"]) == (0, True)
    assert sorted(each["keyName"] for each in found.document["statements"]) == ["ci", "cosign"]
    assert [each["predicate"] for each in found.document["statements"]] == [VERDICT, VERDICT]
    assert run("statements", target, "-K", "1.public", "-K", "p256.pub").code == 0


def test_people_read_who_signed_and_what_a_verdict_says(run: Run, target: str) -> None:
    assert run("attest", target, "--predicate-type", "vsa", "--predicate", "verdict.json", "-k", "1.secret").code == 0
    assert run("attest", target, "--predicate-type", "sign", "-k", "2.secret").out.count("Ed25519") == 1
    lines = run("statements", target, "--trusted-keys", "trusted.json").out
    assert "2 statements, 1 verified" in lines
    assert f"verified, signed with key ci ({public(1).key_id.hex()}) (Ed25519)" in lines
    assert "PASSED: policy https://example.org/strict.yaml, by https://example.org/policy" in lines
    assert "not verified: none of the given keys signed it" in lines


def test_without_keys_nothing_is_verified_and_no_predicate_is_shown(run: Run, target: str) -> None:
    assert run("attest", target, "--predicate-type", "vsa", "--predicate", "verdict.json", "-k", "1.secret").code == 0
    found = listed(run, target)
    assert (found.code, found.document["verified"]) == (0, None)
    assert [(each["verified"], "predicate" in each) for each in found.document["statements"]] == [(None, False)]
    assert "1 statement, not verified: give -K or --trusted-keys" in run("statements", target).out


def test_no_statement_is_unsigned(run: Run, target: str) -> None:
    found = listed(run, target, "-K", "1.public")
    assert (found.code, found.document["error"]["reason"]) == (4, "unsigned")
    assert "no statement refers to it; make one with `wasm_oci attest`" in found.err
    assert run("statements", target).code == 0


def test_another_key_another_type_and_too_few_keys_are_errors(run: Run, target: str) -> None:
    assert run("attest", target, "--predicate-type", "sign", "-k", "1.secret").code == 0
    for options, reason in (
        (["-K", "2.public"], "no_trusted_key"),
        (["-K", "1.public", "--predicate-type", "vsa"], "other_predicate"),
        (["-K", "1.public", "-K", "2.public", "--predicate-type", "sign", "--threshold", 2], "threshold"),
    ):
        found = listed(run, target, *options)
        assert (found.code, found.document["error"]["reason"], found.document["verified"]) == (4, reason, False)


@pytest.mark.parametrize("at", ["2025-06-01", "2027-06-01"])
def test_keys_must_be_valid_at_the_time(run: Run, target: str, tmp_path: Path, at: str) -> None:
    entry = {"name": "ci", "public_key_file": "1.public", "not_before": "2026-01-01", "not_after": "2026-12-31"}
    (tmp_path / "dated.json").write_text(json.dumps({"keys": [entry]}))
    assert run("attest", target, "--predicate-type", "sign", "-k", "1.secret").code == 0
    reason = {"2025-06-01": "key_not_yet_valid", "2027-06-01": "key_expired"}[at]
    found = listed(run, target, "--trusted-keys", "dated.json", "--at", at)
    assert (found.code, found.document["error"]["reason"]) == (4, reason)
    assert run("statements", target, "--trusted-keys", "dated.json", "--at", "2026-06-01").code == 0
    assert run("statements", target, "--trusted-keys", "dated.json", "--ignore-time").code == 0


def test_countersigning_requires_who_signed_before(run: Run, target: str) -> None:
    refused = run("countersign", target, "-k", "2.secret", "--trusted-keys", "trusted.json", "--output", "json")
    assert (refused.code, refused.document["error"]["reason"]) == (4, "unsigned")
    assert run("attest", target, "--predicate-type", "vsa", "--predicate", "verdict.json", "-k", "1.secret").code == 0
    verdict_only = run("countersign", target, "-k", "2.secret", "--trusted-keys", "trusted.json", "--output", "json")
    assert (verdict_only.code, verdict_only.document["error"]["reason"]) == (4, "other_predicate")
    assert run("statements", target, "-K", "2.public").code == 4
    assert run("attest", target, "--predicate-type", "sign", "-k", "1.secret").code == 0
    assert run("countersign", target, "-k", "2.secret", "--trusted-keys", "trusted.json").code == 0
    assert run("statements", target, "-K", "1.public", "-K", "2.public", "--predicate-type", "sign", "--threshold", 2).code == 0
    assert run("countersign", target, "-k", "p256.pem").code == 0


USAGE = {
    "no key": (["--predicate-type", "sign"], "no key is given"),
    "no predicate": (["--predicate-type", "vsa", "-k", "1.secret"], "a predicate of type https://slsa.dev"),
    "a predicate of sign": (
        ["--predicate-type", "sign", "--predicate", "verdict.json", "-k", "1.secret"],
        "the predicate of sign is empty",
    ),
    "a misspelt type": (
        ["--predicate-type", "slsaprovenance", "--predicate", "verdict.json", "-k", "1.secret"],
        "did you mean slsaprovenance1?",
    ),
    "no type": (["--predicate-type", "a b", "--predicate", "verdict.json", "-k", "1.secret"], "is not a predicate type"),
    "a verdict without content": (["--predicate-type", "vsa", "--predicate", "trusted.json", "-k", "1.secret"], "predicate.verifier"),
    "no JSON": (["--predicate-type", "vsa", "--predicate", "1.secret", "-k", "1.secret"], "1.secret: not valid JSON"),
    "a public key": (["--predicate-type", "sign", "-k", "1.public"], "this is a public key"),
    "legacy of a verdict": (
        ["--predicate-type", "vsa", "--predicate", "verdict.json", "-k", "1.secret", "--cosign-legacy"],
        "cosign's tag holds signatures only",
    ),
}


@pytest.mark.parametrize("name", USAGE)
def test_what_cannot_be_attested_writes_nothing(run: Run, target: str, name: str) -> None:
    options, words = USAGE[name]
    ended = run("attest", target, *options)
    assert (ended.code, ended.is_one_clear_error) == (2, True)
    assert words in ended.err
    assert listed(run, target).document["statements"] == []


def test_a_tag_is_not_signed_in_a_registry(run: Run, registry: RunningRegistry, image: Image) -> None:
    assert run("push", image.folder, f"{registry.host}/library/hello:v1", "-q").code == 0
    before = len(registry.requests)
    for command in (["attest", "--predicate-type", "sign"], ["countersign"]):
        ended = run(*command, f"{registry.host}/library/hello:v1", "-k", "1.secret")
        assert (ended.code, "a tag may move before it is signed; write" in ended.err) == (2, True)
    assert len(registry.requests) == before
    assert run("attest", f"{image.folder}:v1", "--predicate-type", "sign", "-k", "1.secret").code == 0
    assert run("statements", f"{registry.host}/library/hello:v1").code == 0


def test_an_archive_is_not_added_to(run: Run, image: Image) -> None:
    assert run("archive", image.folder, "image.tar").code == 0
    ended = run("attest", "oci-archive:image.tar", "--predicate-type", "sign", "-k", "1.secret")
    assert (ended.code, "an archive cannot be added to" in ended.err) == (2, True)
    assert run("attest", image.folder, "--predicate-type", "sign", "-k", "1.secret").code == 0
    assert run("archive", image.folder, "attested.tar").code == 0
    assert run("statements", f"oci-archive:attested.tar@{image.digest}", "-K", "1.public").code == 0


def test_what_is_attached_in_a_layout_is_published_before_the_tag(run: Run, registry: RunningRegistry, image: Image) -> None:
    assert run("attest", image.folder, "--predicate-type", "sign", "-k", "1.secret").code == 0
    assert run("push", image.folder, f"{registry.host}/library/hello:v1", "-q").code == 0
    written = [record.path.rpartition("/")[2] for record in registry.requests if record.method == "PUT" and "/manifests/" in record.path]
    assert (written[0], written[-1]) == (str(image.digest), "v1")
    assert len(written) >= 3
    assert run("statements", f"{registry.host}/library/hello:v1", "-K", "1.public").code == 0


def test_signatures_under_cosigns_tag_count_only_where_that_is_asked_for(run: Run, registry: RunningRegistry, image: Image) -> None:
    assert run("push", image.folder, f"{registry.host}/library/hello:v1", "-q").code == 0
    target = f"{registry.host}/library/hello@{image.digest}"
    done = run("attest", target, "--predicate-type", "sign", "-k", "1.secret", "-k", "p256.pem", "--cosign-legacy", "--output", "json")
    assert done.document["cosignLegacy"] == {"tag": f"{str(image.digest).replace(':', '-')}.sig", "added": True}
    again = run("countersign", target, "-k", "1.secret", "--cosign-legacy", "--output", "json")
    assert again.document["cosignLegacy"]["added"] is False
    assert len(listed(run, target, "-K", "1.public").document["statements"]) == 2
    with_legacy = listed(run, target, "-K", "1.public", "--cosign-legacy").document["statements"]
    assert sorted(each["verified"] for each in with_legacy) == [False, False, True, True]
    refused = run("attest", image.folder, "--predicate-type", "sign", "-k", "1.secret", "--cosign-legacy")
    assert (refused.code, "in registries only" in refused.err) == (2, True)


def test_a_forged_statement_is_listed_and_hides_no_other(run: Run, image: Image) -> None:
    assert run("attest", image.folder, "--predicate-type", "sign", "-k", "1.secret").code == 0
    layout = LayoutStore.open(image.folder)
    subject = layout.fetch_manifest(image.digest)
    for number in range(25):
        bundle = changed(signed(subject, key(1)).bundle, lambda document, number=number: document.update(number=number, mediaType=""))  # type: ignore[misc]
        attach_statement(
            layout,
            SignedStatement(bundle=bundle, referrer=bundle_referrer(subject.descriptor, bundle, "https://sigstore.dev/cosign/sign/v1")),
        )
    found = listed(run, str(image.folder), "-K", "1.public")
    assert (found.code, len(found.document["statements"])) == (0, 26)
    assert sum(each["verified"] for each in found.document["statements"]) == 1
    text = run("statements", image.folder, "-K", "1.public").out
    assert "26 statements, 1 verified" in text
    assert "5 more that do not verify: list them with --output json" in text


def test_a_registry_that_fails_is_not_unsigned(run: Run, registry: RunningRegistry, image: Image) -> None:
    target = f"{registry.host}/library/hello@{image.digest}"
    assert run("push", image.folder, f"{registry.host}/library/hello:v1", "-q").code == 0
    assert run("attest", target, "--predicate-type", "sign", "-k", "1.secret").code == 0
    fault = Fault(method="GET", path="/referrers/|/manifests/sha256-", effect=Reply(status=429), times=None)
    registry.faults.add(fault)
    found = listed(run, target, "-K", "1.public")
    assert (found.code, found.document["verified"], found.document["statements"]) == (6, False, [])
    assert "429" in found.err
    assert fault.hits > 0


def test_a_key_of_a_variable_signs(run: Run, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = run("attest", target, "--predicate-type", "sign", "--key-source", "env", "--key-ref", "SIGNING_KEY", "-K", "1.public")
    assert (ended.code, "the variable SIGNING_KEY is not set" in ended.err) == (2, True)
    monkeypatch.setenv("SIGNING_KEY", P256_SECRET.decode())
    ended = run("attest", target, "--predicate-type", "sign", "--key-source", "env", "--key-ref", "SIGNING_KEY", "-K", "1.public")
    assert (ended.code, "does not belong to the secret key" in ended.err) == (2, True)
    assert run("attest", target, "--predicate-type", "sign", "--key-source", "env", "--key-ref", "SIGNING_KEY", "-K", "p256.pub").code == 0


def test_a_threshold_is_for_one_type(run: Run, target: str) -> None:
    for options in (["-K", "1.public"], ["--predicate-type", "sign"]):
        ended = run("statements", target, *options, "--threshold", 2)
        assert ended.code == 2
