"""`local_registry`: an OCI registry on this machine, without Docker."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, TextIO

from wasm_oci.command_line import CommandLineParser, not_empty
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.files import reason_of, write_file
from wasm_oci.local_registry.access_log import AccessLog
from wasm_oci.local_registry.registry import Behaviour
from wasm_oci.local_registry.server import LOOPBACK, serve
from wasm_oci.local_registry.state import default_state
from wasm_oci.outcome import enter_user_directory, report_error, say, write_lines

DEFAULT_PORT = 5000
_POLL = 0.2
"""How often the main thread looks up, for systems where waiting keeps signals out (seconds)."""

_DESCRIPTION = """\
An OCI registry on this machine: push to and pull from localhost:5000 with wasm_oci, wkg, oras, crane, skopeo
or docker. It listens on 127.0.0.1 and ::1 only, and has no access control.

What is pushed is kept between runs, as one OCI image layout for each repository: `oras` and `skopeo` can read
it from the state folder (skopeo inspect --raw oci:STATE/REPOSITORY:TAG). Press Ctrl-C to stop the registry.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the registry until SIGINT or SIGTERM; returns 0 then, and 2 where it cannot run."""
    try:
        args = _parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    except UsageError as err:
        report_error("local_registry", err, "text")
        return err.exit_code
    ended = threading.Event()
    previous = {number: signal.signal(number, lambda *_: ended.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _run(args, ended)
    except WasmOciError as err:
        report_error("local_registry", err, "text")
        return err.exit_code
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = CommandLineParser(prog="local_registry", description=_DESCRIPTION)
    parser.add_argument("--port", type=_port, default=DEFAULT_PORT, help="port to listen on; 0 picks a free one (default: %(default)s)")
    parser.add_argument(
        "--address", action="append", metavar="IP", help="loopback address to listen on, may be repeated (default: 127.0.0.1 and ::1)"
    )
    for option, metavar, text in (
        ("--state", "DIR", "folder of the layouts (default: the user's state folder)"),
        ("--ready-file", "FILE", "write HOST:PORT to FILE once the registry is ready; removed when it ends"),
        ("--access-log", "FILE", "append the line of each request to FILE (default: stderr)"),
    ):
        parser.add_argument(option, type=not_empty(Path, where=option), metavar=metavar, help=text)
    parser.add_argument("--immutable-tags", action="store_true", help="refuse to move or delete a tag")
    parser.add_argument("--no-referrers-api", action="store_true", help="respond with 404 to the referrers API, as before version 1.1")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 0 to 65535")
    return int(text)


def _run(args: argparse.Namespace, ended: threading.Event) -> None:
    state = args.state or default_state()
    behaviour = Behaviour(immutable_tags=args.immutable_tags, referrers_api=not args.no_referrers_api)
    with ExitStack() as stack:
        log = stack.enter_context(_appending(args.access_log)) if args.access_log else sys.stderr
        if args.ready_file:
            _remove(args.ready_file)
        registry = stack.enter_context(
            serve(state, port=args.port, behaviour=behaviour, addresses=args.address or LOOPBACK, observer=AccessLog(log))
        )
        if args.ready_file:
            write_file(args.ready_file, f"{registry.host}\n".encode(), what="ready file")
            stack.callback(_remove, args.ready_file)
        addresses = " and ".join(registry.addresses)
        write_lines([f"local registry at {registry.host} (on {addresses}), state in {state}"])
        while not ended.wait(_POLL):
            pass


def _appending(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as err:
        raise UsageError(f"cannot write the access log: {reason_of(err)}", where=str(path)) from err


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as err:
        raise UsageError(f"cannot replace the ready file: {reason_of(err)}", where=str(path)) from err


def program() -> NoReturn:
    """Runs the program in this process and ends it."""
    say()  # a stderr that is closed becomes one that discards everything
    try:
        enter_user_directory()
    except UsageError as err:
        report_error("local_registry", err, "text")
        sys.exit(err.exit_code)
    sys.exit(main())


if __name__ == "__main__":
    program()
