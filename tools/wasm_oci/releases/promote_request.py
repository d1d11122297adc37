"""What a `wasm_promote` target asks for, as its rule wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from wasm_oci import shape
from wasm_oci.http.host import check_host
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.request import RegistriesFile, RegistryEntries, check_timeout
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import Parsed, Runfile


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
    registries_file: Runfile | None = None
    """What takes the place of the registries, and of all that is said about them here."""
    credential_files: tuple[str, ...] = ()
    timeout_seconds: Annotated[int, Parsed(int, check_timeout)] | None = None
    """Longest silence of a registry; None for the program's own limit."""
    plain_http: frozenset[Annotated[str, Parsed(str, check_host)]] = frozenset()
    dry_run: bool = False
    target: str = ""


def read_promote_request(path: Path, environ: Mapping[str, str]) -> PromoteRequest:
    """Raises what `shape.read_request` raises, and UsageError for a registry entry or tag that cannot be used."""
    request = shape.read_request(path, PromoteRequest, Runfiles(environ))
    if request.registries_file is None:
        return request
    file = shape.read_request(request.registries_file, RegistriesFile)
    return replace(
        request,
        registries=file.registries,
        plain_http=file.plain_http,
        credential_files=file.credential_files,
        timeout_seconds=file.timeout_seconds,
    )
