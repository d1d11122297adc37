"""Releases in words for people, and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from wasm_oci.digest import Digest
from wasm_oci.jsontext import JsonObject
from wasm_oci.outcome import GREEN, Painted
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Action, Stage
from wasm_oci.publish.planning import AnyPlan
from wasm_oci.publish.release import Release, ReleasedIndex
from wasm_oci.publish.report import artifact_document, plan_lines, short_digest
from wasm_oci.publish.result import Result
from wasm_oci.releases.compare import Change, FoundRelease
from wasm_oci.wording import Whole, counted, size_text

_IN_FULL = 20
"""As many plans of artifacts are shown in full."""
_SIGNS = {"new": "+", "changed": "~", "gone": "-"}


def planned_lines(plans: Sequence[AnyPlan]) -> list[str]:
    """Returns what would be done: every plan with something to do, and how many have nothing.

    Of many artifacts, each has one line, unless there is something to see to: a tag that may not move, or what is not known. What goes
    beside an index is counted there.
    """
    beside, short, full = dict[str, set[Digest]](), list[Plan](), list[AnyPlan]()
    idle = 0
    for plan in plans:
        if not isinstance(plan, Plan) or plan.unknown or plan.refusal:
            full.append(plan)
        elif plan.placing.stage is Stage.BESIDE:
            beside.setdefault(plan.placing.unit, set()).update([plan.artifact.descriptor.digest] if plan.writes else [])
        elif not plan.writes:
            idle += 1
        else:
            (short if plan.placing.stage is Stage.MEMBERS else full).append(plan)
    lines = _short_lines(short) if len(short) > _IN_FULL else [line for plan in short for line in plan_lines(plan)]
    lines += [line for plan in full for line in _full_lines(plan, beside)]
    return lines + ([f"Unchanged: {idle} of {idle + len(short) + len(full)}"] if idle else [])


def _short_lines(plans: Sequence[Plan]) -> list[str]:
    """A line for each of many artifacts, and once what most of them have in common."""
    lines = [f"Plan for {len(plans)} artifacts at their registries (in full with --output json)"]
    for plan in plans:
        tags = ", ".join(f"{tag.tag} {tag.action}" for tag in plan.tags)
        sent = sum(step.blob.descriptor.size for step in plan.blobs if step.action is Action.UPLOAD)
        lines.append(Whole(f"  {plan.destination.name}  {short_digest(plan.artifact.descriptor.digest)}  {tags}  {size_text(sent)}"))
    for name, values in (
        ("signature", Counter(str(plan.signatures) for plan in plans)),
        ("credential", Counter(plan.credential_source for plan in plans)),
    ):
        lines += [f"  {name}: {value}" + (f" ({count})" if len(values) > 1 else "") for value, count in values.items()]
    return lines + [f"  connection: {value}" for value in sorted({plan.destination.connection for plan in plans} - {""})]


def _full_lines(plan: AnyPlan, beside: Mapping[str, Collection[Digest]]) -> list[str]:
    if not isinstance(plan, Plan) or plan.placing.stage is not Stage.INDEX:
        return plan_lines(plan)
    head, *rest = (line for line in plan_lines(plan) if not line.startswith("  signature: "))
    count = len(beside.get(plan.placing.unit, ()))
    return [head, *([f"  {'beside':<10}{counted(count, 'manifest')} of its members"] if count else []), *rest]


def released_lines(release: Release) -> list[str]:
    """Returns what was done at each registry of the release, from what the registries answered, and a line with the counts of all."""
    lines = list[str]()
    for index in release.indexes:
        if result := index.result:
            lines += _index_lines(index, result, members_of(release, index))
    if len(release.indexes) > 1 and lines:
        lines.append(_total_line(release))
    return lines


def _total_line(release: Release) -> str:
    counts = Counter(result.status for artifact in release.artifacts for result in artifact.results)
    artifacts, registries = len(release.artifacts), len(release.indexes)
    total = ", ".join(f"{count} {status}" for status, count in counts.items())
    line = f"{counted(artifacts, 'artifact')} at {registries} registries: {total}"
    return Painted(line, GREEN) if set(counts) <= {"published", "unchanged"} else line


def members_of(release: Release, index: ReleasedIndex) -> list[Result]:
    """Returns the results of the artifacts at the registry of an index."""
    place = index.planned.unit.store.place
    return [result for artifact in release.artifacts for result in artifact.results if result.plan.destination.place == place]


def _index_lines(index: ReleasedIndex, result: Result, members: Sequence[Result]) -> Iterator[str]:
    plan, statuses = result.plan, Counter(each.status for each in members)
    words = {"published": f"Released {plan.tagged}", "unchanged": f"Unchanged: {plan.tagged}; nothing was sent"}
    head = words.get(result.status, f"Not released: {plan.tagged} ({result.status})")
    yield Painted(head, GREEN) if result.status in words else head
    yield f"  reference {plan.pinned}"
    yield f"  members   {len(members)}: {', '.join(f'{count} {status}' for status, count in sorted(statuses.items()))}"
    if result.status in ("published", "content sent", "failed"):
        yield from (f"  tag       {tag.tag}: {_moved(tag.before, result.tags_after[tag.tag])}" for tag in plan.tags)
    sent = sum(each.bytes_sent for each in (*members, *index.beside, result))
    yield f"  sent      {size_text(sent)}"


def _moved(before: Digest | None, after: Digest | None) -> str:
    return f"{before or 'absent'}, unchanged" if before == after else f"{before or 'absent'} -> {after or 'absent'}"


def release_document(release: Release) -> JsonObject:
    """Returns the result of a release: an entry for each artifact, and one for each index."""
    return {
        "dryRun": release.request.dry_run,
        "artifacts": [artifact_document(artifact) for artifact in release.artifacts],
        "releases": [_index_document(index) for index in release.indexes],
    }


def _index_document(index: ReleasedIndex) -> JsonObject:
    unit, done = index.planned.unit, index.result or index.planned.plan
    document: JsonObject = done.to_json() if done else {"destination": unit.store.name, "digest": None}
    document["currentRelease"] = str(unit.current_digest) if unit.current_digest else None
    document["beside"] = [each.to_json() for each in index.beside or index.planned.beside]
    return document


def member_lines(release: FoundRelease) -> Iterator[str]:
    """Yields what is in a release, a line for each member."""
    yield f"{release.target.store.name}@{release.digest}"
    yield f"  {counted(len(release.index.members), 'member')}; nothing is verified here"
    for member in release.index.members:
        tags = ", ".join(sorted(member.tags)) or "no tag"
        signatures = f", {counted(len(member.referrers), 'referrer')}" if member.referrers else ""
        yield f"  {member.repository}  {member.digest}  {tags}{signatures}"


def change_lines(changes: Sequence[Change]) -> Iterator[str]:
    """Yields a line for each difference, and one that counts them."""
    for change in changes:
        yield f"  {_SIGNS[change.kind]} {change.repository}  {_difference(change)}"
    counts = Counter(change.kind for change in changes)
    yield ", ".join(f"{counts[kind]} {kind}" for kind in _SIGNS) if changes else "No difference"


def _difference(change: Change) -> str:
    before, after = change.before, change.after
    if before and after:
        if before.digest != after.digest:
            return f"{before.digest} -> {after.digest}"
        if before.tags != after.tags:
            return f"tags {' '.join(sorted(before.tags)) or 'none'} -> {' '.join(sorted(after.tags)) or 'none'}"
        return "signatures or other referrers differ"
    member = after or before
    return str(member.digest) if member else ""
