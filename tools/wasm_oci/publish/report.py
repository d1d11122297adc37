"""Plans and results in words for people."""

from __future__ import annotations

from collections.abc import Iterable

from wasm_oci.errors import one_line
from wasm_oci.publish.plan import Action, Plan, TagPlan
from wasm_oci.publish.publisher import Result


def plan_text(plan: Plan) -> str:
    """Returns what would be done, a line for each thing."""
    lines = [f"Plan for {plan.destination.name}"]
    for step in plan.blobs:
        blob = step.blob.descriptor
        lines.append(f"  {step.blob.role:<10}{blob.digest}  {step.action}, {blob.size} bytes")
    lines.append(f"  {'manifest':<10}{plan.artifact.descriptor.digest}  {plan.manifest}")
    if plan.artifact.signature and plan.referrer:
        lines.append(f"  {'referrer':<10}{plan.artifact.signature.descriptor().digest}  {plan.referrer} (carries the signature)")
    if plan.tag:
        lines.append(f"  {'tag':<10}{plan.tag.tag}  {_tag_words(plan.tag)}")
    lines.append(f"  credential: {plan.destination.credential_source}")
    return _text(lines)


def result_text(result: Result, tagged: str, pinned: str) -> str:
    """Returns what was done, from what the destination answered."""
    plan = result.plan
    if result.status == "unchanged":
        return _text([f"Unchanged: {tagged} is {plan.artifact.descriptor.digest} already; nothing was sent"])
    lines = [f"Published {tagged}", f"  reference {pinned}"]
    if plan.tag:
        lines.append(f"  tag       {plan.tag.tag}: {plan.tag.before or 'absent'} -> {result.tag_after}")
    if result.referrers:
        lines.append(f"  signature found by {result.referrers}")
    lines.append(f"  sent      {result.bytes_sent} bytes; {result.bytes_skipped} bytes were there")
    return _text(lines)


def _text(lines: Iterable[str]) -> str:
    """What comes from requests and registries forges no further lines or colours."""
    return "".join(f"{one_line(line)}\n" for line in lines)


def _tag_words(tag: TagPlan) -> str:
    if tag.action in (Action.MOVE, Action.REFUSE):
        return f"{tag.action}: it is {tag.before}"
    return str(tag.action)
