"""What a `wasm_promote` target asks for, as its rule wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from wasm_oci import shape
from wasm_oci.http.host import check_host
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.request import RegistryEntries
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import Parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoteRequest:
    """What a promotion target asks for."""

    source: str
    """A reference."""
    destination: str
    """Host, or an entry's name, and repository."""
    tags: tuple[Annotated[str, Parsed(str, check_tag)], ...] = ()
    movable_tags: frozenset[str] = frozenset()
    registries: RegistryEntries = ()
    plain_http: frozenset[Annotated[str, Parsed(str, check_host)]] = frozenset()
    dry_run: bool = False
    target: str = ""


def read_promote_request(path: Path, environ: Mapping[str, str]) -> PromoteRequest:
    """Raises what `shape.read_request` raises, and UsageError for a registry entry or tag that cannot be used."""
    return shape.read_request(path, PromoteRequest, Runfiles(environ))
