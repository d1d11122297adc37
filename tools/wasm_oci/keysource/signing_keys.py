"""The keys of one signing: each where its secret is, with the public key that it must have."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.keysource.passphrase import PassphraseSource
from wasm_oci.keysource.source import KeySource, open_signer, without
from wasm_oci.wasmsign.keys import OPENSSH, load_public_key, require_format
from wasm_oci.wasmsign.signer import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that is to sign; `public` is the file of its public half, where one is given."""

    source: KeySource
    public: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold it, which no output may replace."""
        return tuple(path for path in (self.source.path, self.public) if path is not None)


def parse_keys(value: object, find: Callable[[str], Path], *, where: str) -> tuple[SigningKey, ...]:
    """Reads the `keys` of a request: objects with `publicKey` (which `find` leads to a file), `source` and `ref`.

    Raises FormatError for another shape, UsageError for a source that cannot be.
    """
    from wasm_oci.run_request import BUILD_AGAIN

    if not isinstance(value, list):
        raise FormatError("a list of keys is needed", where=f"{where}: keys", hint=BUILD_AGAIN)
    keys = []
    for number, entry in enumerate(value):
        members = [entry.get(name) for name in ("publicKey", "source", "ref")] if isinstance(entry, dict) else []
        if not members or not all(isinstance(member, str) for member in members):
            raise FormatError("publicKey, source and ref are needed", where=f"{where}: keys[{number}]", hint=BUILD_AGAIN)
        public, kind, ref = (str(member) for member in members)
        keys.append(SigningKey(source=KeySource(kind=kind, ref=ref), public=find(public)))
    return tuple(keys)


def open_signers(
    keys: Sequence[SigningKey], passphrase: PassphraseSource, *, openssh: bool = False, environ: Mapping[str, str] | None = None
) -> list[Signer]:
    """Returns a signer for each key, in order; with `openssh`, keys of other forms are refused.

    A program that signs with one key does not get the variables that hold the others.
    Raises what `open_signer` raises, and UsageError where there is no key or two are to come from stdin.
    """
    if not keys:
        raise UsageError("no key is given to sign with", hint="give -k FILE, or --key-source and --key-ref")
    if sum(key.source.kind == "stdin" for key in keys) > 1:
        raise UsageError("stdin can hold one key only", where="stdin", hint="take the other one from elsewhere")
    environ = os.environ if environ is None else environ
    for_programs = without(environ, [key.source.ref for key in keys if key.source.kind == "env"])
    signers = []
    for key in keys:
        public = load_public_key(key.public) if key.public else None
        if openssh and public is not None:
            require_format(public, OPENSSH, where=str(key.public))
        visible = for_programs if key.source.kind == "command" else environ
        signer = open_signer(key.source, public=public, passphrase=passphrase, environ=visible)
        if openssh:
            require_format(signer.public, OPENSSH, where=key.source.where)
        signers.append(signer)
    return signers
