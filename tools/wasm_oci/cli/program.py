"""The process of `wasm_oci`: its signals, its streams, and whether it is a command or Bazel's worker."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from wasm_oci.cli import main
from wasm_oci.errors import UsageError
from wasm_oci.outcome import enter_user_directory, report_error, say


def program() -> NoReturn:
    """Runs the program in this process and ends it; on SIGTERM and SIGHUP what was begun is removed first."""
    signal.signal(signal.SIGTERM, _end)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # nohup has it ignored
        signal.signal(signal.SIGHUP, _end)
    say()  # without stderr argparse would write errors to stdout
    if sys.argv[1:] == ["--persistent_worker"]:
        from wasm_oci.cli.worker import serve

        sys.exit(serve(main.run_line))
    code = _command()
    say()  # what argparse could not write is dropped here, not at the end with an exit code of its own
    sys.exit(code)


def _command() -> int:
    try:
        enter_user_directory()
    except UsageError as err:
        report_error("wasm_oci", err, "text")
        return err.exit_code
    return main.main()


def _end(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)


if __name__ == "__main__":
    program()
