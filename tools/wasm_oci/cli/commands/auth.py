"""`wasm_oci auth`: which credential a registry gets, and what it allows."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasm_oci.cli.common.registry_options import RegistryOptions, add_registry_options, registry_options
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.outcome import GREEN, YELLOW, Outcome, Painted, error_document, report_error

if TYPE_CHECKING:
    from wasm_oci.registry.login_check import LoginReport, Right

DESCRIPTION = """Show which credential a registry gets, and what it allows; never the credential itself.

  wasm_oci auth check ghcr.io/my-org/hello
  wasm_oci auth check ghcr.io/my-org/hello:1.0.0 --push --output json

`check` reads the manifest, or the list of tags. With --push it also opens an upload and cancels it at once; it writes nothing else."""

_LOGINS = {"bearer": "by a token", "basic": "by user name and password", "": "not asked for"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthCheckRequest:
    """A repository whose login is checked."""

    reference: str
    """`host/repository`, perhaps with a tag or digest."""
    push: bool
    registries: RegistryOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="check")
    check = add_subcommand(commands, "check", "log in to a repository's registry, and say what the credential may do there")
    check.add_argument("reference", metavar="REFERENCE", help="host/repository, host/repository:tag or host/repository@sha256:…")
    check.add_argument("--push", action="store_true", help="check the right to push too: open an upload session, and cancel it")
    add_registry_options(check)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.reached import reached

    request = AuthCheckRequest(reference=args.reference, push=args.push, registries=registry_options(args))
    with reached(request.registries) as registries:
        report = registries.login(request.reference, push=request.push)
    if report.error:
        report_error("wasm_oci", report.error, "text")
    document = report.to_json() | (error_document(report.error) if report.error else {})
    return Outcome(lines=list(_lines(report)), document=document, exit_code=report.error.exit_code if report.error else 0)


def _lines(report: LoginReport) -> Iterator[str]:
    yield report.repository
    yield f"  credential  {report.credential_source}"
    yield f"  login       {_LOGINS[report.scheme]}"
    yield f"  asked for   {report.asked}"
    if report.scheme == "bearer":
        yield f"  granted     {'the token does not say' if report.granted is None else report.granted or 'nothing'}"
    for right in report.rights:
        yield Painted(f"  {right.action:<11} {_answer(right)}", GREEN if right.allowed else YELLOW)


def _answer(right: Right) -> str:
    said = f" (status {right.status}{f', {right.code}' if right.code else ''})" if right.status and not right.allowed else ""
    answer = {True: "allowed", False: "refused", None: "unknown"}[right.allowed] + said
    return f"{answer}: {right.note}" if right.note else answer
