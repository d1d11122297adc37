"""`wasm_oci release show`, `diff` and `verify`: they read only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError
from wasm_oci.outcome import GREEN, Outcome, Painted, report_error
from wasm_oci.publish import resolve
from wasm_oci.releases.check import OpenRepository, check_release
from wasm_oci.releases.compare import FoundRelease, compare, read_release
from wasm_oci.releases.places import repositories_of
from wasm_oci.releases.report import change_lines, member_lines
from wasm_oci.trust.trust import Trust
from wasm_oci.wording import counted

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport

COUNTS = {"show": 1, "diff": 2, "verify": 1}
"""How many releases each takes."""


def run(what: str, names: Sequence[str], *, trust: Trust | None, plain_http: Sequence[str], ca_files: Sequence[str]) -> Outcome:
    """Raises UsageError for another number of names, and what reading a release raises."""
    if len(names) != COUNTS[what]:
        words = " ".join("REFERENCE" for _ in range(COUNTS[what]))
        wanted, given = counted(COUNTS[what], "reference"), len(names)
        raise UsageError(f"release {what} takes {wanted}, not {given}", hint=f"write wasm_oci release {what} {words}")
    with closing(resolve.make_transport(resolve.plain_http_hosts(plain_http), ca_files=ca_files)) as transport:
        found = [read_release(resolve.open_target(name, transport, os.environ)) for name in names]
        if what == "show":
            return Outcome(lines=list(member_lines(found[0])), document=found[0].to_json())
        if what == "diff":
            return _diff(*found)
        return _verify(found[0], trust, transport)


def _diff(before: FoundRelease, after: FoundRelease) -> Outcome:
    changes = compare(before.index, after.index)
    document = {"before": str(before.digest), "after": str(after.digest), "changes": [change.to_json() for change in changes]}
    return Outcome(lines=list(change_lines(changes)), document=document)


def _verify(release: FoundRelease, trust: Trust | None, transport: Transport) -> Outcome:
    repositories: OpenRepository | None = repositories_of(release, transport, os.environ)
    findings = check_release(release, trust=trust, open_repository=repositories, interrupt=transport.stop)
    for finding in findings:
        report_error("wasm_oci", finding.error, "text")
    document = {
        "target": release.target.store.name,
        "digest": str(release.digest),
        "members": len(release.index.members),
        "signaturesVerified": bool(trust) and not findings,
        "findings": [finding.to_json() for finding in findings],
    }
    signed = "signed by the given keys" if trust else "signatures not verified: give -K or --trusted-keys"
    members = f"{counted(len(release.index.members), 'member')}, all there"
    lines = [Painted(f"Whole: {release.target.store.name}@{release.digest}", GREEN), f"  {members}, {signed}"]
    return Outcome(lines=[] if findings else lines, document=document, exit_code=4 if findings else 0)
