"""`wasm_oci trusted-keys`: checks a trust store, and writes its normal form."""

from __future__ import annotations

import argparse
import posixpath
from pathlib import Path

from wasm_oci.errors import LimitError
from wasm_oci.files import read_bounded, write_file
from wasm_oci.jsontext import pretty
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome
from wasm_oci.trust.timestamps import now, parse_timestamp, timestamp_text
from wasm_oci.trust.trust import TrustedKey
from wasm_oci.trust.trust_store import bundled, document_of, load_trust_store, parse_trust_store

DESCRIPTION = """Check a trust store and show which of its keys count, now or --at another time.

The file is YAML or JSON: `keys`, a list with name, public_key or public_key_file, and where wanted not_before,
not_after, revoked and comment. With -o its normal form is written: sorted JSON that needs no other file.

  wasm_oci trusted-keys -i trusted.yaml
  wasm_oci trusted-keys -i trusted.yaml -o trusted.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="the trust store")
    parser.add_argument("-o", "--output-file", type=Path, metavar="FILE", help="where its normal form goes, as JSON")
    parser.add_argument("--at", metavar="TIME", help="which keys count at this date or time in UTC (default: now)")
    build = "of a build, which reads no other key files"
    parser.add_argument("--place", metavar="PATH", help=f"path of the trust store {build}")
    parser.add_argument("--file", nargs=2, action="append", default=[], metavar=("PATH", "FILE"), help=f"a key file {build}")
    parser.add_argument("--development-file", nargs=2, action="append", default=[], metavar=("PATH", "FILE"), help="one that it made")


def run(args: argparse.Namespace) -> Outcome:
    at = now() if args.at is None else parse_timestamp(args.at, where="--at")
    keys = load_trust_store(args.input_file) if args.place is None else _of_build(args)
    if args.output_file:
        normal_form = pretty(document_of(keys))
        if len(normal_form) > LIMITS.config_file:
            what = f"the normal form would be larger than {LIMITS.config_file} bytes"
            raise LimitError(what, where=str(args.input_file), hint="shorten the comments, or list fewer keys")
        write_file(args.output_file, normal_form)
    lines, entries = [], []
    for key in sorted(keys, key=lambda key: key.name):
        reason, words = key.refusal(at) or (None, "counts")
        lines.append(f"{key.name} ({key.public.key_id.hex()}): {words}{', made by a build' if key.development else ''}")
        entries.append({"name": key.name, "keyId": key.public.key_id.hex(), "counts": reason is None, "reason": reason})
    return Outcome(text="\n".join(lines), document={"at": timestamp_text(at), "keys": entries})


def _of_build(args: argparse.Namespace) -> tuple[TrustedKey, ...]:
    """Reads the store of a rule, whose key files have other paths in the build."""
    where = args.place or str(args.input_file)
    listed = [(path, file, made) for group, made in ((args.file, False), (args.development_file, True)) for path, file in group]
    files = {path: (read_bounded(Path(file), LIMITS.key_file, what="public key"), made) for path, file, made in listed}
    data = read_bounded(args.input_file, LIMITS.config_file, what="trust store")
    return parse_trust_store(data, bundled(files, posixpath.dirname(args.place), where=where), where=where)
