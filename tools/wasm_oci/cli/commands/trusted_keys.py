"""`wasm_oci trusted-keys`: checks a trust store, and writes its normal form."""

from __future__ import annotations

import argparse
import posixpath
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.arguments import any_text
from wasm_oci.errors import LimitError, UsageError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildKeyFile:
    """A key file of a build: by which path the trust store names it, and where it is."""

    place: str
    file: Path
    development: bool
    """Whether the build made the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeysRequest:
    """One trust store to check."""

    input: Path
    output: Path | None
    """Where its normal form goes."""
    at: str | None
    """The date or time for which the result is; None is now."""
    place: str | None
    """The trust store's path in a build, empty where a rule wrote it; then no key files are read but `key_files`."""
    key_files: tuple[BuildKeyFile, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="the trust store")
    parser.add_argument("-o", "--output-file", type=Path, metavar="FILE", help="where its normal form goes, as JSON")
    parser.add_argument("--at", metavar="TIME", help="which keys count at this date or time in UTC (default: now)")
    build = "of a build, which reads no other key files"
    parser.add_argument("--place", type=any_text, metavar="PATH", help=f"path of the trust store {build}")
    parser.add_argument("--file", type=Path, action="append", default=[], metavar="FILE", help=f"a key file {build}")
    paths = {
        "--file-path": (_given, "path that the trust store gives the --file in the same position"),
        "--development-path": (_generated, "the same for a key that the build generated"),
    }
    for option, (kind, words) in paths.items():
        parser.add_argument(option, type=kind, dest="paths", action="append", default=[], metavar="PATH", help=words)


def _given(path: str) -> tuple[str, bool]:
    return path, False


def _generated(path: str) -> tuple[str, bool]:
    return path, True


def run(args: argparse.Namespace) -> Outcome:
    request = _of_flags(args)
    at = now() if request.at is None else parse_timestamp(request.at, where="--at")
    keys = load_trust_store(request.input) if request.place is None else _of_build(request, request.place)
    if request.output:
        normal_form = pretty(document_of(keys))
        if len(normal_form) > LIMITS.config_file:
            what = f"the normal form would be larger than {LIMITS.config_file} bytes"
            raise LimitError(what, where=str(request.input), hint="shorten the comments, or list fewer keys")
        write_file(request.output, normal_form)
    lines, entries = [], []
    for key in sorted(keys, key=lambda key: key.name):
        reason, words = key.refusal(at) or (None, "counts")
        lines.append(f"{key.name} ({key.public.key_id.hex()}): {words}{', made by a build' if key.development else ''}")
        entries.append({"name": key.name, "keyId": key.public.key_id.hex(), "counts": reason is None, "reason": reason})
    return Outcome(lines=lines, document={"at": timestamp_text(at), "keys": entries})


def _of_flags(args: argparse.Namespace) -> TrustedKeysRequest:
    if len(args.file) != len(args.paths):
        what = f"{len(args.file)} key files have {len(args.paths)} paths"
        raise UsageError(what, where="--file", hint="give each --file one --file-path or --development-path")
    return TrustedKeysRequest(
        input=args.input_file,
        output=args.output_file,
        at=args.at,
        place=args.place,
        key_files=tuple(
            BuildKeyFile(place=path, file=file, development=development)
            for (path, development), file in zip(args.paths, args.file, strict=True)
        ),
    )


def _of_build(request: TrustedKeysRequest, place: str) -> tuple[TrustedKey, ...]:
    """Reads the store of a rule, whose key files have other paths in the build."""
    where = place or str(request.input)
    files = {key.place: (read_bounded(key.file, LIMITS.key_file, what="public key"), key.development) for key in request.key_files}
    data = read_bounded(request.input, LIMITS.config_file, what="trust store")
    return parse_trust_store(data, bundled(files, posixpath.dirname(place), where=where), where=where)
