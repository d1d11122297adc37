"""What a `wasm_release` target asks for, as its rule wrote it: many publish requests, and the index that names all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import check_repository, check_tag
from wasm_oci.publish.push import Overrides, release_of_request
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, IndexRequest, ReleaseRequest
from wasm_oci.publish.request import PolicySettings, PushRequest, read_push_request, read_with_registries
from wasm_oci.publish.resolve import entry_of
from wasm_oci.shape import Parsed, Runfile
from wasm_oci.workspace_status import WorkspaceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFile(PolicySettings):
    """What a release target asks for."""

    requests: tuple[Runfile, ...] = ()
    """Those of publish targets and of images."""
    repository: Annotated[str, Parsed(str, check_repository)]
    """Of the release index, without what a registry's entry puts before it."""
    tag: str
    """This and the other tags are filled with values of the workspace status when the file is read."""
    extra_tags: tuple[str, ...] = ()
    movable_tags: frozenset[str] = frozenset()
    """Of the tags of the index; each artifact has its own."""
    stable_status: Runfile | None = None
    """The file of the workspace status; None where no tag has a place for one of its values."""
    target_registries: tuple[str, ...] = ()
    """Names of entries or hosts, in place of what each request names; empty: as each says."""
    fail_fast: bool = False
    dry_run: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """What the command line says over a release file; None and empty leave it as it is."""

    tags: tuple[str, ...] = ()
    """In place of the tag of the index; what else it is tagged with stays."""
    ask_all: bool = False
    changes: Overrides = field(default_factory=Overrides)
    """What it says of every artifact, and of the whole."""


def read_release_file(path: Path, environ: Mapping[str, str]) -> ReleaseFile:
    """Raises what `read_with_registries` raises, and UsageError for a tag that cannot be used."""
    file = read_with_registries(path, ReleaseFile, environ)
    status, where = WorkspaceStatus(file.stable_status), file.target or str(path)

    def tag(text: str) -> str:
        return check_tag(status.fill(text, where=f"{where}: {text!r}"), where=where)

    tags, movable = tuple(map(tag, file.extra_tags)), frozenset(map(tag, file.movable_tags))
    return replace(file, tag=tag(file.tag), extra_tags=tags, movable_tags=movable)


def release_of_file(file: ReleaseFile, options: ReleaseOptions, environ: Mapping[str, str]) -> ReleaseRequest:
    """Returns the release of all that a file names; raises UsageError where that is nothing, and what reading the requests raises."""
    return release_of_requests(file, [read_push_request(path, environ) for path in file.requests], options)


def release_of_requests(file: ReleaseFile, requests: list[PushRequest], options: ReleaseOptions) -> ReleaseRequest:
    """The same of publish requests that are read already."""
    if not requests:
        raise UsageError("there is nothing to release", where=file.target, hint="name images, or publish targets")
    found = [_release(file, request, options) for request in requests]
    artifacts = tuple(artifact for each in found for artifact in each.artifacts)
    changes = options.changes
    planned_only = file.dry_run or any(request.dry_run for request in requests)
    logs = {Path(file.audit_log)} if file.audit_log else {each.audit_log for each in found if each.audit_log}
    if len(logs) > 1 and not changes.audit_log:
        names = ", ".join(sorted(map(str, logs)))
        raise UsageError(f"what is released names several logs: {names}", where=file.target, hint="give --audit-log DIR")
    timeouts = [seconds for seconds in (file.timeout_seconds, *(each.timeout for each in found)) if seconds is not None]
    return ReleaseRequest(
        artifacts=artifacts,
        indexes=tuple(_indexes(file, artifacts, options)),
        dry_run=planned_only if changes.dry_run is None else changes.dry_run,
        plain_http=file.plain_http.union(*(each.plain_http for each in found)),
        ca_files=tuple(dict.fromkeys((*(text for each in found for text in each.ca_files), *file.ca_files))),
        fail_fast=file.fail_fast if changes.fail_fast is None else changes.fail_fast,
        timeout=max(timeouts, default=None),
        require_referrers_api=file.require_referrers_api or any(each.require_referrers_api for each in found),
        audit_log=changes.audit_log or next(iter(logs), None),
    )


def _release(file: ReleaseFile, request: PushRequest, options: ReleaseOptions) -> ReleaseRequest:
    """Returns what one publish request asks for, at the registries that are named for all, else where it says itself."""
    targets = options.changes.registries or file.target_registries
    if targets:
        known = {entry.name for entry in file.registries}
        own = tuple(entry for entry in request.registries if entry.name not in known)
        files = tuple(dict.fromkeys((*file.credential_files, *request.credential_files)))
        request = replace(request, registries=(*file.registries, *own), credential_files=files)
    policy = options.changes.policy.with_other(file.policy)
    return release_of_request(request, replace(options.changes, registries=targets, policy=policy))


def _indexes(file: ReleaseFile, artifacts: tuple[ArtifactRequest, ...], options: ReleaseOptions) -> Iterator[IndexRequest]:
    """Yields an index for each registry that something goes to, in their order."""
    tags = (*(options.tags or (file.tag,)), *file.extra_tags)
    seen: set[tuple[str, str]] = set()
    for artifact in artifacts:
        for destination in artifact.destinations:
            location = entry_of(destination.named).location
            if location in seen:
                continue
            seen.add(location)
            own = replace(destination.named, namespace="", repository=file.repository)
            yield IndexRequest(
                destination=DestinationRequest(repository=own, tags=tags),
                movable_tags=file.movable_tags | options.changes.movable_tags,
                move_tags=options.changes.move_tags,
                ask_all=options.ask_all,
                policy=options.changes.policy.with_other(file.policy),
                statement_keys=file.policy.statement_keys,
            )
