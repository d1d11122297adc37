"""Acts as planned: blobs, manifest by digest, referrers, read-back, and the tags last.

Whatever fails, each tag is as it was or as planned; a result says of each step what the destination answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import product

from wasm_oci.attest.legacy import add_legacy_signatures
from wasm_oci.digest import Digest
from wasm_oci.errors import AuthError, DigestError, NotFoundError, RegistryError, TagConflictError, WasmOciError
from wasm_oci.http.outages import Outages
from wasm_oci.oci.referrers import require_referrers_api
from wasm_oci.oci.store import NOT_STORED, MountingStore, find_tag, tagged_digest
from wasm_oci.progress import SILENT, Phase, Progress
from wasm_oci.publish.confirm import WHOLE, confirm_blobs, confirm_manifest, confirm_referrers, finish, manifest_lost
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Action, BlobPlan, Stage, TagPlan
from wasm_oci.publish.result import NOT_STARTED, Result, Step, recorded
from wasm_oci.publish.workers import Once, Work, do_all

_IN_PROGRESS = "in progress"
_CONTENT_SENT = "content sent"


def carry_out(
    results: Sequence[Result],
    *,
    fail_fast: bool = True,
    read_whole: bool = False,
    outages: Outages | None = None,
    interrupt: Callable[[], None] = lambda: None,
    progress: Progress = SILENT,
) -> None:
    """Carries out the plans of results in two phases, content to all destinations, then tags; the results tell what happened.

    In both phases one stage follows the other. Several are carried out at a time, see `do_all`, which calls `interrupt`.
    Errors are in the results; any other exception is raised, and the results say how far this came. A plan that is refused or not
    known is not carried out. With `fail_fast`, one such plan is enough that nothing is written anywhere; after any other error nothing
    further is begun and no tag is written. Without it, that is so in the unit of the plan, where it has one. With `read_whole` large
    blobs are read back whole too.
    """
    outages, failed = outages or Outages(), set[str]()
    for result in results:
        if error := result.plan.refusal or result.plan.unknown:
            result.status, result.error = "failed", error
            failed.add(result.plan.placing.unit)

    def attempt(result: Result, phase: Callable[[Result, Phase], str], shown: Phase) -> None:
        unit = result.plan.placing.unit
        if failed and (fail_fast or (unit and unit in failed)):
            return
        result.status = _IN_PROGRESS
        try:
            with shown.began(result.plan.tagged), outages.watch(result.plan.destination.place):
                result.status = phase(result, shown)
        except WasmOciError as err:
            result.status, result.error = "failed", err
            failed.add(unit)

    phases: tuple[tuple[str, str, Callable[[Result, Phase], str]], ...] = (
        (NOT_STARTED, "sending content", partial(_send_content, sent=Once(), whole=read_whole)),
        (_CONTENT_SENT, "writing tags", _write_tags),
    )
    try:
        for (status, name, phase), stage in product(phases, Stage):
            pending = [result for result in results if result.status == status and result.plan.placing.stage is stage]
            size = sum(step.blob.descriptor.size for result in pending for step in result.plan.blobs if step.action.writes)
            if not pending:
                continue
            with progress.phase(name, count=len(pending), size=size if status == NOT_STARTED else 0) as shown:
                work = (Work(place=each.plan.destination.place, run=partial(attempt, each, phase, shown)) for each in pending)
                do_all(work, interrupt=interrupt)
    except BaseException:
        for result in results:
            if result.status == _IN_PROGRESS:
                result.status = "interrupted"
        raise
    published = [result for result in results if result.status == "published"]
    errors = finish(result.plan.destination for result in published)
    for result in published:
        if error := errors.get(result.plan.destination.identity):
            result.status, result.error = "failed", error


def _send_content(result: Result, shown: Phase, *, sent: Once, whole: bool) -> str:
    """Sends all but the tags; returns the status that the result then has."""
    plan = result.plan
    destination, artifact = plan.destination, plan.artifact
    if not plan.writes:
        return "unchanged"
    for step in plan.blobs:
        subject = str(step.blob.descriptor.digest)
        if step.action is Action.EXISTS:
            result.steps.append(Step(name="blob", subject=subject, outcome="exists"))
            continue
        with recorded(result, "blob", subject):
            result.bytes_sent += _put_blob(plan, step, shown, sent)
            step.blob.proof()
    digest = artifact.descriptor.digest
    if plan.manifest is Action.CREATE:
        with recorded(result, "manifest", str(digest)):
            destination.put_manifest(artifact.descriptor, artifact.manifest.raw, child=plan.placing.child)
            result.bytes_sent += artifact.descriptor.size
    else:
        result.steps.append(Step(name="manifest", subject=str(digest), outcome="exists"))
    if plan.require_referrers_api:
        require_referrers_api(destination, digest, exists=True)
    for referrer in plan.referrers:
        if referrer.action is not Action.CREATE:
            continue
        with recorded(result, "referrer", str(referrer.digest)):
            result.found_by[referrer.digest] = referrer.store(destination)
            result.bytes_sent += referrer.manifest.descriptor().size
    _read_back(result, whole=whole)
    if plan.cosign and plan.cosign.action.writes:
        with recorded(result, "cosign signature", plan.cosign.tag):
            add_legacy_signatures(destination, plan.cosign.signatures)
    return _CONTENT_SENT if any(tag.action.writes for tag in plan.tags) else "published"


def _put_blob(plan: Plan, step: BlobPlan, shown: Phase, sent: Once) -> int:
    """Stores a blob that is missing, by a mount where the registry has it in another repository; returns the bytes that were sent.

    What several artifacts need in one repository is stored once: registries are known to mix up what is sent twice at the same time.
    """
    destination, blob, source = plan.destination, step.blob, plan.placing.mount_from
    with sent.first((destination.identity, blob.descriptor.digest)) as missing:
        content = blob.counted(shown.sent)
        if not missing:
            return 0
        if source and isinstance(destination, MountingStore):
            return destination.mount_blob(blob.descriptor, content, source)
        return destination.put_blob(blob.descriptor, content, missing=True)


def _read_back(result: Result, *, whole: bool) -> None:
    """Raises where the destination does not give back what it was given; the steps say what was read of each thing."""
    digest = str(result.plan.artifact.descriptor.digest)
    try:
        for blob, proved in confirm_blobs(result.plan, whole=whole):
            result.steps.append(Step(name="read back", subject=str(blob.descriptor.digest), outcome=proved))
        result.shown = confirm_manifest(result.plan)
        confirm_referrers(result.plan)
    except WasmOciError:
        result.steps.append(Step(name="read back", subject=digest, outcome="failed"))
        raise
    result.steps.append(Step(name="read back", subject=digest, outcome=WHOLE if result.shown else "hidden until it has a tag"))


def _write_tags(result: Result, _shown: Phase) -> str:
    """Writes the tags of content that is sent; returns the status that the result then has."""
    for tag in result.plan.tags:
        if tag.action.writes:
            _write_tag(result, tag)
    if not result.shown:
        digest = str(result.plan.artifact.descriptor.digest)
        with recorded(result, "read back", digest):
            if not confirm_manifest(result.plan):
                raise manifest_lost(result.plan)
    return "published"


def _write_tag(result: Result, tag: TagPlan) -> None:
    destination = result.plan.destination
    current = _read_tag(result, tag)
    if current not in (tag.before, tag.after):
        raise TagConflictError(
            f"tag {tag.tag} was {tag.before or 'absent'} when this was planned and is {current or 'absent'} now",
            where=destination.name,
            hint="another program publishes the same tag: run again",
        )
    outcome, now = "exists", current
    if current != tag.after:
        outcome = _put_tag(result, tag)
        now = _confirm_tag(result, tag)
    if now != tag.after:
        result.steps.append(Step(name="tag", subject=tag.tag, outcome="failed"))
        raise RegistryError(
            f"tag {tag.tag} was accepted as {tag.after}, and is {now or 'absent'}",
            where=destination.name,
            hint=NOT_STORED,
            reason="tag_not_stored",
        )
    result.steps.append(Step(name="tag", subject=tag.tag, outcome=outcome))


def _read_tag(result: Result, tag: TagPlan) -> Digest | None:
    """A last look: that the tag is absent was confirmed by the plan, and one answer that it still is suffices."""
    if tag.before is None:
        return _confirm_tag(result, tag)
    result.tags_after[tag.tag] = find_tag(result.plan.destination, tag.tag, tag.after)
    return result.tags_after[tag.tag]


def _confirm_tag(result: Result, tag: TagPlan) -> Digest | None:
    """Returns the digest of the content that the tag gives."""
    result.tags_after[tag.tag] = None
    with suppress(NotFoundError):
        result.tags_after[tag.tag] = tagged_digest(result.plan.destination, tag.tag, tag.after)
    return result.tags_after[tag.tag]


def _put_tag(result: Result, tag: TagPlan) -> str:
    """Writes the tag; where that fails or its response is lost, what counts is what the tag says then."""
    artifact = result.plan.artifact
    try:
        result.plan.destination.put_manifest(artifact.descriptor, artifact.manifest.raw, tag.tag)
    except (RegistryError, AuthError, DigestError, TagConflictError) as err:
        result.tags_after[tag.tag] = None
        try:
            now = _confirm_tag(result, tag)
        except WasmOciError:
            result.steps.append(Step(name="tag", subject=tag.tag, outcome="unknown"))
            err.hint = f"whether tag {tag.tag} was written is not known, because it cannot be read now: run again"
            raise err from None
        if now == tag.after and not isinstance(err, DigestError):
            return "done (found by reading)"
        result.steps.append(Step(name="tag", subject=tag.tag, outcome="failed"))
        if isinstance(err, TagConflictError) and now is None:
            raise RegistryError(f"{err.what}; the tag does not exist", where=err.where, hint=err.hint, reason="tag_refused") from err
        raise
    except BaseException:
        result.tags_after[tag.tag] = None
        result.steps.append(Step(name="tag", subject=tag.tag, outcome="unknown"))
        raise
    return "done"
