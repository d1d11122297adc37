"""The arguments of `wasm_oci log`."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.common.key_options import add_key_options, add_passphrase_options
from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.cli.log.trusting import add_log_key_options, add_witness_option


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number from 0")
    return int(text)


def add_log_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(dest="what", required=True, metavar="init|append|show|verify|export|prove|cosign|audit")

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
    add_witness_option(verify)
    export = command("export", "verify a log, and write all records to a file, one on each line")
    export.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where they go")
    add_log_key_options(export)
    prove = command("prove", "write a proof that a record is in the log, which verifies offline")
    prove.add_argument("index", type=_number, metavar="INDEX", help="number of the record, from 0")
    prove.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the proof goes (NAME.tlog-proof)")
    prove.add_argument("--record", type=Path, metavar="FILE", help="write the record there")
    cosign = command("cosign", "verify a log, and add a signature of yours to its checkpoint, as its witness")
    cosign.add_argument("--name", required=True, metavar="NAME", help="name of the witness, such as witness.example/w1")
    cosign.add_argument("--since", type=Path, metavar="FILE", help="the checkpoint that you cosigned last, which the log must follow")
    cosign.add_argument("--first", action="store_true", help="there is none yet")
    cosign.add_argument("--keep", type=Path, metavar="FILE", help="write the cosigned checkpoint there, for --since next time")
    add_log_key_options(cosign)
    add_key_options(cosign)
    audit = command("audit", "verify a log, and compare what it says with what registries serve now")
    only = "only what is there (default: everywhere); again for another"
    audit.add_argument("--registry", action="append", default=[], metavar="HOST", help=only)
    add_log_key_options(audit)
    add_registry_options(audit)
