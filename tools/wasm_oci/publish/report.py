"""Plans and results in words for people."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import TagConflictError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.outcome import GREEN, Painted
from wasm_oci.publish.confirm import ENDS, WHOLE
from wasm_oci.publish.gate import signature_warning
from wasm_oci.publish.plan import Plan, UnsignedPlan
from wasm_oci.publish.plan_steps import Action, TagPlan
from wasm_oci.publish.planning import AnyPlan
from wasm_oci.publish.release import ReleasedArtifact
from wasm_oci.publish.result import Result
from wasm_oci.wording import ShellCommand, Whole, counted, size_text

_READ = {WHOLE: "whole", ENDS: "by size and both ends"}


def plan_lines(plan: AnyPlan) -> list[str]:
    """Returns what would be done, a line for each thing."""
    if isinstance(plan, UnsignedPlan):
        return _unsigned_lines(plan)
    lines = [*_content_lines(plan), f"  signature: {plan.signatures}", *_policy_lines(plan), *_connection_lines(plan)]
    return lines + ([f"  not known: {plan.unknown}"] if plan.unknown else [])


def _unsigned_lines(plan: UnsignedPlan) -> list[str]:
    content = [f"Plan for {plan.destination.name}", f"  {'manifest':<10}digest not known: it depends on the signature, which is embedded"]
    content += [f"  {'tag':<10}{tag}  {f'is {before} now' if before else Action.UNKNOWN}" for tag, before in plan.tags]
    lines = _content_lines(plan.plan) if plan.plan else content
    if plan.plan:
        lines.append(f"  {'referrer':<10}digest not known: it is of the signature, which is detached")
    lines += [f"  signature: cannot be made: {plan.unknown}", *_policy_lines(plan), *_connection_lines(plan)]
    return lines + ([f"  not known: {plan.plan.unknown}"] if plan.plan and plan.plan.unknown else [])


def _policy_lines(plan: AnyPlan) -> list[str]:
    return [f"  policy: {plan.decision.words}"] if plan.decision.words else []


def _connection_lines(plan: AnyPlan) -> list[str]:
    connection = plan.destination.connection
    return [f"  credential: {plan.credential_source}", *([f"  connection: {connection}"] if connection else [])]


def _content_lines(plan: Plan) -> list[str]:
    lines = [f"Plan for {plan.destination.name}"]
    for step in plan.blobs:
        blob = step.blob.descriptor
        lines.append(f"  {step.blob.role:<10}{blob.digest}  {step.action}, {size_text(blob.size)}")
    lines.append(f"  {'manifest':<10}{plan.artifact.descriptor.digest}  {plan.manifest}")
    for referrer in plan.referrers:
        lines.append(f"  {'referrer':<10}{referrer.digest}  {referrer.action}{' (carries the signature)' * referrer.is_signature}")
    if plan.cosign:
        lines.append(f"  {'cosign':<10}{plan.cosign.tag}  {plan.cosign.action} (a tag that carries signatures)")
    return lines + [f"  {'tag':<10}{tag.tag}  {_tag_words(tag)}" for tag in plan.tags]


def result_lines(result: Result) -> list[str]:
    """Returns what was done, from what the destination answered."""
    plan = result.plan
    if result.status == "unchanged":
        lines = [f"Unchanged: {plan.tagged}; nothing was sent", f"  reference {plan.pinned}", f"  signature: {plan.signatures}"]
        return _headed(lines)
    lines = [f"Published {plan.tagged}", f"  reference {plan.pinned}"]
    lines += [f"  tag       {tag.tag}: {tag.before or 'absent'} -> {result.tags_after[tag.tag]}" for tag in plan.tags]
    for referrer in plan.referrers:
        if way := result.found_by.get(referrer.digest):
            lines.append(f"  {'signature' if referrer.is_signature else 'referrer'} found by {way}")
    if plan.cosign:
        lines.append(f"  cosign    signature under tag {plan.cosign.tag}")
    lines += [f"  read back {_proved(result)}", f"  signature: {plan.signatures}"]
    lines.append(f"  sent      {size_text(result.bytes_sent)}; {size_text(result.bytes_skipped)} already there")
    return _headed(lines) + (_next_lines(plan) if plan.artifact.component else [])


def _headed(lines: list[str]) -> list[str]:
    head, *rest = lines
    return [Painted(head, GREEN), *rest]


def _next_lines(plan: Plan) -> list[str]:
    """The command that fetches what was published."""
    name, store = plan.destination.name, plan.destination
    reference = shlex.quote(plan.pinned)
    known = next((_short(key.file) for key in plan.signatures.verified if key.file), None)
    keys = "--allow-unsigned" if plan.signatures.none else f"-K {shlex.quote(known) if known else 'PUBLIC_KEY'}"
    plain = f" --plain-http {name.partition('/')[0]}" if store.connection else ""
    options = f"-o {shlex.quote(name.rpartition('/')[2])}.wasm {keys}{plain}"
    return [ShellCommand(f"  next: wasm_oci pull {reference} {options}")]


def _short(path: str) -> str:
    """Returns a path as a user writes it: for a link in runfiles its file, relative to the current directory where it is below that."""
    if ".runfiles" not in path:
        return path
    file, here = Path(path).resolve(), Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _proved(result: Result) -> str:
    """What was read back by GET and compared, and how much of it."""
    manifests = {str(result.plan.artifact.descriptor.digest)}
    outcomes = [step.outcome for step in result.steps if step.name == "read back" and step.subject not in manifests]
    words = [
        "the manifest",
        *["every referrer"] * bool(result.plan.referrers),
        *["the tag"] * any(tag.action.writes for tag in result.plan.tags),
    ]
    counts = [f"{counted(count, 'blob')} {how}" for outcome, how in _READ.items() if (count := outcomes.count(outcome))]
    return ", ".join([*words, *counts])


def warnings_of(plans: Sequence[AnyPlan]) -> list[str]:
    """Returns what to tell a user about the signatures of what goes to other machines, and what policies warn of."""
    warnings = (signature_warning(plan.signatures, plan.destination) for plan in plans if not isinstance(plan, UnsignedPlan))
    return [*(warning for warning in warnings if warning), *(warning for plan in plans for warning in plan.decision.warnings)]


def artifact_document(released: ReleasedArtifact) -> JsonObject:
    """Returns an artifact's part of the result, with an entry for each destination."""
    first = released.plans[0]
    document: JsonObject = {**released.request.notes, "dryRun": not released.results, "reference": first.pinned, "tagged": first.tagged}
    if isinstance(first, UnsignedPlan):
        document |= {"digest": str(first.digest) if first.digest else None, "signers": None}
    else:
        document |= {"digest": str(first.artifact.descriptor.digest), "signers": first.signatures.to_json()}
    if warnings := warnings_of(released.plans):
        document["warnings"] = warnings
    done = released.results or released.plans
    return document | {"status": _status(released), "destinations": [each.to_json() for each in done]}


def _status(released: ReleasedArtifact) -> str:
    """The status of all destinations where they agree, else failed or published."""
    if not released.results:
        unknown = any(plan.unknown for plan in released.plans) and not any(plan.refusal for plan in released.plans)
        return "incomplete" if unknown else "refused" if released.error else "planned"
    found = {result.status for result in released.results}
    if len(found) == 1:
        return found.pop()
    if released.error:
        return "failed"
    return "published" if found <= {"published", "unchanged"} else "interrupted"


def errors_of(released: ReleasedArtifact) -> list[WasmOciError]:
    """Returns the different errors of all destinations, the one that decides the exit code first."""
    first = [released.error] if released.error else []
    rest = [result.error for result in released.results if result.error]
    rest += [error for plan in released.plans if not released.results and (error := plan.refusal or plan.unknown)]
    return list({str(error): error for error in (*first, *rest)}.values())


def summary_lines(artifacts: Sequence[ReleasedArtifact]) -> list[str]:
    """Returns a table with a row for each artifact at each destination, and a line with the counts; errors are in short."""
    rows = [_row(each) for artifact in artifacts for each in (artifact.results or artifact.plans)]
    head = ("destination", "status", "tags, or what failed")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in (0, 1)]
    lines = [Whole(f"{name:<{widths[0]}}  {status:<{widths[1]}}  {detail}".rstrip()) for name, status, detail in (head, *rows)]
    counts = Counter(status for _, status, _ in rows)
    total = f"{counted(len(rows), 'destination')}: {', '.join(f'{count} {status}' for status, count in counts.items())}"
    dry = not any(artifact.results for artifact in artifacts)
    good = set(counts) <= {"published", "unchanged"}
    return [*lines, f"Dry run: nothing was written; {total}" if dry else Painted(total, GREEN) if good else total]


def _row(each: Result | AnyPlan) -> tuple[str, str, str]:
    """Destination, status, and the error or what becomes of the tags."""
    if isinstance(each, Result):
        tags = ", ".join(_tag_change(tag.tag, tag.before, each.tags_after[tag.tag]) for tag in each.plan.tags)
        return each.plan.destination.name, each.status, _failure(each.plan, each.error) if each.error else tags
    error = each.refusal or each.unknown
    if error:
        return each.destination.name, "refused" if each.refusal else "unknown", _failure(each, error)
    if isinstance(each, UnsignedPlan):
        raise TypeError("a plan without a signature says why")
    tags = ", ".join(_tag_change(tag.tag, tag.before, tag.after) for tag in each.tags)
    return each.destination.name, "planned" if each.writes else "unchanged", tags


def _failure(plan: AnyPlan, error: WasmOciError) -> str:
    """An error in short: of tags that may not move which these are, since the error itself says the rest."""
    tags = plan.tags if isinstance(plan, Plan) and isinstance(error, TagConflictError) else ()
    return ", ".join(f"{tag.tag} stays at {short_digest(tag.before)}" for tag in tags if tag.action is Action.REFUSE) or error.what


def _tag_change(tag: str, before: Digest | None, after: Digest | None) -> str:
    return f"{tag}: {short_digest(after)}" if before == after else f"{tag}: {short_digest(before)} -> {short_digest(after)}"


def short_digest(digest: Digest | None) -> str:
    """Enough of a digest to tell it from another one."""
    return f"{digest.algorithm}:{digest.hex[:12]}" if digest else "absent"


def _tag_words(tag: TagPlan) -> str:
    if tag.action is Action.MOVE:
        return f"move from {tag.before}"
    if tag.action is Action.REFUSE:
        return f"refused: it already names {tag.before}"
    return str(tag.action)
