"""The release that the arguments of `wasm_oci push` ask for."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from wasm_oci.cli.publishing.publish_options import overrides_of
from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError
from wasm_oci.oci.archive import ARCHIVE_PREFIX, ArchiveStore
from wasm_oci.oci.reference import check_tag
from wasm_oci.oci.target import LAYOUT_PREFIX, is_reference, layout_folder, local_place
from wasm_oci.publish.push import Overrides, release_of_layout, release_of_request
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.release_request import DestinationRequest, ReleaseRequest
from wasm_oci.publish.request import read_push_request
from wasm_oci.publish.resolve import NamedRepository
from wasm_oci.releases.sources import SourceSettings, named_reference, place_of, read_source_settings


def push_request(args: argparse.Namespace) -> ReleaseRequest:
    """Raises UsageError for arguments that do not go together, and what `read_push_request` raises."""
    return replace(_request(args, _overrides(args)), read_whole=args.read_back == "full")


def _overrides(args: argparse.Namespace) -> Overrides:
    tags = tuple(check_tag(tag, where="--tag") for tag in args.tag or ())
    return replace(overrides_of(args), namespace=args.namespace, tags=tags, signature=args.signature_file)


def _request(args: argparse.Namespace, overrides: Overrides) -> ReleaseRequest:
    with_passphrase = args.passphrase_env or args.passphrase_file
    if args.request:
        if args.registry_config:
            raise UsageError("the target has its own list", where="--registry-config", hint="set registry_config of the target")
        if args.layout:
            raise UsageError("LAYOUT and REFERENCE cannot be given with --request", hint="use --registry, --namespace and --tag")
        request = read_push_request(args.request, os.environ)
        if with_passphrase and request.signing is None and not request.statement_keys:
            raise UsageError("this image needs no signature of this run", where=str(args.request), hint="leave the passphrase out")
        return release_of_request(request, overrides)
    if with_passphrase:
        raise UsageError("a passphrase only applies to signing, and push does not sign a layout", hint="leave it out")
    if not args.reference:
        raise UsageError("LAYOUT and REFERENCE are needed", hint="write wasm_oci push LAYOUT host/repository:tag")
    if is_reference(str(args.layout)) and layout_folder(args.reference):
        raise UsageError(
            f"{args.layout} is a reference, and the layout comes first", hint=f"write wasm_oci push {args.reference} {args.layout}"
        )
    for option in ("registry", "namespace", "tag"):
        if getattr(args, option) is not None:
            raise UsageError(f"--{option} changes a request file", hint="put it into REFERENCE")
    if args.fail_fast is not None:
        raise UsageError("there is one destination only", where="--fail-fast", hint="leave it out")
    settings = read_source_settings(args.registry_config)
    destination, digest = _destination(args.reference, settings)
    overrides = replace(overrides, plain_http=overrides.plain_http | settings.plain_http)
    return replace(release_of_layout(_folder(args), destination, overrides, digest=digest), timeout=settings.timeout)


def _destination(text: str, settings: SourceSettings) -> tuple[DestinationRequest, Digest | None]:
    """Returns where to publish, and the digest that is named, if any; raises UsageError for a text with neither tag nor digest."""
    if local := local_place(text):
        entry = RegistryEntry(name=str(local.path), type="archive" if local.is_archive else "layout", path=str(local.path))
        place = NamedRepository(registries=(entry,), registry=entry.name, namespace="", repository="")
        tag, digest = local.tag, None
    else:
        reference, known = named_reference(text, settings)
        place, tag, digest = place_of(reference, known, settings), reference.tag, reference.digest
    if tag is None and digest is None:
        raise UsageError(f"{text} names no tag", hint=f"write {text}:TAG")
    return DestinationRequest(repository=place, tags=(tag,) if tag else ()), digest


def _folder(args: argparse.Namespace) -> Path:
    """Returns the folder of the layout; that of an archive goes with `args`."""
    text = str(args.layout)
    if not text.startswith(ARCHIVE_PREFIX):
        return Path(text.removeprefix(LAYOUT_PREFIX))
    args.archive = ArchiveStore(Path(text.removeprefix(ARCHIVE_PREFIX)))
    return Path(args.archive.folder)
