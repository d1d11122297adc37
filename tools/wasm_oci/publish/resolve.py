"""Puts a push or pull together from what the user gave: files, references, options, environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, UsageError
from wasm_oci.http.transport import Transport
from wasm_oci.oci.layout import Layout
from wasm_oci.oci.reference import Reference, check_tag
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.plan import Plan, make_plan
from wasm_oci.publish.registries import RegistryEntry, choose_registry, destination_at
from wasm_oci.publish.request import PushRequest
from wasm_oci.publish.source import LayoutSource, RegistrySource, Source
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.credentials import AuthSetting

DEFAULT_MOVABLE = frozenset({"latest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says over a request; None and empty leave the request as it is."""

    registry: str | None = None
    namespace: str | None = None
    tag: str | None = None
    signature: Path | None = None
    movable_tags: frozenset[str] = frozenset()
    move_tags: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what its result is to carry along."""

    plan: Plan
    tagged: str
    """Destination and tag, without the digest."""
    pinned: str
    """Destination and digest, without the tag."""
    notes: Mapping[str, Any] = field(default_factory=dict)


def make_transport() -> Transport:
    """Returns the transport of a run of a program."""
    return Transport()


def plan_request(request: PushRequest, overrides: Overrides, transport: Transport) -> Planned:
    """Plans what a publish target asks for, signed. Raises UsageError for an unknown registry or unusable names."""
    if request.layout is None:
        raise UsageError("the image is not signed yet", where=str(request.notes.get("target", "")), hint="sign it before it is planned")
    default = choose_registry(request.registries, request.default_registry).name if request.default_registry else ""
    entry: RegistryEntry = choose_registry(request.registries, overrides.registry or request.registry, default)
    namespace = request.namespace if overrides.namespace is None else overrides.namespace
    tag = check_tag(overrides.tag) if overrides.tag else request.tag
    artifact = load_artifact(request.layout, overrides.signature or request.signature)
    destination = entry.destination(namespace, request.repository, tag, transport=transport, environ=os.environ)
    movable = request.movable_tags | overrides.movable_tags
    plan = make_plan(artifact, destination, tag, movable=movable, move_tags=overrides.move_tags)
    return _planned(plan, notes=request.notes)


def plan_reference(folder: Path, reference: Reference, overrides: Overrides, transport: Transport) -> Planned:
    """Plans the push of a layout to a reference, which names a tag, the digest, or both."""
    if reference.tag is None and reference.digest is None:
        raise UsageError(f"{reference} names no tag", hint=f"write {reference}:TAG")
    artifact = load_artifact(folder, overrides.signature)
    if reference.digest not in (None, artifact.descriptor.digest):
        raise DigestError(f"the layout's manifest is {artifact.descriptor.digest}", where=str(reference), hint="push it without a digest")
    destination = destination_at(reference, transport=transport, environ=os.environ)
    movable = DEFAULT_MOVABLE | overrides.movable_tags
    return _planned(make_plan(artifact, destination, reference.tag, movable=movable, move_tags=overrides.move_tags))


def _planned(plan: Plan, notes: Mapping[str, Any] | None = None) -> Planned:
    name = plan.destination.name
    return Planned(
        plan=plan,
        tagged=f"{name}:{plan.tag.tag}" if plan.tag else name,
        pinned=f"{name}@{plan.artifact.descriptor.digest}",
        notes=notes or {},
    )


def open_source(text: str, transport: Transport) -> tuple[Source, bool]:
    """Returns what `text` names, a reference or a layout folder (DIR, DIR:TAG, DIR@DIGEST), and whether by digest."""
    if source := _open_layout(text):
        return source
    reference = Reference.parse(text)
    client = reading_client(reference, transport)
    return RegistrySource(reference.name, wanted(reference), client), reference.digest is not None


def wanted(reference: Reference) -> Digest | str:
    """Returns the digest of a reference, else its tag; raises UsageError where it has neither."""
    name = reference.digest or reference.tag
    if name is None:
        raise UsageError(f"{reference} names neither tag nor digest", hint=f"write {reference}:TAG or {reference}@sha256:…")
    return name


def reading_client(reference: Reference, transport: Transport) -> RegistryClient:
    """Returns a client that asks for the right to pull only, with the Docker and Podman credentials."""
    lookup = AuthSetting(entry=reference.registry).lookup(reference.registry, reference.repository, os.environ)
    return RegistryClient(reference, transport=transport, lookup=lookup)


def _open_layout(text: str) -> tuple[Source, bool] | None:
    """A folder is a layout here where it exists: no registry reference is one by accident."""
    if _is_folder(text):
        return LayoutSource(Layout.open(Path(text)), None), False
    folder, at, digest = text.rpartition("@")
    if at and _is_folder(folder):
        return LayoutSource(Layout.open(Path(folder)), Digest.parse(digest, where=text)), True
    folder, colon, tag = text.rpartition(":")
    if colon and _is_folder(folder):
        return LayoutSource(Layout.open(Path(folder)), check_tag(tag, where=text)), False
    return None


def _is_folder(text: str) -> bool:
    try:
        return Path(text).is_dir()
    except OSError:
        return False
