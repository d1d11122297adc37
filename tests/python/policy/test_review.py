"""Looking at policies: lint, the names of keys, what another policy would change, and verdicts that are read again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from policy.table import ROWS, policy_of, verdict_of
from wasm_oci.errors import PolicyError
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.reader import parse_policy, parse_policy_file
from wasm_oci.policy.review.lint import Surroundings, lint
from wasm_oci.policy.review.lint_keys import KnownKey
from wasm_oci.policy.review.simulate import Past, simulate
from wasm_oci.policy.subject import Registry, Signer, Subject

TIME = datetime(2027, 6, 1, tzinfo=UTC)
SIGNED = "default: {signing: required}\n"
KEYS = (
    KnownKey(name="release", key_id="01"),
    KnownKey(name="revoked", key_id="02", revoked=True),
    KnownKey(name="expired", key_id="03", not_after=datetime(2027, 5, 31, tzinfo=UTC)),
    KnownKey(name="soon", key_id="04", not_after=datetime(2027, 6, 20, tzinfo=UTC)),
    KnownKey(name="dev", key_id="05", development=True),
)
REGISTRIES = (Registry(name="github", host="ghcr.io", prefix="my-org"), Registry(name="disk"))
SUBJECTS = (Subject(name="hello", namespace="apps"), Subject(name="pay"))


def problems(text: str) -> list[str]:
    file = parse_policy_file(text.encode(), where="p")
    return [str(each) for each in lint(file, Surroundings(time=TIME, keys=KEYS, registries=REGISTRIES, subjects=SUBJECTS))]


@pytest.mark.parametrize(
    "text",
    [
        SIGNED,
        SIGNED + "components: [{pattern: hello, max_size: 1}, {pattern: 'apps/*', max_size: 1}]\n",
        SIGNED
        + "registries: [{registry: github, max_size: 1}, {registry: ghcr.io/my-org/team, max_size: 2}, {registry: disk, max_size: 1}]\n",
        "default: {signing: required, keys: [release]}\n",
        SIGNED + "always: [{max_size: 1}, {tags: {semver: true}}]\n",
        SIGNED + "components: [{pattern: '*', max_size: 1}]\n",
        SIGNED + "always: {allowed_registries: [ghcr.io]}\ncomponents: [{pattern: hello, allowed_registries: [ghcr.io/my-org]}]\n",
        SIGNED + "always: {allowed_registries: ['*']}\ncomponents: [{pattern: hello, allowed_registries: [ghcr.io/my-org]}]\n",
        SIGNED + "always: {allowed_registries: [github]}\ncomponents: [{pattern: hello, allowed_registries: [ghcr.io/my-org]}]\n",
        SIGNED + "always: {namespaces: ['ap*']}\ncomponents: [{pattern: hello, namespaces: [apps]}, {pattern: pay, namespaces: ['*s']}]\n",
        SIGNED + "always: {tags: {semver: true}}\ncomponents: [{pattern: hello, tags: {allowed: ['1.*']}}]\n",
        "components: [{pattern: hello, key_formats: [pem]}]\ndefault: {signing: required, key_formats: [openssh]}\n",
    ],
)
def test_nothing_is_wrong(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SIGNED + "components:\n  - pattern: hello\n", "warning: p:3: component:hello: the rule says nothing"),
        (SIGNED + "components:\n  - {pattern: helo, max_size: 1}\n", "warning: p:3: component:helo: helo matches none of 2 subjects"),
        (
            SIGNED + "components: [{pattern: 'ghcr.io/apps/*', max_size: 1}]\n",
            "a component's name has no registry, so that it speaks only where ghcr.io is a namespace",
        ),
        (SIGNED + "registries: [{registry: githb, max_size: 1}]\n", "warning: p:2: registry:githb: no registry is githb"),
        (SIGNED + "registries: [{registry: ghcr.io/other, max_size: 1}]\n", "no registry is ghcr.io/other"),
        (SIGNED + "components: [{pattern: hello, registries: [nowhere], max_size: 1}]\n", "no registry is nowhere"),
        ("default: {signing: required, keys: [relase]}\n", "error: p:1: default: unknown key relase; did you mean release?"),
        ("default: {signing: required, keys: [revoked, release]}\n", "warning: p:1: default: key revoked is revoked"),
        ("default: {signing: required, keys: [expired]}\n", "error: p:1: default: 0 of its keys can sign, and 1 must"),
        ("default: {signing: required, keys: [soon]}\n", "warning: p:1: default: key soon expires within 30 days"),
        (
            "default: {signing: required, keys: [release, expired], threshold: 2}\n",
            "1 of its keys can sign, and 2 must",
        ),
        ("default: {signing: required, keys: [dev], development_keys: denied}\n", "key dev is a development key, which the rule denies"),
        (SIGNED + "always: {statements: [{predicate_type: 'https://a', keys: [nobody]}]}\n", "unknown key nobody"),
        (
            SIGNED + "always: {required_annotations: [{name: a.b}], forbidden_annotations: [{name: 'a.*'}]}\n",
            "error: p:2: always: annotation a.b is required and forbidden",
        ),
        (
            SIGNED + "always: {allowed_imports: [{interface: 'wasi:http'}], denied_imports: [{interface: 'wasi:*'}]}\n",
            "warning: p:2: always: wasi:http is allowed, and denied by wasi:*",
        ),
        (SIGNED + "always: {tags: {semver: true, allowed: [latest]}}\n", "error: p:2: always: no tag is allowed"),
        (SIGNED + "always: {tags: {allowed: [stable], denied: ['*']}}\n", "error: p:2: always: no tag is allowed"),
        (
            SIGNED + "always: {signature_types: [embedded]}\ncomponents: [{pattern: hello, signature_types: [detached]}]\n",
            "error: p:2: always: signature_types has nothing in common with component:hello (p:3)",
        ),
        (SIGNED + "always: [{key_formats: [pem]}, {key_formats: [openssh]}]\n", "key_formats has nothing in common with always"),
        (SIGNED + "always: [{key_sources: [env]}, {key_sources: [file]}]\n", "key_sources has nothing in common with always"),
        (
            SIGNED + "always: [{namespaces: [apps]}, {namespaces: [lib, 'lib/*']}, {namespaces: [lib]}]\n",
            "error: p:2: always: namespaces has",
        ),
        (SIGNED + "always: [{tags: {semver: true}}, {tags: {allowed: [latest]}}]\n", "error: p:2: always: tags has nothing in common"),
        (SIGNED + "always: [{tags: {allowed: [stable]}}, {tags: {denied: ['st*']}}]\n", "error: p:2: always: tags has nothing in common"),
        (
            SIGNED + "always: [{allowed_registries: [ghcr.io/a]}, {allowed_registries: [ghcr.io/b, quay.io]}]\n",
            "allowed_registries has nothing in common",
        ),
        (
            "always: {key_formats: [pem]}\ndefault: {signing: required, key_formats: [openssh]}\n",
            "error: p:2: default: key_formats has nothing in common with always (p:1)",
        ),
        (
            SIGNED + "components:\n  - {pattern: pay, max_size: 1}\n  - {pattern: pay, max_size: 2}\n",
            "p:4: component:pay: it is about the same",
        ),
        ("components: [{pattern: '*', signing: required}]\n" + SIGNED, "warning: p:2: default: it never speaks"),
        ("always: {max_size: 1}\n", "warning: policy: no rule says whether a signature is required"),
        (SIGNED + "mode: warn\n", "warning: policy: the whole policy only warns"),
        (
            SIGNED + "approvals: [{interface: 'a:b/c', components: ['*'], reason: r, approved_by: me, expires: 2027-01-01}]\n",
            "warning: p:2: approval:a:b/c: it has expired",
        ),
        (
            SIGNED + "overrides: [{name: x, checks: [tag], components: ['*'], reason: r, approved_by: me, expires: 2027-06-09}]\n",
            "warning: p:2: override:x: it expires within 30 days",
        ),
    ],
)
def test_what_lint_finds(text: str, problem: str) -> None:
    found = problems(text)
    assert any(problem in each for each in found), found


def test_errors_come_first() -> None:
    found = problems("components: [{pattern: x, max_size: 1}, {pattern: y, tags: {semver: true, allowed: [latest]}}]\nmode: warn\n")
    assert [each.partition(":")[0] for each in found] == ["error", "warning", "warning", "warning", "warning"]


def test_a_simulation_finds_exactly_what_was_planted() -> None:
    old = parse_policy(b"default: {signing: optional, max_size: 100}\n", where="old")
    new = parse_policy(b"default: {signing: optional, max_size: 200}\ncomponents: [{pattern: pay, signing: required}]\n", where="new")
    subjects = {
        "stays allowed": Subject(name="a", size=1, signers=()),
        "becomes allowed": Subject(name="b", size=150, signers=()),
        "stays denied": Subject(name="c", size=500, signers=()),
        "becomes denied": Subject(name="pay", size=1, signers=()),
        "was signed": Subject(name="pay", size=1, signers=(Signer(key_id="01"),)),
    }
    found = simulate(new, [Past(place=place, subject=subject) for place, subject in subjects.items()], old)
    assert [(flip.place, flip.was, flip.now.decided_by) for flip in found.flips] == [
        ("becomes allowed", False, "default"),
        ("becomes denied", True, "component:pay"),
    ]
    assert found.to_json()["flips"][1]["why"] == "it is not signed (new:2)"
    recorded = [Past(place=place, subject=subject, allowed=decide(old, subject).allowed) for place, subject in subjects.items()]
    assert [flip.place for flip in simulate(new, recorded).flips] == ["becomes allowed", "becomes denied"]
    assert simulate(old, recorded).flips == []
    assert simulate(new, [Past(place="x", subject=subjects["was signed"])]).unknown == 1


def test_a_denial_as_an_error() -> None:
    row = next(row for row in ROWS if row["policy"] == "any_key" and row["verdict"] == "deny")
    with pytest.raises(PolicyError) as caught:
        verdict_of(policy_of("any_key"), row, "publish").require(where="//:target")
    assert str(caught.value) == "//:target: default (any_key:1) denies it: it is not signed; sign it with a trusted key"
    assert (caught.value.exit_code, caught.value.reason) == (3, "signing")
    allowed = next(row for row in ROWS if row["policy"] == "any_key" and row["verdict"] == "allow")
    verdict_of(policy_of("any_key"), allowed, "publish").require()
