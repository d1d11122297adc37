"""Where the passphrase of an encrypted key comes from: a file, a variable, or a person at a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.variable_names import is_variable_name

DEFAULT_VARIABLE = "WASM_OCI_PASSPHRASE"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassphraseSource:
    """Returns a passphrase when it is called, and reads nothing before."""

    file: Path | None = None
    variable: str = DEFAULT_VARIABLE
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        """Raises UsageError for an invalid variable name, which is not repeated: it may be the passphrase."""
        if not is_variable_name(self.variable):
            hint = "give the name of a variable, such as " + DEFAULT_VARIABLE
            raise UsageError("this is not the name of a variable", where="passphrase variable", hint=hint)

    def __call__(self, where: str) -> bytes:
        """Returns the passphrase of the key at `where`: of the file, else of the variable, else what is typed.

        It prompts only if stdin is a terminal. Raises UsageError where there is no passphrase.
        """
        if self.file is not None:
            data = read_bounded(self.file, LIMITS.passphrase, what="passphrase file")
            return data.removesuffix(b"\n").removesuffix(b"\r")
        if self.variable in self.environ:
            return os.fsencode(self.environ[self.variable])
        if self.variable == DEFAULT_VARIABLE and sys.stdin is not None and sys.stdin.isatty():
            return _typed(where)
        raise UsageError(
            "the secret key is encrypted, and no passphrase was given",
            where=where,
            hint=f"set {self.variable}, or name a file with --passphrase-file",
            reason="no_passphrase",
        )


def _typed(where: str) -> bytes:
    from getpass import getpass

    from wasm_oci.errors import one_line

    try:
        return os.fsencode(getpass(f"Passphrase of {one_line(where)}: "))
    except EOFError as err:
        raise UsageError("no passphrase was typed", where=where, hint="type it, or set a variable", reason="no_passphrase") from err
