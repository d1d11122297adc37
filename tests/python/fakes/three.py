"""Requests for releases of three artifacts."""

from __future__ import annotations

from dataclasses import dataclass

from fakes.artifacts import Image
from fakes.program import tag_of
from fakes.release_files import NAMES
from instruments.registry import RunningRegistry
from wasm_oci.digest import Digest
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, IndexRequest, ReleaseRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Three:
    """Three artifacts, each with a repository of its name."""

    images: tuple[Image, ...]

    def request(self, *registries: RunningRegistry, tag: str = "v1", member_tag: str = "latest", dry_run: bool = False) -> ReleaseRequest:
        """Everything to each registry, with a release index there."""
        artifacts = tuple(
            ArtifactRequest(
                layout=image.folder,
                referrers=image.signatures,
                destinations=tuple(to(registry, f"apps/{name}", member_tag) for registry in registries),
                movable_tags=frozenset({"latest"}),
            )
            for name, image in zip(NAMES, self.images, strict=True)
        )
        indexes = tuple(
            IndexRequest(destination=to(registry, "releases", tag, "current"), movable_tags=frozenset({"current"}))
            for registry in registries
        )
        return ReleaseRequest(artifacts=artifacts, indexes=indexes, fail_fast=False, dry_run=dry_run)


def to(registry: RunningRegistry, name: str, *tags: str) -> DestinationRequest:
    return DestinationRequest(repository=Reference.parse(f"{registry.host}/{name}"), tags=tags)


def member_tags(registry: RunningRegistry, tag: str = "latest") -> list[Digest | None]:
    """What the tag of each of the three names."""
    return [tag_of(registry, f"apps/{name}", tag) for name in NAMES]
