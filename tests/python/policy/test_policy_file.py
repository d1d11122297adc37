"""Reading a policy: what every member means is in the table of decisions; here is what is refused, and in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from wasm_oci.errors import LimitError, WasmOciError
from wasm_oci.jsontext import canonical
from wasm_oci.limits import LIMITS
from wasm_oci.policy.documents import document_of
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.interfaces import Import, reaches
from wasm_oci.policy.model import joined
from wasm_oci.policy.reader import compile_policy, merged, parse_policy, parse_policy_file
from wasm_oci.policy.strings import policy_of_strings
from wasm_oci.policy.subject import Previous, Registry, Signer, Subject

SIGNED = "default: {signing: required}\n"
APPROVAL = "approvals: [{{interface: '{}', components: ['*'], reason: r, approved_by: me}}]\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("default:\n  signng: required\n", "p.yaml: line 2: default.signng: unknown member 'signng'; did you mean signing?"),
        ("default:\n  signing: requird\n", "p.yaml: line 2: default.signing: unknown value 'requird'; use one of required, optional"),
        (SIGNED + "componets: []\n", "p.yaml: line 2: componets: unknown member 'componets'; did you mean components?"),
        (SIGNED + "components:\n  - signing: required\n", "p.yaml: line 3: components[0].pattern: the member is missing"),
        (SIGNED + "components:\n  - pattern: 'a b'\n", "line 3: components[0].pattern: 'a b' is not a pattern"),
        (
            SIGNED + "components:\n  - pattern: 'Prod-*'\n",
            "line 3: components[0].pattern: no component matches 'Prod-*'; names are in lower case",
        ),
        (SIGNED + "components:\n  - pattern: 'prod:*'\n", "line 3: components[0].pattern: no component matches 'prod:*'; write a name"),
        (
            SIGNED + "registries:\n  - registry: ghcr.io/a/*\n",
            "line 3: registries[0].registry: no repository of ghcr.io begins with 'a/*'",
        ),
        (
            SIGNED + "components:\n  - {pattern: a, registries: [ghcr.io/A]}\n",
            "components[0].registries[0]: no repository of ghcr.io begins with 'A'",
        ),
        ("default: {allowed_registries: ['ghcr.io/*']}\n", "default.allowed_registries[0]: no repository of ghcr.io begins with '*'"),
        ("default: {namespaces: ['My-*']}\n", "default.namespaces[0]: no component matches 'My-*'; names are in lower case: write my-*"),
        (
            SIGNED + "overrides: [{name: a, checks: [signing], components: ['A'], reason: r, approved_by: me, expires: 2030-01-01}]\n",
            "overrides[0].components[0]: no component matches 'A'",
        ),
        (
            SIGNED + "approvals: [{interface: 'a:b', components: ['c:1'], reason: r, approved_by: me}]\n",
            "approvals[0].components[0]: no component matches 'c:1'",
        ),
        (SIGNED + "registries:\n  - registry: 'http://x'\n", "line 3: registries[0].registry: 'http://x' is not a registry"),
        (
            SIGNED + "registries: [{registry: ghcr.io/my-*}]",
            "no repository of ghcr.io begins with 'my-*'; write 'my-*' as the registry has it",
        ),
        (
            SIGNED + "registries: [{registry: ghcr.io/a/My}]",
            "no repository of ghcr.io begins with 'a/My'; write 'My' as the registry has it",
        ),
        (SIGNED + "components: [{pattern: a, registries: [ghcr.io/.., ghcr.io]}]", "no repository of ghcr.io begins with '..'"),
        (SIGNED + APPROVAL.format("wasi:s*"), "'wasi:s*' approves more than one package"),
        (SIGNED + APPROVAL.format("wasi:s?ckets/tcp"), "'wasi:s?ckets/tcp' approves more than one package"),
        (
            "default: {required_annotations: [{name: a, matches: '" + "a" * 1001 + "'}]}",
            "a regular expression of 1001 characters, more than 1000",
        ),
        (SIGNED + "registries:\n  - registry: 'a b'\n", "line 3: registries[0].registry: 'a b' is not a registry"),
        ("default:\n  signing: required\n  keys: []\n", "line 3: default.keys: fewer than 1 entries"),
        ("default:\n  keys: [a]\n", "p.yaml:1: signing: keys or threshold without signing"),
        ("default:\n  signing: required\n  threshold: 0\n", "a threshold of 0 would accept anything"),
        ("default:\n  signing: required\n  keys: [a, a]\n  threshold: 2\n", "a threshold of 2 is more than the 1 named keys"),
        ("default:\n  max_size: 0\n", "max_size 0 allows nothing"),
        ("default:\n  max_size: 1MB\n", "line 2: default.max_size: expected a whole number, not '1MB'"),
        (
            "default:\n  statements: [{predicate_type: vsaa}]\n",
            "statements[0].predicate_type: 'vsaa' is not a predicate type; did you mean vsa?",
        ),
        ("default:\n  tags: {}\n", "tags says nothing"),
        ("default:\n  allowed_imports: [{interface: 'wasi:http@0.2.0'}]\n", "has a version in its name"),
        ("default:\n  allowed_imports: [{interface: 'wasi:http', at_least: '1.x'}]\n", "'1.x' is not a version"),
        (
            "default:\n  allowed_imports: [{interface: 'wasi:http', at_least: 1.0.0, below: 0.9.0}]\n",
            "no version is at least 1.0.0 and below 0.9.0",
        ),
        ("default:\n  required_annotations: [{name: a, matches: '('}]\n", "'(' is not a usable regular expression"),
        ("default:\n  required_annotations: [{name: a, matches: '(a{1000}){1000}'}]\n", "is not a usable regular expression"),
        (SIGNED + "denied_digests: [{digest: 'sha256:1', reason: x}]\n", "'sha256:1' is not a digest"),
        (SIGNED + "approvals: [{interface: '*', components: ['*'], reason: r, approved_by: me}]\n", "'*' approves more than one package"),
        (SIGNED + "approvals: [{interface: 'wasi:*', components: ['*'], reason: r, approved_by: me}]\n", "approves more than one package"),
        (
            SIGNED + "overrides: [{name: a, checks: [signing], components: ['*'], reason: r, approved_by: me}]\n",
            "overrides[0].expires: the member is missing",
        ),
        (
            SIGNED
            + "overrides:\n"
            + 2 * "  - {name: a, checks: [signing], components: ['*'], reason: r, approved_by: me, expires: 2030-01-01}\n",
            "p.yaml:4: the override a is there twice, at p.yaml:3 too",
        ),
        (
            SIGNED + "overrides: [{name: a, checks: [sining], components: ['*'], reason: r, approved_by: me, expires: 2030-01-01}]\n",
            "unknown value 'sining'",
        ),
        (
            SIGNED + "overrides: [{name: a, checks: [], components: ['*'], reason: r, approved_by: me, expires: 2030-01-01}]\n",
            "fewer than 1 entries",
        ),
        (
            SIGNED + "overrides: [{name: a, checks: [signing], components: ['*'], reason: ' ', approved_by: me, expires: 2030-01-01}]\n",
            "reason: it is empty",
        ),
        ("default:\n", "line 1: default: expected a list, not null"),
        ("name: a\n", "the policy has no rule"),
        ("components: []\n", "the policy has no rule"),
        ("default: {plain_http: allowed, versions: any}\n", "the policy checks nothing"),
        ("denied_digests:\n  - digest: sha256:" + "0" * 64 + "\n    reason: bad\n", "the policy has no rule"),
        ("default: &a {signing: required}\nalways: *a\n", "line 1: anchors and aliases are refused"),
        ("default: !x {signing: required}\n", "line 1: tags are refused"),
        ("default: {signing: required, signing: optional}\n", "line 1: the member 'signing' is there twice"),
        ('{"default": {"signing": "maybe"}}', "p.yaml: line 1: default.signing: unknown value 'maybe'"),
        ('default: {signing: required, mode: "w\u200barn"}\n', "is invisible"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(WasmOciError) as caught:
        parse_policy(text.encode(), where="p.yaml")
    assert problem in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"#" * (50 << 20), "the file is larger than"),
        (b"components:\n" + b"- {pattern: a}\n" * 100_000, "larger than|more than"),
        (b"components:\n" + b"- {pattern: a}\n" * (LIMITS.policy_rules + 1), "components: more than 2000 entries"),
        (b"a: " + b"[" * 1000, "nested too deeply"),
        (b"always:\n  worlds: [" + b"a, " * 1001 + b"a]\n", "more than 1000 entries"),
    ],
)
def test_a_policy_that_is_too_large(data: bytes, problem: str) -> None:
    with pytest.raises(LimitError, match=problem):
        parse_policy(data, where="p.yaml")


def test_a_rule_has_its_line() -> None:
    text = (
        SIGNED
        + "always:\n  - max_size: 1\n  -\n    max_size: 2\ncomponents:\n\n  - pattern: a\n    signing: required\n"
        + "registries: [{registry: b.io}]\n"
    )
    found = [(rule.name, rule.place) for rule in parse_policy(text.encode(), where="p.yaml").rules]
    assert found == [
        ("component:a", "p.yaml:8"),
        ("registry:b.io", "p.yaml:10"),
        ("always", "p.yaml:3"),
        ("always", "p.yaml:5"),
        ("default", "p.yaml:1"),
    ]


def test_the_normal_form_is_a_policy_with_the_places_of_the_first() -> None:
    text = (
        SIGNED
        + "registries: [{registry: ghcr.io/a, plain_http: denied}]\n"
        + "denied_digests: [{digest: 'sha256:"
        + "0" * 64
        + "', reason: bad}]\n"
        + "overrides: [{name: a, checks: [signing], components: ['*'], reason: r, approved_by: me, expires: 2030-01-01}]\n"
    )
    file = parse_policy_file(text.encode(), where="p.yaml")
    again = parse_policy_file(canonical(document_of(file)), where="other.json")
    assert again == file
    assert [rule.place for rule in compile_policy(again, digest="", where="o").rules] == ["p.yaml:3", "p.yaml:2", "p.yaml:1"]


def test_the_short_form() -> None:
    file = policy_of_strings(
        default_signing_required=True,
        component_policies=["prod-*|required|a,b", "test-*|optional"],
        registry_policies=["github|required|a"],
        signature_type="detached",
        openssh_format=True,
        key_sources=("file",),
    )
    policy = compile_policy(file, digest="", where="//:p")
    assert [(rule.name, rule.place) for rule in policy.rules] == [
        ("component:prod-*", "component_policies[0]"),
        ("component:test-*", "component_policies[1]"),
        ("registry:github", "registry_policies[0]"),
        ("always", "attributes"),
        ("default", "default_signing_required"),
    ]
    signer = Signer(key_id="1", names=("a",), signature="detached", format="openssh")
    subject = Subject(name="prod-x", registry=Registry(name="github"), signers=(signer,), key_sources=("file",))
    assert decide(policy, subject).allowed
    assert not decide(policy, Subject(name="prod-x", registry=Registry(name="github"), signers=())).allowed
    assert decide(policy, Subject(name="test-x", registry=Registry(name="local"), signers=())).allowed


def test_joined_policies_only_tighten() -> None:
    loose = parse_policy(b"components: [{pattern: a, max_size: 10}]\ndefault: {signing: optional}\nmode: warn\n", where="a.yaml")
    strict = parse_policy(b"default: {signing: required}\n", where="b.yaml")
    both = joined([loose, strict])
    assert not decide(both, Subject(name="a", size=1, signers=())).allowed
    assert not decide(both, Subject(name="a", size=11, signers=(Signer(key_id="1"),))).allowed
    assert decide(both, Subject(name="a", size=1, signers=(Signer(key_id="1"),))).allowed
    assert joined([loose]) is loose


@pytest.mark.parametrize("name", ["storage", "wasi:sockets", "wasi:sockets/*", "wasi:sockets/tcp"])
def test_whatever_is_named_can_be_approved(name: str) -> None:
    policy = parse_policy(("default: {new_imports: approved}\n" + APPROVAL.format(name)).encode(), where="p.yaml")
    item = Import(name=name if name == "storage" else "wasi:sockets/tcp@0.2.0")
    subject = Subject(name="pay", imports=(item,), previous=Previous(version="1.0.0", imports=()))
    assert decide(policy, subject).allowed
    assert not decide(policy, replace(subject, imports=(Import(name="wasi:sockets-two/tcp@0.2.0"),))).allowed


def test_a_core_module_name_with_many_slashes_is_of_an_unknown_form() -> None:
    """Each slash may end the name of the module; 20,000 of them took 6 seconds and 400 MB."""
    policy = parse_policy(b"always: {denied_imports: [{interface: wasi:sockets}]}\n", where="p.yaml")
    found = [
        decide(policy, Subject(name="pay", imports=(Import(name="/".join("a" * count), core=True),))).allowed for count in (16, 17, 20_000)
    ]
    assert found == [True, False, False]
    (reached,) = reaches(Import(name="/".join("a" * 20_000), core=True))
    assert len(reached[0]) == 39_999


@pytest.mark.parametrize("rule", ["registries: [{registry: ghcr.io, signing: optional}]", "always: {allowed_registries: [ghcr.io]}"])
def test_an_entry_cannot_take_the_name_of_a_host(rule: str) -> None:
    """Whoever publishes names the entries of their list."""
    policy = parse_policy(rule.encode(), where="p.yaml")
    subject = Subject(name="pay", signers=(), registry=Registry(name="github", host="ghcr.io"))
    assert decide(policy, subject).allowed
    verdict = decide(policy, replace(subject, registry=Registry(name="ghcr.io", host="evil.example")))
    assert not verdict.allowed
    assert decide(policy, replace(subject, registry=Registry(name="ghcr.io", host="ghcr.io", prefix="my-org"))).allowed


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("localhost:5000", True),
        ("localhost", True),
        ("127.0.0.1:5000", True),
        ("[::1]:5000", True),
        ("evil.example", False),
        ("localhost.evil.example", False),
    ],
)
def test_localhost_is_an_entry_of_that_name_on_this_machine(host: str, meant: bool) -> None:
    policy = parse_policy(b"registries: [{registry: localhost, signing: optional}]\n", where="p.yaml")
    subject = Subject(name="pay", signers=(), registry=Registry(name="localhost", host=host))
    assert decide(policy, subject).allowed == meant
    other = replace(subject, registry=Registry(name="local", host=host))
    assert decide(policy, other).allowed == (host == "localhost")


def test_a_rule_for_a_host_is_not_lost_on_an_entry_of_its_name() -> None:
    policy = parse_policy(b"default: {signing: optional}\nregistries: [{registry: l.io, signing: required}]\n", where="p.yaml")
    verdict = decide(policy, Subject(name="pay", signers=(), registry=Registry(name="l.io", host="localhost:5000")))
    (denial,) = verdict.denials
    assert denial.finding.what == "the entry of its registry has a name that is the host in registry:l.io"
    assert denial.finding.change == "give the entry another name"


UNSIGNED = Subject(name="pay", size=1, signers=(), time=datetime(2027, 1, 1, tzinfo=UTC))
DENYING = {
    "a default": "default: {signing: required}",
    "a rule for another component only": "components: [{pattern: prod-*, signing: optional}]",
    "a rule": "components: [{pattern: pay, signing: required}]",
    "a filter": "always: {signing: required, development_keys: denied}",
}
ALLOWING = {
    "a component": "components: [{pattern: '*', signing: optional}]",
    "a default": "default: {signing: optional}",
    "always": "always: {signing: optional}",
    "an override": "default: {signing: optional}\n"
    "overrides: [{name: mine, checks: [signing, development_key], components: ['*'], reason: r, approved_by: me, expires: 2030-01-01}]",
}


@pytest.mark.parametrize("allowing", ALLOWING)
@pytest.mark.parametrize("denying", DENYING)
def test_no_policy_allows_what_another_denies(denying: str, allowing: str) -> None:
    strict = parse_policy(DENYING[denying].encode(), where="strict.yaml")
    loose = parse_policy(ALLOWING[allowing].encode(), where="loose.yaml")
    asked = [each.name for each in loose.exceptions]
    assert not decide(strict, UNSIGNED).allowed
    assert decide(loose, UNSIGNED, asked).allowed
    for both in (joined([strict, loose]), joined([loose, strict])):
        assert not decide(both, UNSIGNED, asked).allowed


def test_an_override_still_lifts_what_its_own_policy_finds() -> None:
    override = "overrides: [{name: mine, checks: [signing], components: ['*'], reason: r, approved_by: me, expires: 2030-01-01}]"
    strict = parse_policy(f"default: {{signing: required}}\n{override}\n".encode(), where="strict.yaml")
    both = joined([parse_policy(b"always: {max_size: 10}\n", where="small.yaml"), strict])
    assert decide(both, UNSIGNED, ["mine"]).allowed
    assert not decide(both, UNSIGNED).allowed


def test_the_policy_without_a_rule_that_speaks_is_named() -> None:
    partly = parse_policy(b"name: partly\ncomponents: [{pattern: prod-*, max_size: 10}]\n", where="p.yaml")
    whole = parse_policy(b"name: whole\ndefault: {max_size: 10}\n", where="w.yaml")
    found = [each.finding.what for each in decide(joined([whole, partly]), UNSIGNED).denials]
    assert found == ["no rule of the policy partly speaks about component pay"]


def test_attributes_and_a_file_are_one_policy() -> None:
    file = parse_policy_file(
        b"name: ours\nmode: warn\ndefault: {max_size: 10}\ncomponents: [{pattern: pay, signing: required}]\n", where="p.yaml"
    )
    attributes = policy_of_strings(default_signing_required=False, component_policies=["pay|optional"])
    both = merged(attributes, file)
    policy = compile_policy(parse_policy_file(canonical(document_of(both)), where="normal.json"), digest="", where="normal.json")
    assert (policy.name, policy.enforced) == ("ours", True)
    assert [rule.place for rule in policy.rules] == ["component_policies[0]", "p.yaml:4", "default_signing_required", "p.yaml:3"]
    assert decide(policy, Subject(name="pay", size=1, signers=())).decided_by == "component:pay"
    assert not decide(policy, Subject(name="other", size=11, signers=())).allowed
