"""What a `wasm_promote` target asks for, as its rule wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.request import PolicySettings
from wasm_oci.shape import Parsed, Runfile


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteRequest(PolicySettings):
    """What a promotion target asks for."""

    source: str = ""
    """A reference; empty where a target is named in its place."""
    source_release: Runfile | None = None
    """The request of a `wasm_release`, of which what was built is promoted."""
    source_publish: Runfile | None = None
    """The same of a publish target."""
    source_registry: str = ""
    """Where such a target published it, by the name or host of an entry; empty for its only registry."""
    destination: str
    """Host, or an entry's name, and repository."""
    tags: tuple[Annotated[str, Parsed(str, check_tag)], ...] = ()
    movable_tags: frozenset[str] = frozenset()
    enable_mirror_fallback: bool = False
    """Whether the source is read from its mirrors, by digest, where its registry does not respond."""
    cache_dir: str = ""
    """Where what is read by digest is kept; empty: nowhere."""
    dry_run: bool = False
    target: str = ""
