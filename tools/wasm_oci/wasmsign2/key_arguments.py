"""Key files as `wasmsign2` reads and writes them: compact, or OpenSSH where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.files import atomic_output, read_bounded, spare_files
from wasm_oci.keys import openssh
from wasm_oci.keys.key import OPENSSH, PublicKey, SecretKey, parse_public_keys, parse_secret_key
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign2.texts import CRYPTO_ERROR, IO_ERROR, PARSE_ERROR, UNSUPPORTED_KEY, Refusal


def load_public(path: Path, *, ssh: bool) -> PublicKey:
    """Returns the (with `ssh` the first) key; raises Refusal or UsageError."""
    data = read_bounded(path, LIMITS.key_file, what="public key")
    return parse_public(_text(data)) if ssh else _compact(data, path)


def load_public_set(paths: Sequence[str], *, ssh: bool) -> tuple[PublicKey, ...]:
    """Returns the key of each file, with `ssh` all keys of the first one; raises Refusal or UsageError."""
    if ssh:
        return parse_public_set(_text(read_bounded(Path(paths[0]), LIMITS.key_file, what="public key")))
    keys = (_compact(read_bounded(Path(path), LIMITS.key_file, what="public key"), Path(path)) for path in paths)
    return tuple(dict.fromkeys(keys))


def parse_public(text: str) -> PublicKey:
    """Returns the first key of OpenSSH lines; raises Refusal."""
    keys = parse_public_set(text)
    if not keys:
        raise Refusal(PARSE_ERROR)
    return keys[0]


def parse_public_set(text: str) -> tuple[PublicKey, ...]:
    """Returns all keys of OpenSSH lines, maybe none."""
    try:
        lines = openssh.parse_public_lines(text, where="", skip_malformed=True)
    except KeyFormatError:
        return ()
    return tuple(dict.fromkeys(PublicKey(raw=raw, format=OPENSSH, comment=comment) for raw, comment in lines))


def _compact(data: bytes, path: Path) -> PublicKey:
    _check_compact(data, b"\x01", 33)
    return parse_public_keys(data, where=str(path))[0]


def load_secret(path: Path, *, ssh: bool) -> SecretKey:
    """Returns the key; raises Refusal, UsageError, or KeyFormatError where its halves do not belong together.

    Such a key is never signed with: two signatures with two public halves would give the secret away.
    """
    data = read_bounded(path, LIMITS.key_file, what="secret key")
    if not ssh:
        _check_compact(data, b"\x81", 65)
    elif _text(data).startswith("-----BEGIN RSA PRIVATE KEY-----"):
        raise Refusal(UNSUPPORTED_KEY)
    elif not _text(data).startswith(openssh.BEGIN):
        raise Refusal(PARSE_ERROR)
    try:
        return parse_secret_key(data, where=str(path))
    except KeyFormatError as err:
        if err.reason == "key_mismatch":
            raise
        raise Refusal(UNSUPPORTED_KEY if err.reason == "key_rsa" else PARSE_ERROR) from err


def _check_compact(data: bytes, tag: bytes, size: int) -> None:
    if not data:
        raise Refusal(IO_ERROR)
    if data[:1] != tag:
        raise Refusal(UNSUPPORTED_KEY)
    if len(data) != size:
        raise Refusal(CRYPTO_ERROR)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        raise Refusal(IO_ERROR) from err


def spare_keys(keys: Sequence[str], outputs: Sequence[str]) -> None:
    """Raises Refusal where an output would replace a key file."""
    try:
        spare_files(map(Path, outputs), map(Path, keys), what="key file")
    except UsageError as err:
        raise Refusal(f"Usage error: {err}") from err


def write_pair(key: SecretKey, secret: Path, public: Path) -> None:
    """Writes both files, over existing ones; if one cannot be written, none. The secret is its owner's only."""
    with (
        atomic_output(secret, mode=0o600, what="secret key") as secret_stream,
        atomic_output(public, what="public key") as public_stream,
    ):
        secret_stream.write(key.compact())
        public_stream.write(key.public.compact())
