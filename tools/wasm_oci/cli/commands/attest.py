"""`wasm_oci attest`: signs a statement about a manifest, and attaches it."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.common.key_options import add_key_options, keys_of, passphrase_of
from wasm_oci.cli.common.registry_options import add_registry_options, registry_options
from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome

DESCRIPTION = """Sign a statement about a manifest, and attach it to the manifest.

The statement is an in-toto statement in a DSSE envelope, in a bundle of Sigstore: cosign 3 verifies it with the same public key.
It says of what type its predicate is, and the predicate is a JSON object that you give. Keys are Ed25519 in any form, or P-256 in PEM.

  wasm_oci attest ghcr.io/my-org/hello@sha256:… --predicate-type sign -k signing.secret
  wasm_oci attest ./hello_layout --predicate-type vsa --predicate verdict.json -k policy.pem

In a registry, a manifest is named by its digest, because a tag may move before it is signed. What is attached in a layout folder
is published with it, before the tag. `wasm_oci statements` verifies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", metavar="TARGET", help="host/repository@sha256:…, or a layout folder: ./DIR, /DIR or oci:DIR")
    parser.add_argument(
        "--predicate-type",
        required=True,
        metavar="TYPE",
        help="sign, vsa, slsaprovenance1, spdxjson, cyclonedx, openvex, custom, or any URI",
    )
    parser.add_argument("--predicate", type=Path, metavar="FILE", help="the predicate, a JSON object; that of sign is empty")
    parser.add_argument(
        "--cosign-legacy", action="store_true", help="for sign: add a signature under cosign's tag too, for programs that read no bundles"
    )
    add_key_options(parser)
    add_registry_options(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.publishing.attesting import StatementRequest, attest
    from wasm_oci.trust.predicate_types import SIGN, predicate_type

    kind = predicate_type(args.predicate_type, where="--predicate-type")
    if (kind == SIGN) == (args.predicate is not None):
        what = "the predicate of sign is empty" if kind == SIGN else f"a predicate of type {kind} is needed"
        raise UsageError(what, where="--predicate", hint="leave it out" if kind == SIGN else "give a file with a JSON object")
    request = StatementRequest(
        target=args.target,
        predicate_type=kind,
        predicate=_predicate(args.predicate) if args.predicate else {},
        keys=keys_of(args),
        cosign_legacy=args.cosign_legacy,
        registries=registry_options(args),
    )
    return attest(request, passphrase_of(args))


def _predicate(path: Path) -> JsonObject:
    return parse_object(read_bounded(path, LIMITS.statement, what="predicate"), where=str(path), limit=LIMITS.statement)
