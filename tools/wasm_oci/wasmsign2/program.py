"""`wasmsign2`: a drop-in for the published program, with all of its commands.

Options, texts, results and exit codes are the published program's. Refused besides is what that one takes by
oversight, such as a file cut off after a delimiter; docs/signature-format.md lists it all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TextIO

from wasm_oci.errors import UsageError, WasmOciError, one_line
from wasm_oci.outcome import enter_user_directory, say
from wasm_oci.wasmsign2 import texts
from wasm_oci.wasmsign2.arguments import parse
from wasm_oci.wasmsign2.options import Arguments, CommandLineError, HelpWanted


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    try:
        try:
            arguments = parse(sys.argv[1:] if argv is None else argv)
        except HelpWanted as wanted:
            _write((str(wanted),))
            return 0
        _write(_run(arguments))
    except CommandLineError as err:
        say(f"error: {err}", f"  {err.detail}; see `wasmsign2 help` or `wasmsign2 help COMMAND`")
        return 2
    except texts.Refusal as err:
        if arguments.debug and err.__cause__ is not None:
            say(str(err.__cause__))
        say(str(err))
        return 1
    except WasmOciError as err:
        say(texts.text_of(err))
        return 1
    except OSError:
        say(texts.IO_ERROR)
        return 1
    return 0


def _write(pieces: Iterable[str]) -> None:
    for text in pieces:
        _put(text.encode("utf-8", "surrogateescape"))
    _put(b"")


def _put(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        if not data:
            sys.stdout.buffer.flush()
    except OSError:
        sys.stdout = _nowhere()  # else the interpreter fails once more when it ends
        raise


def _run(arguments: Arguments) -> Iterable[str]:
    """Returns what is printed, in pieces; some commands do their work when the first piece is asked for."""
    match arguments.command:
        case "":
            raise texts.Refusal("Usage error: No subcommand specified")
        case "keygen":
            return _keygen(arguments)
        case "show":
            from wasm_oci.wasmsign2.show import show

            return show(Path(arguments.values["input-file"]), verbose=arguments.verbose)
        case "verify" | "verify_matrix":
            from wasm_oci.wasmsign2 import verify as wasmsign2_verify

            verify = wasmsign2_verify.verify if arguments.command == "verify" else wasmsign2_verify.verify_matrix
            return (verify(arguments),)
        case command:
            from wasm_oci.wasmsign2 import file_commands as files

            return {"split": files.split, "sign": files.sign, "detach": files.detach, "attach": files.attach}[command](arguments)


def _keygen(arguments: Arguments) -> Iterator[str]:
    from wasm_oci.keys.key import SecretKey
    from wasm_oci.wasmsign2.key_arguments import spare_keys, write_pair

    secret, public = arguments.values["secret-key"], arguments.values["public-key"]
    spare_keys((secret,), (public,))
    write_pair(SecretKey.generate(), Path(secret), Path(public))
    yield f"Secret key saved to [{one_line(secret)}]\nPublic key saved to [{one_line(public)}]\n"


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def program() -> NoReturn:
    """Runs the program in this process and ends it; on SIGINT and SIGTERM what was begun is removed first.

    A closed stdout or stderr takes everything, as in the published program.
    """
    import signal

    def end(number: int, _: object) -> NoReturn:
        signal.signal(number, signal.SIG_DFL)
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    try:
        enter_user_directory()
    except UsageError as err:
        say(f"Usage error: {err}")
        sys.exit(1)
    sys.exit(main())


if __name__ == "__main__":
    program()
