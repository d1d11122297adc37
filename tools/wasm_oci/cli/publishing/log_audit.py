"""`wasm_oci log audit`: whether registries serve what a log says was published."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.audit.monitor import compare, published_in
from wasm_oci.cli.common.registry_options import RegistryOptions, registry_options
from wasm_oci.cli.publishing.reached import reached
from wasm_oci.errors import UsageError
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.note import Verifier
from wasm_oci.log.verify import verified_records
from wasm_oci.outcome import GREEN, RED, Outcome, Painted
from wasm_oci.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """A log, and the registries that are compared with it."""

    folder: Path
    verifier: Verifier
    registries: tuple[str, ...]
    """Hosts, with or without the beginning of a repository's name; empty for all that the log has."""
    reach: RegistryOptions

    @staticmethod
    def of(args: argparse.Namespace, verifier: Verifier) -> AuditRequest:
        registries, reach = tuple(args.registry), registry_options(args)
        return AuditRequest(folder=args.folder, verifier=verifier, registries=registries, reach=reach)


def audit(request: AuditRequest) -> Outcome:
    """Verifies the log and compares; raises what verifying raises, and RegistryError or AuthError where a registry does not respond."""
    folder = LogFolder(request.folder)
    places = published_in(record for _, record in verified_records(folder, folder.checkpoint(request.verifier)))
    if request.registries:
        places = {name: place for name, place in places.items() if any(_is_at(name, registry) for registry in request.registries)}
    if not places:
        raise UsageError("the log has nothing that was published there", where=str(request.folder), hint="see `wasm_oci log show`")
    with reached(request.reach) as registries:
        findings = list(compare(places, registries.named_repository))
    tags = sum(len(place.tags) for place in places.values())
    unfinished = sorted(name for name, place in places.items() if place.unfinished)
    about = f"{counted(tags, 'tag')} in {len(places)} {'repository' if len(places) == 1 else 'repositories'}"
    lines: list[str] = [Painted(f"{each.destination}: {each.what}", RED) for each in findings]
    lines += [f"{name}: a run was killed, so that its tags may or may not be written" for name in unfinished]
    lines.append(f"{counted(len(findings), 'difference')}: {about}" if findings else Painted(f"As the log says: {about}", GREEN))
    document = {"repositories": sorted(places), "tags": tags, "findings": [each.to_json() for each in findings], "unfinished": unfinished}
    return Outcome(lines=lines, document=document, exit_code=4 if findings else 0)


def _is_at(name: str, registry: str) -> bool:
    return name == registry or name.startswith(f"{registry.rstrip('/')}/")
