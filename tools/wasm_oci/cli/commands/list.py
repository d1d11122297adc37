"""`wasm_oci list`: the tags of a repository, and whose signatures are there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasm_oci.cli.common.registry_options import RegistryOptions, add_registry_options, registry_options
from wasm_oci.errors import UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome, report_error
from wasm_oci.wording import counted

if TYPE_CHECKING:
    from wasm_oci.oci.listing import ListedTag, Listing

DESCRIPTION = """List the tags of a repository, or of an OCI layout folder, in alphabetical order.

Each tag has its digest and the ids of the keys that signatures name. Nothing is verified: `wasm_oci pull` verifies.

  wasm_oci list ghcr.io/my-org/hello
  wasm_oci list ./hello_layout --output json"""

_DEFAULT = 100
_SHOWN = 3
"""Key ids that a line shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """One repository to list."""

    repository: str
    """`host/repository`, or a layout folder."""
    limit: int
    registries: RegistryOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("repository", metavar="REPOSITORY", help="host/repository, or a layout folder as ./DIR, /DIR or oci:DIR")
    parser.add_argument("--limit", type=int, default=_DEFAULT, metavar="N", help=f"how many tags at most (default: {_DEFAULT})")
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.reached import reached
    from wasm_oci.oci.listing import list_tags

    request = ListRequest(repository=args.repository, limit=args.limit, registries=registry_options(args))
    if not 1 <= request.limit <= LIMITS.listed_tags:
        raise UsageError(f"{request.limit} is out of range", where="--limit", hint=f"give a number from 1 to {LIMITS.listed_tags}")
    with reached(request.registries) as registries:
        listing = list_tags(registries.named_repository(request.repository), limit=request.limit)
    errors = [listed.error for listed in listing.tags if listed.error]
    for error in errors:
        report_error("wasm_oci", error, "text")
    document = {
        "repository": listing.repository,
        "total": listing.total,
        "tags": [listed.to_json() for listed in listing.tags],
    }
    return Outcome(lines=list(_lines(listing)), document=document, exit_code=errors[0].exit_code if errors else 0)


def _lines(listing: Listing) -> Iterator[str]:
    yield f"{listing.repository}: {counted(listing.total, 'tag')}; signatures are not verified here"
    for listed in listing.tags:
        yield f"  {listed.tag}"
        yield f"    {listed.digest or 'digest unknown'}  {_signed(listed)}"
    if listing.total > len(listing.tags):
        yield f"  {listing.total - len(listing.tags)} more: list them with --limit {min(listing.total, LIMITS.listed_tags)}"


def _signed(listed: ListedTag) -> str:
    key_ids = list(dict.fromkeys((*listed.embedded, *listed.detached)))
    if not key_ids:
        return "signers unknown" if listed.error else "not signed"
    more = f" and {len(key_ids) - _SHOWN} more" if len(key_ids) > _SHOWN else ""
    return f"not verified: claims {', '.join(f'key {key_id}' if key_id else 'a key without an id' for key_id in key_ids[:_SHOWN])}{more}"
