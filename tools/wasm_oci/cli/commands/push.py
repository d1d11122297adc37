"""`wasm_oci push`: publishes an image layout, with a plan first."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.key_options import add_passphrase_options, passphrase_of
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.outcome import Outcome, error_document, report_error

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport
    from wasm_oci.publish.request import PushRequest
    from wasm_oci.publish.resolve import Planned

DESCRIPTION = """Publish an OCI image layout to a registry.

First a plan is made, by reading only. Then exactly that is done, in this order: blobs, manifest by digest,
signature, read-back, and the tag last. What is there is not sent again, and a run with nothing to do sends
nothing. A tag that exists with another digest is refused with exit code 7, unless it may move.

  wasm_oci push hello_layout ghcr.io/my-org/hello:1.0.0
  wasm_oci push hello_layout localhost:5000/hello:1.0.0 --signature-file hello.sig --dry-run

Credentials are those of `docker login` and `podman login`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("layout", nargs="?", type=Path, metavar="LAYOUT", help="folder of an OCI image layout with one image")
    parser.add_argument("reference", nargs="?", metavar="REFERENCE", help="where to, as host/repository:tag")
    parser.add_argument("--request", type=Path, metavar="FILE", help="request file of a publish target, instead of LAYOUT and REFERENCE")
    parser.add_argument("--registry", metavar="NAME", help="with --request: another registry, by its name or host")
    parser.add_argument("--namespace", help="with --request: another namespace")
    parser.add_argument("--tag", help="with --request: another tag")
    parser.add_argument("--signature-file", type=Path, metavar="FILE", help="detached signature that travels with the image")
    add_passphrase_options(parser)
    parser.add_argument("--dry-run", action=argparse.BooleanOptionalAction, help="stop after the plan; send nothing that writes")
    parser.add_argument("--move-tags", action="store_true", help="move a tag that exists with another digest")
    parser.add_argument(
        "--movable-tag", action="append", default=[], metavar="TAG", help="a tag that may move, beside latest; may be given several times"
    )


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.publish import resolve
    from wasm_oci.publish.publisher import publish
    from wasm_oci.publish.report import plan_text, result_text

    with ExitStack() as stack:
        transport = stack.enter_context(closing(resolve.make_transport()))
        planned, dry_run = _plan(args, transport, stack)
        plan = planned.plan
        document: JsonObject = {**planned.notes, "dryRun": dry_run, "reference": planned.pinned, "tagged": planned.tagged}
        document["digest"] = str(plan.artifact.descriptor.digest)
        if args.output == "text" and not args.quiet:
            sys.stdout.write(plan_text(plan))
            sys.stdout.flush()
        if dry_run:
            document |= {"status": "refused" if plan.refusal else "planned", "destinations": [plan.to_json()]}
            return _ended(plan.refusal, "Dry run: nothing was written", document)
        (result,) = publish([plan])
        document |= {"status": result.status, "destinations": [result.to_json()]}
        return _ended(result.error, result_text(result, planned.tagged, planned.pinned), document)


def _ended(error: WasmOciError | None, text: str, document: JsonObject) -> Outcome:
    """With an error: its line on stderr and its exit code, beside the record of what was done."""
    if error is None:
        return Outcome(text=text, document=document)
    report_error("wasm_oci", error, "text")
    return Outcome(text="", document=document | error_document(error), exit_code=error.exit_code)


def _plan(args: argparse.Namespace, transport: Transport, stack: ExitStack) -> tuple[Planned, bool]:
    """Plans; what is signed for it stays until `stack` is closed."""
    from wasm_oci.oci.reference import Reference, check_tag
    from wasm_oci.publish import resolve
    from wasm_oci.publish.request import read_request

    overrides = resolve.Overrides(
        registry=args.registry,
        namespace=args.namespace,
        tag=args.tag,
        signature=args.signature_file,
        movable_tags=frozenset(check_tag(tag, where="--movable-tag") for tag in args.movable_tag),
        move_tags=args.move_tags,
    )
    if args.request:
        if args.layout:
            raise UsageError("LAYOUT and REFERENCE are not for use with --request", hint="use --registry, --namespace and --tag")
        request = _signed(read_request(args.request, os.environ), args, stack)
        dry_run = request.dry_run if args.dry_run is None else args.dry_run
        return resolve.plan_request(request, overrides, transport), dry_run
    if args.passphrase_env or args.passphrase_file:
        raise UsageError("a passphrase is for signing, and a layout is signed or not already", hint="leave it out")
    if not args.reference:
        raise UsageError("LAYOUT and REFERENCE are needed", hint="write wasm_oci push LAYOUT host/repository:tag")
    for option in ("registry", "namespace", "tag"):
        if getattr(args, option) is not None:
            raise UsageError(f"--{option} changes a request file", hint="put it into REFERENCE")
    return resolve.plan_reference(args.layout, Reference.parse(args.reference), overrides, transport), bool(args.dry_run)


def _signed(request: PushRequest, args: argparse.Namespace, stack: ExitStack) -> PushRequest:
    """Makes the signature that the build left to this run; a detached one that is given counts instead."""
    if request.signing is None and (args.passphrase_env or args.passphrase_file):
        raise UsageError("this image needs no signature of this run", where=str(args.request), hint="leave the passphrase out")
    if request.signing is None or (args.signature_file and request.signing.image is None):
        return request
    from wasm_oci.publish.signing import signed

    layout, signature = stack.enter_context(signed(request.signing, request.layout, passphrase_of(args)))
    return replace(request, layout=layout, signature=signature)
