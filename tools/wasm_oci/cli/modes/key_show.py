"""`wasm_oci key show`: what a key file holds, without its secret."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import KeyFormatError
from wasm_oci.files import read_bounded
from wasm_oci.keys import openssh
from wasm_oci.keys.key import OPENSSH, PublicKey, SecretKey, parse_public_keys, parse_secret_key
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome
from wasm_oci.wording import Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShowRequest:
    """One key file to show."""

    file: Path
    passphrase: PassphraseSource


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFile:
    """The keys of a file; `secret` where it holds a secret one."""

    keys: tuple[PublicKey, ...]
    is_secret: bool
    encrypted: bool = False
    secret: SecretKey | None = None


def read_key_file(path: Path, passphrase: Callable[[str], bytes], *, open_secret: bool) -> KeyFile:
    """Returns what a file of any form holds; raises KeyFormatError or UsageError.

    Unless `open_secret`, the passphrase of an OpenSSH key is not needed: its public half can be read without.
    """
    data, where = read_bounded(path, LIMITS.key_file, what="key file"), str(path)
    try:
        return KeyFile(keys=parse_public_keys(data, where=where), is_secret=False)
    except KeyFormatError as err:
        if err.reason != "secret_key":
            raise
    used: list[str] = []

    def asked(place: str) -> bytes:
        used.append(place)
        return passphrase(place)

    text = data.decode("utf-8-sig", "replace").strip()
    if not open_secret and text.startswith(openssh.BEGIN):
        file = openssh.parse_private_file(text, where=where)
        if file.cipher != "none":
            return KeyFile(keys=(PublicKey(raw=file.public, format=OPENSSH),), is_secret=True, encrypted=True)
    key = parse_secret_key(data, where=where, passphrase=asked)
    return KeyFile(keys=(key.public,), is_secret=True, encrypted=bool(used), secret=key)


def run(request: KeyShowRequest) -> Outcome:
    found = read_key_file(request.file, request.passphrase, open_secret=False)
    kind = "secret key" if found.is_secret else "public key"
    lines: list[str] = []
    documents = []
    for key in found.keys:
        line = key.openssh().decode().strip()
        lines += [
            *[""] * bool(lines),
            f"{request.file}: {kind}, {key.format}{', encrypted' if found.encrypted else ''}",
            f"Key id:     {key.key_id.hex()}",
            f"Public key: {key.raw.hex()}",
            Whole(f"OpenSSH:    {line}"),
        ]
        documents.append(
            {"format": key.format, "keyId": key.key_id.hex(), "publicKey": key.raw.hex(), "openssh": line, "comment": key.comment}
        )
    document = {"secret": found.is_secret, "encrypted": found.encrypted, "keys": documents}
    return Outcome(lines=lines, document=document)
