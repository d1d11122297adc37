"""What a denial says to do makes the artifact allowed: each row follows its own remedy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from policy.table import ROWS as ROWS_OF_DECISIONS
from policy.table import policy_of, verdict_of
from wasm_oci.errors import FormatError, PolicyError, UsageError
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.interfaces import Import
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.review.explain import explain
from wasm_oci.policy.subject import Annotation, Previous, Registry, Signer, Statement, Subject

TIME = datetime(2027, 6, 1, tzinfo=UTC)
DIGEST = f"sha256:{'1' * 64}"
RELEASE = Signer(key_id="01", names=("release",))
BACKUP = Signer(key_id="02", names=("backup",), format="openssh", signature="detached")
EXPIRED = replace(RELEASE, not_after=TIME - timedelta(days=1))
SUBJECT = Subject(name="hello", time=TIME, digests=(DIGEST,), signers=(), tags=("1.0.0",))
TYPE = "https://a.b/c"
KEYS = "default: {signing: required, keys: [release]}"
STATEMENT = f"default: {{statements: [{{predicate_type: '{TYPE}', keys: [release]}}]}}"


def stated(*signers: Signer) -> Subject:
    return replace(SUBJECT, statements=(Statement(predicate_type=TYPE, digest=DIGEST, signers=signers),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A denial, what it says, and the policy and subject after somebody followed it."""

    policy: str
    subject: Subject
    what: str
    change: str
    mended: Subject
    mended_policy: str = ""


ROWS = {
    "another form": Row(
        policy="default: {signing: required, key_formats: [openssh]}",
        subject=replace(SUBJECT, signers=(RELEASE,)),
        what="no signature counts: release (01) is in compact form",
        change="sign it with a trusted key, in openssh form",
        mended=replace(SUBJECT, signers=(BACKUP,)),
    ),
    "another kind of signature": Row(
        policy="default: {signing: required, keys: [release], signature_types: [detached]}",
        subject=replace(SUBJECT, signers=(RELEASE,)),
        what="no signature counts: release (01) signed embedded",
        change="sign it with release, detached",
        mended=replace(SUBJECT, signers=(replace(RELEASE, signature="detached"),)),
    ),
    "expired, the only one": Row(
        policy=KEYS,
        subject=replace(SUBJECT, signers=(EXPIRED,)),
        what="no signature counts: release (01) expired after 2027-05-31T00:00:00Z",
        change="name another key in place of release in the rule, and sign it with that",
        mended=replace(SUBJECT, signers=(EXPIRED, BACKUP)),
        mended_policy="default: {signing: required, keys: [backup]}",
    ),
    "revoked, one of two": Row(
        policy="default: {signing: required, keys: [release, backup]}",
        subject=replace(SUBJECT, signers=(replace(RELEASE, revoked=True),)),
        what="no signature counts: release (01) is revoked",
        change="sign it with backup",
        mended=replace(SUBJECT, signers=(BACKUP,)),
    ),
    "expired, where any key would do": Row(
        policy="default: {signing: required}",
        subject=replace(SUBJECT, signers=(EXPIRED,)),
        what="no signature counts: release (01) expired after 2027-05-31T00:00:00Z",
        change="sign it with another trusted key",
        mended=replace(SUBJECT, signers=(BACKUP,)),
    ),
    "a development key": Row(
        policy="default: {signing: required, keys: [release], development_keys: denied}",
        subject=replace(SUBJECT, signers=(replace(RELEASE, development=True),)),
        what="no signature counts: release (01) is a development key",
        change="name another key in place of release in the rule, and sign it with that",
        mended=replace(SUBJECT, signers=(BACKUP,)),
        mended_policy="default: {signing: required, keys: [backup], development_keys: denied}",
    ),
    "a key that nobody trusts": Row(
        policy="default: {signing: required}",
        subject=replace(SUBJECT, unverified=("02",)),
        what="it is signed with key 02 (no trusted key verifies it)",
        change="sign it with a trusted key, or trust key 02",
        mended=replace(SUBJECT, signers=(BACKUP,)),
    ),
    "two keys, and one is over": Row(
        policy="default: {signing: required, keys: [release, backup], threshold: 2}",
        subject=replace(SUBJECT, signers=(EXPIRED, BACKUP)),
        what="1 of the 2 required keys signed it: backup (02); release (01) expired after 2027-05-31T00:00:00Z",
        change="name another key in place of release in the rule, and sign it with that",
        mended=replace(SUBJECT, signers=(BACKUP, Signer(key_id="03", names=("third",)))),
        mended_policy="default: {signing: required, keys: [third, backup], threshold: 2}",
    ),
    "a statement of another key": Row(
        policy=STATEMENT,
        subject=stated(BACKUP),
        what=f"0 of 1 required signatures on a statement {TYPE}; it is signed with backup (02)",
        change=f"add a statement {TYPE} signed by release",
        mended=stated(BACKUP, RELEASE),
    ),
    "a statement of an expired key": Row(
        policy=STATEMENT,
        subject=stated(EXPIRED),
        what=f"0 of 1 required signatures on a statement {TYPE}; release (01) expired after 2027-05-31T00:00:00Z",
        change=f"name another key in place of release in the rule, and add a statement {TYPE} signed by that",
        mended=stated(EXPIRED, BACKUP),
        mended_policy=STATEMENT.replace("[release]", "[backup]"),
    ),
    "a statement of an expired key, where any would do": Row(
        policy=f"default: {{statements: [{{predicate_type: '{TYPE}'}}]}}",
        subject=stated(EXPIRED),
        what=f"0 of 1 required signatures on a statement {TYPE}; release (01) expired after 2027-05-31T00:00:00Z",
        change=f"add a statement {TYPE} signed by another key",
        mended=stated(EXPIRED, BACKUP),
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_remedy_is_enough(name: str) -> None:
    row = ROWS[name]
    verdict = decide(parse_policy(row.policy.encode(), where="p"), row.subject)
    assert (row.what, row.change) in [(each.finding.what, each.finding.change) for each in verdict.denials]
    assert decide(parse_policy((row.mended_policy or row.policy).encode(), where="p"), row.mended).allowed


SOCKETS = Import(name="wasi:sockets/tcp@0.2.0")
NEW = replace(SUBJECT, imports=(SOCKETS,), previous=Previous(version="0.9.0", imports=()))
APPROVAL = "approvals:\n  - {{interface: 'wasi:sockets', components: [{0}], reason: r, approved_by: Ada, expires: {1}}}\n"


@pytest.mark.parametrize(
    ("components", "expires", "near"),
    [
        ("hello", "2027-05-01", "the approval at p:3 expired after 2027-05-01T23:59:59Z"),
        ("helo", "2027-07-01", "the approval at p:3 is for helo only"),
    ],
)
def test_an_approval_that_does_not_apply_is_named(components: str, expires: str, near: str) -> None:
    text = "default: {{new_imports: approved}}\n" + APPROVAL
    (found,) = decide(parse_policy(text.format(components, expires).encode(), where="p"), NEW).denials
    assert found.finding.what == f"it newly imports wasi:sockets/tcp, which version 0.9.0 does not; {near}"
    assert found.finding.change == "add an approval of wasi:sockets/tcp for hello, or remove the import"
    assert decide(parse_policy(text.format("hello", "2027-07-01").encode(), where="p"), NEW).allowed


def test_another_version_of_an_allowed_import() -> None:
    policy = parse_policy(b"default: {allowed_imports: [{interface: 'wasi:sockets', at_least: 0.3.0}, {interface: 'wasi:cli'}]}", where="p")
    (found,) = decide(policy, NEW).denials
    assert found.finding.change == (
        "remove the import of wasi:sockets/tcp@0.2.0, or import wasi:sockets/* at least 0.3.0, or add it to allowed_imports"
    )
    assert decide(policy, replace(NEW, imports=(Import(name="wasi:sockets/tcp@0.3.1"),))).allowed


OVERRIDE = "  - {{name: {0}, checks: [{1}], components: [{2}], registries: [{3}], reason: r, approved_by: Ada, expires: {4}}}\n"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (("x", "size", "hello", "ghcr.io", "2027-05-01"), "does not apply: it expired after 2027-05-01T23:59:59Z"),
        (("x", "size", "helo", "ghcr.io", "2027-07-01"), "does not apply: it is for helo only"),
        (("x", "size", "hello", "quay.io", "2027-07-01"), "does not apply: it is for quay.io only"),
        (("x", "signing", "hello", "ghcr.io", "2027-07-01"), "applies to signing until 2027-07-01T23:59:59Z"),
    ],
)
def test_an_override_that_does_not_help_says_why(entry: tuple[str, ...], words: str) -> None:
    text = "default: {max_size: 1}\noverrides:\n" + OVERRIDE.format(*entry)
    subject = replace(SUBJECT, size=3, registry=Registry(host="ghcr.io"))
    verdict = decide(parse_policy(text.encode(), where="p"), subject, ["x"])
    with pytest.raises(PolicyError) as caught:
        verdict.require()
    assert f"override x (p:3) {words}; make it smaller by 2 bytes" in str(caught.value)
    for lines in (verdict.lines(), explain(verdict)):
        assert any(f"x (p:3) {words}" in line for line in lines)


def test_what_an_override_allows_is_said_to_be_so() -> None:
    text = "default: {max_size: 1}\noverrides:\n"
    text += OVERRIDE.format("x", "size", "hello", "ghcr.io", "2027-07-01") + OVERRIDE.format("y", "tag", "hello", "ghcr.io", "2027-07-01")
    subject = replace(SUBJECT, size=3, registry=Registry(host="ghcr.io"))
    policy = parse_policy(text.encode(), where="p")
    assert decide(policy, subject, ["x", "y"]).summary == "allowed by default (p:1) with override x"
    assert decide(policy, replace(subject, size=1), ["x"]).summary == "allowed by default (p:1)"


def test_an_error_names_every_problem_and_its_rule() -> None:
    policy = parse_policy(b"always: {max_size: 1, tags: {denied: ['*']}}\ndefault: {signing: required}\n", where="p")
    with pytest.raises(PolicyError) as caught:
        decide(policy, replace(SUBJECT, size=2)).require(where="x")
    assert str(caught.value) == (
        "x: always (p:1) denies it: it has 2 bytes, more than 1 bytes; tag '1.0.0' is denied by the pattern *; default (p:2) denies "
        "it: it is not signed; make it smaller by 1 bytes; use another tag; sign it with a trusted key"
    )
    with pytest.raises(PolicyError, match="; 12 more problems; "):
        decide(policy, replace(SUBJECT, size=2, tags=tuple("abcdefghijklmnopqr"))).require()


@pytest.mark.parametrize(
    ("rule", "value", "what", "change"),
    [
        (
            "required_annotations: [{name: a, matches: x+}]",
            "y",
            "annotation a is 'y', which does not match x+",
            "set a to a value that matches x+",
        ),
        ("forbidden_annotations: [{name: a}]", "y", "annotation a is 'y'; a is forbidden", "remove a"),
        (
            "forbidden_annotations: [{name: a, contains: ^y}]",
            "yx",
            "annotation a is 'yx'; forbidden is a value that contains ^y",
            "remove a, or set a value that does not contain ^y",
        ),
        ("namespaces: [lib]", "", "it has no namespace", "use one that matches lib"),
    ],
)
def test_what_is_wanted_is_beside_what_is_there(rule: str, value: str, what: str, change: str) -> None:
    subject = replace(SUBJECT, annotations=(Annotation(name="a", value=value),))
    (found,) = decide(parse_policy(f"default: {{{rule}}}".encode(), where="p"), subject).denials
    assert (found.finding.what, found.finding.change) == (what, change)


def test_errors_about_a_whole_policy_name_its_file() -> None:
    with pytest.raises(FormatError, match=r"^policy\.yaml: the policy has no rule"):
        parse_policy(b"name: mine\n", where="policy.yaml")
    with pytest.raises(UsageError, match=r"^policy\.yaml: unknown override 'x'"):
        decide(parse_policy(b"name: mine\ndefault: {signing: required}\n", where="policy.yaml"), SUBJECT, ["x"])
    with pytest.raises(FormatError, match=r"^policy\.yaml: .*'signn' is not a predicate type; did you mean sign\?"):
        parse_policy(b"default: {statements: [{predicate_type: signn}]}\n", where="policy.yaml")


def test_every_denial_of_the_table_can_be_explained() -> None:
    denied = [verdict for row in ROWS_OF_DECISIONS if not (verdict := verdict_of(policy_of(row["policy"]), row, "publish")).allowed]
    assert len(denied) > 100
    for verdict in denied:
        assert all(each.finding.change for each in verdict.denials)
        assert list(explain(verdict))
