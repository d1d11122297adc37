"""`wasm_oci release show`, `diff` and `verify`: they read only."""

from __future__ import annotations

from collections.abc import Sequence

from wasm_oci.cli.common.registry_options import RegistryOptions
from wasm_oci.cli.publishing.reached import reached
from wasm_oci.errors import UsageError
from wasm_oci.outcome import GREEN, Outcome, Painted, report_error
from wasm_oci.releases.check import OpenRepository, check_release
from wasm_oci.releases.compare import FoundRelease, compare, read_release
from wasm_oci.releases.places import repositories_of
from wasm_oci.releases.reach import Reach
from wasm_oci.releases.report import change_lines, member_lines
from wasm_oci.trust.trust import Trust
from wasm_oci.wording import counted

COUNTS = {"show": 1, "diff": 2, "verify": 1}
"""How many releases each takes."""


def run(what: str, names: Sequence[str], *, trust: Trust | None, options: RegistryOptions) -> Outcome:
    """Raises UsageError for another number of names, and what reading a release raises."""
    if len(names) != COUNTS[what]:
        words = " ".join("REFERENCE" for _ in range(COUNTS[what]))
        wanted, given = counted(COUNTS[what], "reference"), len(names)
        raise UsageError(f"release {what} takes {wanted}, not {given}", hint=f"write wasm_oci release {what} {words}")
    with reached(options) as registries:
        found = [read_release(registries.target(name)) for name in names]
        if what == "show":
            return Outcome(lines=list(member_lines(found[0])), document=found[0].to_json())
        if what == "diff":
            return _diff(*found)
        return _verify(found[0], trust, registries)


def _diff(before: FoundRelease, after: FoundRelease) -> Outcome:
    changes = compare(before.index, after.index)
    document = {"before": str(before.digest), "after": str(after.digest), "changes": [change.to_json() for change in changes]}
    return Outcome(lines=list(change_lines(changes)), document=document)


def _verify(release: FoundRelease, trust: Trust | None, registries: Reach) -> Outcome:
    repositories: OpenRepository | None = repositories_of(release, registries.repository)
    findings = check_release(release, trust=trust, open_repository=repositories, interrupt=registries.transport.stop)
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
