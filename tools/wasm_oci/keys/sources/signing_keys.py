"""The keys of one signing: each where its secret is, with the public key that it must have."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.keys.any_key import load_any_public_key, parse_any_secret_key
from wasm_oci.keys.key import (
    OPENSSH,
    AnyPublicKey,
    AnySecretKey,
    PublicKey,
    load_public_key,
    parse_secret_key,
    require_format,
    require_pair,
)
from wasm_oci.keys.key_errors import wrong_algorithm
from wasm_oci.keys.signer import AnySigner, Signer, is_ed25519
from wasm_oci.keys.sources.passphrase import DEFAULT_VARIABLE, PassphraseSource
from wasm_oci.keys.sources.source import KeySource, without
from wasm_oci.limits import LIMITS
from wasm_oci.shape import BUILD_AGAIN, Runfile

_Parser = Callable[..., AnySecretKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that is to sign."""

    source: KeySource
    public_key: Runfile | None
    """The file of its public half, None where none is given: then any key at `source` signs."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold it, which no output may replace."""
        return tuple(path for path in (self.source.path, self.public_key) if path is not None)


def with_public_keys(keys: tuple[SigningKey, ...], *, where: str) -> tuple[SigningKey, ...]:
    """Returns keys of a request; raises FormatError for one without a public key, which any other secret key could replace."""
    for number, key in enumerate(keys):
        if key.public_key is None:
            raise FormatError("the public key is missing", where=f"{where}[{number}].public_key", hint=BUILD_AGAIN)
    return keys


def open_signers(
    keys: Sequence[SigningKey], passphrase: PassphraseSource, *, openssh: bool = False, environ: Mapping[str, str] | None = None
) -> list[Signer]:
    """Returns a signer of WebAssembly files for each key, in order; with `openssh`, keys of other forms are refused.

    A program that signs with one key does not get the variables that hold the others. Raises what `open_signer` raises, and
    UsageError if no key is given, or if two are to be read from stdin.
    """
    publics = [load_public_key(key.public_key) if key.public_key else None for key in keys]
    if openssh:
        for key, public in zip(keys, publics, strict=True):
            if public is not None:
                require_format(public, OPENSSH, where=str(key.public_key))
    signers = [
        _of_ed25519(signer, key.source)
        for signer, key in zip(_opened(keys, publics, passphrase, environ, parse_secret_key), keys, strict=True)
    ]
    if openssh:
        for key, signer in zip(keys, signers, strict=True):
            require_format(signer.public, OPENSSH, where=key.source.where)
    return signers


def open_statement_signers(
    keys: Sequence[SigningKey], passphrase: PassphraseSource, *, environ: Mapping[str, str] | None = None
) -> list[AnySigner]:
    """Like `open_signers`, for statements about manifests, which P-256 keys sign too."""
    publics = [load_any_public_key(key.public_key) if key.public_key else None for key in keys]
    return list(_opened(keys, publics, passphrase, environ, parse_any_secret_key))


def _opened(
    keys: Sequence[SigningKey],
    publics: Sequence[AnyPublicKey | None],
    passphrase: PassphraseSource,
    environ: Mapping[str, str] | None,
    parse: _Parser,
) -> Iterator[AnySigner]:
    if not keys:
        raise UsageError("no key is given to sign with", hint="give -k FILE, or --key-source and --key-ref")
    if sum(key.source.kind == "stdin" for key in keys) > 1:
        raise UsageError("stdin can hold one key only", where="stdin", hint="read the other key from a file")
    environ = os.environ if environ is None else environ
    for_programs = without(environ, [key.source.ref for key in keys if key.source.kind == "env"])
    for key, public in zip(keys, publics, strict=True):
        visible = for_programs if key.source.kind == "command" else environ
        yield _open(key.source, public, passphrase, visible, parse)


def open_signer(
    source: KeySource,
    *,
    public: PublicKey | None,
    passphrase: PassphraseSource,
    environ: Mapping[str, str] | None = None,
) -> Signer:
    """Returns a signer with the Ed25519 key at `source`, which must belong to `public`, if that is given.

    A command needs `public`, and does not get the passphrase; an agent needs `public` unless it holds one Ed25519 key
    only. What an agent or a command signs is verified before it is used. Raises KeyFormatError (reason `key_mismatch`
    where the key is another one) or UsageError where there is no such key.
    """
    environ = os.environ if environ is None else environ
    return _of_ed25519(_open(source, public, passphrase, environ, parse_secret_key), source)


def _of_ed25519(signer: AnySigner, source: KeySource) -> Signer:
    if not is_ed25519(signer):
        raise wrong_algorithm("ECDSA", source.where, public=False)
    return signer


def _open(
    source: KeySource, public: AnyPublicKey | None, passphrase: PassphraseSource, environ: Mapping[str, str], parse: _Parser
) -> AnySigner:
    if source.kind == "ssh-agent":
        from wasm_oci.keys.sources.agent import agent_signer

        return agent_signer(public, environ)
    if source.kind == "command":
        from wasm_oci.keys.sources.command import command_signer

        return command_signer(source, public, without(environ, (DEFAULT_VARIABLE, passphrase.variable)))
    where = source.where if source.path is None else str(source.path)
    key = parse(_key_file(source, environ), where=where, passphrase=passphrase)
    if public is not None:
        require_pair(key, public, where=source.where)
    return key


def _key_file(source: KeySource, environ: Mapping[str, str]) -> bytes:
    if source.path is not None:
        return read_bounded(source.path, LIMITS.key_file, what="secret key")
    from wasm_oci.keys.sources import stored

    match source.kind:
        case "env":
            return stored.of_variable(source, environ)
        case "stdin":
            return stored.of_stdin(source)
        case "keychain":
            return stored.of_keychain(source)
    raise AssertionError(f"nothing opens a key of {source.kind}")
