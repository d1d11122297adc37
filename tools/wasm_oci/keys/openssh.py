"""OpenSSH key files (openssh PROTOCOL.key, and the public key lines of sshd(8)): Ed25519, with or without a passphrase."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable

from wasm_oci.errors import KeyFormatError, one_line
from wasm_oci.keys.ed25519 import KEY_SIZE, SEED_SIZE
from wasm_oci.keys.key_errors import wrong_passphrase
from wasm_oci.keys.openssh_cipher import PrivateFile, decrypted
from wasm_oci.keys.ssh_wire import KEY_TYPE, Strings, key_of_blob, malformed, public_blob, ssh_string

BEGIN = "-----BEGIN OPENSSH PRIVATE KEY-----"
END = "-----END OPENSSH PRIVATE KEY-----"
_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")
_OTHER_TYPE = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]{1,60}")
_BLANK = re.compile(r"[ \t]*(?:(?:ssh|ecdsa|sk)-[!-~]*)?([^\S \t\r])")
"""Another blank than space and tab, before a key or behind its type."""
_MAGIC = b"openssh-key-v1\0"
_BLOCK = 8
_LINE = 70
_HINT = "make an Ed25519 key with `wasm_oci keygen --format openssh` or `ssh-keygen -t ed25519 -N ''`"


def public_line(raw: bytes, comment: str = "") -> bytes:
    """Returns the line of a .pub file, with its line end; a comment of several lines cannot make it several keys."""
    line = f"{KEY_TYPE} {base64.b64encode(public_blob(raw)).decode()}"
    return f"{line} {one_line(comment)}".rstrip().encode() + b"\n"


def holds_line(text: str) -> bool:
    """Tells whether a line of `text` begins like an OpenSSH public key."""
    return any(line.lstrip().startswith(_KEY_TYPES) for line in text.split("\n"))


def parse_public_lines(text: str, *, where: str, skip_malformed: bool = False) -> list[tuple[bytes, str]]:
    """Returns key and comment of every Ed25519 line; options, comments and lines of other key types are skipped.

    So is the line of a certificate authority, whose key signs certificates only. Raises KeyFormatError for a malformed Ed25519
    line, for one with an expiry time, which nothing here would honour, and where no Ed25519 key is left. With `skip_malformed`,
    lines that are malformed or have options are skipped, as by the published wasmsign2.
    """
    found, others = [], []
    for number, line in enumerate(text.split("\n"), 1):  # what else Python takes for a line end is part of a comment
        if not line.strip():
            continue
        if not skip_malformed and (blank := _BLANK.match(line)):
            what = f"line {number} has U+{ord(blank[1]):04X}, which looks like a space, and is none to OpenSSH"
            raise KeyFormatError(what, where=where, hint="write an ordinary space, or none")
        if line.lstrip().startswith("#"):
            continue
        options: list[str] = []
        if not skip_malformed and not line.lstrip().startswith(_KEY_TYPES):
            options, line = _split_options(line.strip(), number, where)  # noqa: PLW2901 - the line without its options
        fields = line.split(maxsplit=2)
        names = {option.partition("=")[0].lower() for option in options}
        if not fields or fields[0] != KEY_TYPE or "cert-authority" in names:
            others.append((fields or options)[0])
            continue
        raw = key_of_blob(_decode(fields[1])) if len(fields) > 1 else None
        if raw is None and skip_malformed:
            continue
        if raw is None:
            raise KeyFormatError(f"line {number} is not a whole {KEY_TYPE} key", where=where, hint="copy the .pub file again")
        if "expiry-time" in names:
            raise KeyFormatError(
                f"line {number} has an expiry-time, which is not supported",
                where=where,
                hint="list the key in a trusted-keys file, with not_after",
            )
        found.append((raw, fields[2].strip() if len(fields) > 2 else ""))
    if not found:
        known = others[0] if others and _OTHER_TYPE.fullmatch(others[0]) else ""  # anything else may be a secret
        other = f" (found {known!r}; Ed25519 is needed)" if known else ""
        raise KeyFormatError(f"it holds no Ed25519 key{other}", where=where, hint=_HINT)
    return found


def _split_options(line: str, number: int, where: str) -> tuple[list[str], str]:
    """Takes the options off the front of a line: separated by commas, up to a blank that is not in quotes."""
    options, start, quoted, at = [], 0, False, 0
    while at < len(line):
        if line.startswith('\\"', at):
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        elif not quoted and line[at] in ", \t":
            options.append(line[start:at])
            start = at + 1
            if line[at] != ",":
                return options, line[at:].lstrip()
        at += 1
    if quoted:
        raise KeyFormatError(f"a quote in line {number} has no end", where=where, hint="copy the line again")
    return [*options, line[start:]], ""


def private_text(seed: bytes, raw: bytes, comment: str = "") -> bytes:
    """Returns an unencrypted private key file as ssh-keygen writes it."""
    check = os.urandom(4)
    private = check + check + ssh_string(KEY_TYPE.encode()) + ssh_string(raw) + ssh_string(seed + raw) + ssh_string(comment.encode())
    private += bytes(range(1, 1 + -len(private) % _BLOCK))
    blob = _MAGIC + ssh_string(b"none") + ssh_string(b"none") + ssh_string(b"") + (1).to_bytes(4, "big")
    body = base64.b64encode(blob + ssh_string(public_blob(raw)) + ssh_string(private)).decode()
    lines = [body[at : at + _LINE] for at in range(0, len(body), _LINE)]
    return "\n".join((BEGIN, *lines, END, "")).encode()


def parse_private_file(text: str, *, where: str) -> PrivateFile:
    """Parses a file without decrypting it; raises KeyFormatError for anything but one Ed25519 key."""
    end = text.find(END)
    if not text.startswith(BEGIN) or end < 0:
        raise KeyFormatError("the private key file is cut off", where=where, hint="copy it again, from its first line to its last")
    if text[end + len(END) :].strip():
        raise KeyFormatError("there is text after the last line of the key", where=where, hint="keep the lines of the key only")
    blob = _decode("".join(text[len(BEGIN) : end].split()))
    if blob is None or not blob.startswith(_MAGIC):
        raise malformed(where)
    outer = Strings(blob, len(_MAGIC), where)
    cipher, kdf, options = outer.string().decode("ascii", "replace"), outer.string(), outer.string()
    if outer.number() != 1:
        raise KeyFormatError("the file must hold exactly one key", where=where, hint=_HINT)
    public, secret = outer.string(), outer.string()
    if "@" not in cipher:  # those of OpenSSH alone have an authentication tag here
        outer.finish()
    _check_type(Strings(public, 0, where).string(), where)
    raw = key_of_blob(public)
    if raw is None:
        raise malformed(where)
    return PrivateFile(public=raw, cipher=cipher, kdf=kdf, options=options, secret=secret)


def parse_private(text: str, *, where: str, passphrase: Callable[[str], bytes] | None = None) -> tuple[bytes, bytes, str]:
    """Returns seed, public half and comment; raises KeyFormatError for any other key or form.

    `passphrase` is called with `where` if the key is encrypted. The caller must compare the public half with the one
    that belongs to the seed.
    """
    file = parse_private_file(text, where=where)
    if (file.cipher, file.kdf, file.options) == ("none", b"none", b""):
        return _parse_secret_part(file, file.secret, where, malformed(where))
    if passphrase is None:
        raise KeyFormatError(
            "the private key is encrypted with a passphrase",
            where=where,
            hint="remove the passphrase from a copy of it with `ssh-keygen -p -N '' -f COPY`, or make a key for signing only",
            reason="key_encrypted",
        )
    opened = decrypted(file, passphrase, where=where)
    return _parse_secret_part(file, opened, where, wrong_passphrase(where))


def _parse_secret_part(file: PrivateFile, secret: bytes, where: str, unequal: KeyFormatError) -> tuple[bytes, bytes, str]:
    """Parses the decrypted part; `unequal` is the error for two different check numbers at its beginning."""
    reader = Strings(secret, 0, where)
    if reader.number() != reader.number():
        raise unequal
    _check_type(reader.string(), where)
    raw, pair, comment = reader.string(), reader.string(), reader.string()
    padding = secret[reader.pos :]
    if len(pair) != SEED_SIZE + KEY_SIZE or padding != bytes(range(1, 1 + len(padding))) or len(padding) >= 256:
        raise malformed(where)
    if not file.public == raw == pair[SEED_SIZE:]:
        raise KeyFormatError(
            "the copies of the public half differ",
            where=where,
            hint="the file is damaged; restore it or make a new key pair",
            reason="key_mismatch",
        )
    return pair[:SEED_SIZE], raw, comment.decode("utf-8", "replace")


def _check_type(kind: bytes, where: str) -> None:
    if kind != KEY_TYPE.encode():
        name = kind[:40].decode("ascii", "replace")
        raise KeyFormatError(
            f"the key is of type {name!r}; Ed25519 is needed",
            where=where,
            hint=_HINT,
            reason="key_rsa" if name == "ssh-rsa" else "key_algorithm",
        )


def _decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
