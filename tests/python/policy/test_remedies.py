"""What a denial says to do makes the artifact allowed: each row follows its own remedy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Signer, Statement, Subject

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
