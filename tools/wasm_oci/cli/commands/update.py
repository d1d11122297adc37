"""`wasm_oci update`: the digests that a Bazel module pins, from the tags, verified."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.cli.common.registry_options import add_ca_file_option
from wasm_oci.files import file_type, read_bounded, write_file
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import GREEN, YELLOW, Outcome, Painted

if TYPE_CHECKING:
    from wasm_oci.pins.pinning import Pin

DESCRIPTION = """Write the digests of what the tags of oci_wasm.pull in MODULE.bazel name, and the lock file.

Each component is fetched and verified first, with the keys and the policy of its tag, as the build will do it: where one of them is
refused, nothing is written. A tag keeps its name: change it by hand, or have Renovate do so, and run this.

  wasm_oci update
  bazel run @rules_wasm_oci//tools:update -- --check

With --check nothing is written, and the exit code is 2 where something would change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRequest:
    """A module file whose pins are made anew."""

    module_file: Path | None
    """None: that of the current folder, or of the nearest one above."""
    check: bool
    ca_files: tuple[str, ...]
    """`host[:port]=FILE` each."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module_file", type=Path, nargs="?", metavar="MODULE.bazel", help="the file (default: here or above)")
    parser.add_argument("--check", action="store_true", help="show what would change, and write nothing")
    add_ca_file_option(parser)


def run(args: argparse.Namespace) -> Outcome:
    from wasm_oci.pins.module_file import find_module_file, read_module_file
    from wasm_oci.pins.pinning import lock_files, make_pin
    from wasm_oci.publish import resolve

    request = UpdateRequest(module_file=args.module_file, check=args.check, ca_files=tuple(args.ca_file))
    module = read_module_file(request.module_file or find_module_file(Path.cwd()))
    with closing(resolve.make_transport(ca_files=request.ca_files)) as transport:
        pins = [make_pin(pull, transport=transport, environ=os.environ) for pull in module.pulls]
    files = {**lock_files(pins), module.path: module.with_digests({pin.pull.name: pin.digest for pin in pins})}
    changed = [path for path, data in files.items() if _content(path) != data]
    if not request.check:
        for path in changed:  # the lock files first: a build refuses one that is of another digest
            write_file(path, files[path], what="module file" if path == module.path else "lock file")
    verb = "would change" if request.check else "wrote"
    lines = [line for pin in pins for line in _lines(pin)] + [f"{verb} {path}" for path in changed]
    document: JsonObject = {
        "changed": [str(path) for path in changed],
        "components": [_document(pin) for pin in pins],
        "written": bool(changed) and not request.check,
    }
    return Outcome(lines=lines or ["nothing to change"], document=document, exit_code=2 if request.check and changed else 0)


def _content(path: Path) -> bytes | None:
    return read_bounded(path, LIMITS.request_file, what="file") if file_type(path) is not None else None


def _lines(pin: Pin) -> Iterator[str]:
    before = pin.pull.digest
    yield f"{pin.pull.name}: {pin.reference}"
    if before == pin.digest:
        yield f"  digest    still {pin.digest}"
    else:
        yield Painted(f"  digest    {pin.digest}", GREEN)
        if before:
            yield f"            was {before}"
    if pin.trust and pin.verified:
        kind = "detached" if pin.verified.detached else "embedded"
        keys = [pin.trust.describe(key) for key in pin.verified.keys]
        yield f"  signature {kind}, verified with key{'s' * (len(keys) > 1)} {', '.join(keys)}"
    else:
        yield Painted("  signature not verified: verify = False", YELLOW)


def _document(pin: Pin) -> Mapping[str, object]:
    before = pin.pull.digest
    return {
        "name": pin.pull.name,
        "reference": str(pin.reference),
        "digest": str(pin.digest),
        "before": str(before) if before else None,
        "keyIds": [key.key_id.hex() for key in pin.verified.keys] if pin.verified else [],
    }
