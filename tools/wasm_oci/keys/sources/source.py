"""The source of a secret key: a kind of place, and a reference to the key there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.shape import Secret
from wasm_oci.variable_names import is_variable_name

KINDS = ("file", "env", "stdin", "keychain", "ssh-agent", "command")
WITHOUT_REF = ("stdin", "ssh-agent")
_REFS = {
    "file": "the path of a key file",
    "env": "the name of a variable",
    "keychain": "SERVICE/USER",
    "command": "a program and its arguments",
}
_SHORTEST_KEY = 43
_LIKE_A_KEY = r"[A-Za-z0-9+/]+={0,2}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where a secret key is: a kind of `KINDS`, and what that kind needs to find it."""

    kind: str
    ref: Secret = ""

    def __post_init__(self) -> None:
        """Raises UsageError for an unknown kind, or a reference that the kind cannot have.

        The text of a wrong reference is not repeated: it may be the secret itself.
        """
        if self.kind not in KINDS:
            raise UsageError(f"unknown key source {self.kind[:40]!r}", where="key source", hint=f"use one of {', '.join(KINDS)}")
        if self.kind in WITHOUT_REF:
            if self.ref:
                raise UsageError(f"{self.kind} takes no reference", where="key reference", hint="leave it out")
        elif not _is_ref(self.kind, self.ref):
            raise UsageError(f"invalid key reference for {self.kind}", where="key reference", hint=f"give {_REFS[self.kind]}")

    @property
    def where(self) -> str:
        """Names the source in messages."""
        if self.kind == "command":
            return f"command {shlex.split(self.ref)[0]}"
        return self.ref if self.kind == "file" else f"{self.kind} {self.ref}".rstrip()

    @property
    def path(self) -> Path | None:
        """The file that holds the key, where the source is one."""
        return Path(os.path.expanduser(self.ref)) if self.kind == "file" else None  # noqa: PTH111 - Path.expanduser raises


def without(environ: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Returns `environ` without the variables `names`, as the system compares names."""
    same = str.upper if os.name == "nt" else str
    left_out = {same(name) for name in names}
    return {name: value for name, value in environ.items() if same(name) not in left_out}


def _is_ref(kind: str, ref: str) -> bool:
    if not ref or "\0" in ref:
        return False
    if kind == "file":  # a key itself, given where its path belongs, would be shown by every message about the file
        like_a_key = "\n" in ref or "-----BEGIN" in ref or (len(ref) >= _SHORTEST_KEY and re.fullmatch(_LIKE_A_KEY, ref))
        return not like_a_key or os.path.exists(ref)  # noqa: PTH110 - Path.exists raises
    if kind == "env":
        return is_variable_name(ref)
    if kind == "keychain":
        service, slash, user = ref.rpartition("/")
        return bool(service and slash and user)
    if kind == "command":
        try:
            return bool(shlex.split(ref))
        except ValueError:
            return False
    return True
