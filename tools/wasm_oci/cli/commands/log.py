"""`wasm_oci log`: a transparency log of what was published, in a folder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from wasm_oci.cli.common.key_options import keys_of, passphrase_of
from wasm_oci.cli.log.arguments import add_log_commands
from wasm_oci.cli.log.trusting import log_key_of, witnesses_of
from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome

if TYPE_CHECKING:
    from wasm_oci.cli.log.writing import InitRequest

DESCRIPTION = """Keep a transparency log of what was published, in a folder: a record, once appended, cannot be changed unnoticed.

  wasm_oci log init audit --origin example.com/audit -k log.secret
  wasm_oci push hello_layout ghcr.io/my-org/hello:1.0.0 --audit-log audit
  wasm_oci log show audit
  wasm_oci log verify audit --log-key example.com/audit+1a2b3c4d+AbCd… --since kept.checkpoint --keep kept.checkpoint

The files are those of c2sp.org/tlog-tiles, so that other programs verify them too; docs/log.md describes them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_log_commands(parser)


def run(args: argparse.Namespace) -> Outcome:
    match args.what:
        case "init":
            from wasm_oci.cli.log import writing

            request: InitRequest = writing.InitRequest(
                folder=args.folder, origin=args.origin, keys=keys_of(args), passphrase=passphrase_of(args)
            )
            return writing.init(request)
        case "append":
            from wasm_oci.cli.log import writing

            return writing.append_records(writing.AppendRequest(folder=args.folder, file=args.file, passphrase=passphrase_of(args)))
        case "show":
            from wasm_oci.cli.log import reading

            return reading.show(reading.ShowRequest(folder=args.folder, index=args.index, last=args.last, text=args.text))
        case "export":
            from wasm_oci.cli.log import reading

            verifier = log_key_of(args, args.folder)
            return reading.export(reading.ExportRequest(folder=args.folder, verifier=verifier, output=args.output_file))
        case "prove":
            from wasm_oci.cli.log import checking

            return checking.prove(checking.ProveRequest(folder=args.folder, index=args.index, output=args.output_file, record=args.record))
        case "cosign":
            from wasm_oci.cli.log import cosigning

            return cosigning.cosign_checkpoint(cosigning.CosignRequest.of(args, log_key_of(args, args.folder)))
        case "audit":
            from wasm_oci.cli.publishing import log_audit

            return log_audit.audit(log_audit.AuditRequest.of(args, log_key_of(args, args.folder)))
    return _verify(args)


def _verify(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.log import checking

    if bool(args.folder) == bool(args.proof) or bool(args.proof) != bool(args.record) or (args.proof and (args.since or args.keep)):
        hint = "give DIR, with --since and --keep if wanted, or --proof FILE with --record FILE"
        raise UsageError("these do not go together", where="log verify", hint=hint)
    verifier, witnesses = log_key_of(args, args.folder), witnesses_of(args)
    if args.proof:
        return checking.verify_proof(
            checking.VerifyProofRequest(proof=args.proof, record=args.record, verifier=verifier, witnesses=witnesses)
        )
    return checking.verify(
        checking.VerifyLogRequest(folder=args.folder, verifier=verifier, witnesses=witnesses, since=tuple(args.since), keep=args.keep)
    )
