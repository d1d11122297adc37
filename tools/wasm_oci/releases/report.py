"""Releases in words for people, and as a document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from wasm_oci.jsontext import JsonObject
from wasm_oci.outcome import GREEN, Painted
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Stage
from wasm_oci.publish.planning import AnyPlan
from wasm_oci.publish.publisher import Result
from wasm_oci.publish.release import Release, ReleasedIndex
from wasm_oci.publish.report import artifact_document, plan_lines
from wasm_oci.releases.compare import Change, FoundRelease
from wasm_oci.wording import size_text

_SIGNS = {"new": "+", "changed": "~", "gone": "-"}


def planned_lines(plans: Sequence[AnyPlan]) -> list[str]:
    """Returns what would be done: every plan with something to do, and how many have nothing."""
    lines, idle = list[str](), 0
    for plan in plans:
        if not isinstance(plan, Plan) or plan.unknown or plan.refusal or plan.writes:
            lines += [line for line in plan_lines(plan) if not (_is_index(plan) and line.startswith("  signature: "))]
        elif plan.placing.stage is not Stage.BESIDE:
            idle += 1
    return lines + ([f"Unchanged: {idle} of {_count(plans)}"] if idle else [])


def _is_index(plan: AnyPlan) -> bool:
    return isinstance(plan, Plan) and plan.placing.stage is Stage.INDEX


def _count(plans: Sequence[AnyPlan]) -> int:
    return sum(not (isinstance(plan, Plan) and plan.placing.stage is Stage.BESIDE) for plan in plans)


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
    line = f"{artifacts} artifact{'s' * (artifacts != 1)} at {registries} registries: {total}"
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
        yield from (f"  tag       {tag.tag}: {tag.before or 'absent'} -> {result.tags_after[tag.tag] or 'absent'}" for tag in plan.tags)
    sent = sum(each.bytes_sent for each in (*members, *index.beside, result))
    yield f"  sent      {size_text(sent)}"


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
    yield f"  {len(release.index.members)} members; nothing is verified here"
    for member in release.index.members:
        tags = ", ".join(sorted(member.tags)) or "no tag"
        signatures = f", {len(member.referrers)} referrer{'s' * (len(member.referrers) != 1)}" if member.referrers else ""
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
