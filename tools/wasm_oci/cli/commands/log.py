"""`wasm_oci log`: a transparency log of what was published, in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.key_options import add_key_options, add_passphrase_options, keys_of, passphrase_of
from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.cli.log.trusting import add_log_key_options, log_key_of
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


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number from 0")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="init|append|show|verify|export|prove|audit")

    def command(name: str, summary: str, *, folder: bool = True) -> argparse.ArgumentParser:
        added = add_subcommand(commands, name, summary)
        added.add_argument("folder", type=Path, nargs=None if folder else "?", metavar="DIR", help="folder of the log")
        return added

    init = command("init", "make an empty log, which one key signs")
    init.add_argument("--origin", required=True, metavar="NAME", help="name of the log that no other one has, such as example.com/audit")
    add_key_options(init)
    append = command("append", "append records to a log")
    append.add_argument("file", metavar="FILE", help="JSON objects, one on each line; - is stdin")
    add_passphrase_options(append)
    show = command("show", "show the newest records, or one, without verifying the log")
    show.add_argument("index", type=_number, nargs="?", metavar="INDEX", help="number of one record, from 0")
    show.add_argument("--last", type=_number, default=20, metavar="N", help="how many (default: 20)")
    show.add_argument("--with", dest="text", metavar="TEXT", help="only records with this text in them, such as a digest")
    verify = command("verify", "verify a whole log, or with --proof one record without the log", folder=False)
    add_log_key_options(verify)
    since = "a checkpoint that was kept, which the log must follow; may be given several times"
    verify.add_argument("--since", type=Path, action="append", default=[], metavar="FILE", help=since)
    verify.add_argument("--keep", type=Path, metavar="FILE", help="write the checkpoint that was verified there, for --since next time")
    verify.add_argument("--proof", type=Path, metavar="FILE", help="a proof of `log prove`; needs --record")
    verify.add_argument("--record", type=Path, metavar="FILE", help="the record of --proof")
    export = command("export", "verify a log, and write all records to a file, one on each line")
    export.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where they go")
    add_log_key_options(export)
    prove = command("prove", "write a proof that a record is in the log, which verifies offline")
    prove.add_argument("index", type=_number, metavar="INDEX", help="number of the record, from 0")
    prove.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the proof goes (NAME.tlog-proof)")
    prove.add_argument("--record", type=Path, metavar="FILE", help="write the record there")
    audit = command("audit", "verify a log, and compare what it says with what registries serve now")
    only = "only what is there (default: everywhere); again for another"
    audit.add_argument("--registry", action="append", default=[], metavar="HOST", help=only)
    add_log_key_options(audit)
    add_registry_options(audit)


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
        case "audit":
            from wasm_oci.cli.publishing import log_audit

            return log_audit.audit(log_audit.AuditRequest.of(args, log_key_of(args, args.folder)))
    return _verify(args)


def _verify(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.log import checking

    if bool(args.folder) == bool(args.proof) or bool(args.proof) != bool(args.record) or (args.proof and (args.since or args.keep)):
        hint = "give DIR, with --since and --keep if wanted, or --proof FILE with --record FILE"
        raise UsageError("these do not go together", where="log verify", hint=hint)
    verifier = log_key_of(args, args.folder)
    if args.proof:
        return checking.verify_proof(checking.VerifyProofRequest(proof=args.proof, record=args.record, verifier=verifier))
    return checking.verify(checking.VerifyLogRequest(folder=args.folder, verifier=verifier, since=tuple(args.since), keep=args.keep))
