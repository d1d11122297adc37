"""Trust stores: a YAML or JSON file that lists public keys, or what a rule made of one.

    keys:
      - name: release-2027
        public_key: ssh-ed25519 AAAA…
        not_before: 2027-01-01
        not_after: 2028-03-31
      - name: release-2026
        public_key_file: release-2026.public
        revoked: true
        comment: the laptop was stolen

A date in `not_after` includes that whole day. One name for two keys and one key under two names are errors.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal, TypeVar

from wasm_oci.errors import FormatError, KeyFormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys import ed25519, pem
from wasm_oci.keys.any_key import parse_any_public_keys
from wasm_oci.keys.key import COMPACT, OPENSSH, AnyPublicKey, PublicKey
from wasm_oci.keys.ssh_wire import KEY_TYPE
from wasm_oci.limits import LIMITS
from wasm_oci.shape import Parsed, Secret, Size, read_config
from wasm_oci.trust.timestamps import parse_timestamp, timestamp_text
from wasm_oci.trust.trust import TrustedKey

SCHEMA_VERSION: Literal[1] = 1
_WHAT = "trust store"
_COMPACT_TAGS = (b"\x01", b"\x81")

_Value = TypeVar("_Value", bound=Hashable)
KeyFile = tuple[bytes, bool]
"""A public key file's content, and whether a build made that key."""


def _name(text: str, *, where: str) -> str:
    """Names are ASCII: a letter of another alphabet that looks the same would make a second key of the same name."""
    if not text.isascii() or not text.isprintable() or any(character in " ,|" for character in text):
        hint = "use ASCII letters, digits and signs, without spaces, commas and bars"
        raise FormatError(f"{text[:80]!a} is not a key's name", where=where, hint=hint)
    return text


def _comment(text: str, *, where: str) -> str:
    if not text.replace("\n", "").isprintable():
        raise FormatError("the comment is not plain text", where=where, hint="use printable characters")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeyEntry:
    """A public key: exactly one of `public_key` and `public_key_file`."""

    ONE_OF: ClassVar = ("public_key", "public_key_file")
    name: Annotated[str, Parsed(Annotated[str, Size(1, 128)], _name)]
    """What messages call the key: ASCII without spaces, commas and bars. Each key has its own."""
    public_key: Secret | None = None
    """The key: an OpenSSH line, PEM, or base64 of its 32 raw, 33 compact or 44 DER bytes; for statements also a P-256 key as PEM or DER."""
    public_key_file: str | None = None
    """The file of the key, relative to this one."""
    not_before: Annotated[datetime, Parsed(str, parse_timestamp)] | None = None
    """When the key becomes valid: a date, from its first second, or a time such as 2027-03-31T18:00:00Z, in UTC."""
    not_after: Annotated[datetime, Parsed(str, partial(parse_timestamp, last=True))] | None = None
    """When the key expires: after a date, to its last second, or after a time such as 2027-03-31T18:00:00Z, in UTC."""
    revoked: bool = False
    """Whether the key is revoked: then it is never valid, whatever the time."""
    comment: Annotated[str, Parsed(Annotated[str, Size(0, 1000)], _comment)] = ""
    """A note for people."""
    development: bool = False
    """Whether a build made the key."""
    key_id: str | None = None
    """The expected key id in hexadecimal; an error if the key has another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStoreFile:
    """Public keys that `wasm_oci verify`, `wasm_oci pull`, `wasm_verify` and `wasm_verify_test` trust."""

    schemaVersion: Literal[1] = SCHEMA_VERSION
    """The version of this form."""
    keys: Annotated[tuple[TrustedKeyEntry, ...], Size(1, LIMITS.trusted_keys)]
    """The keys."""


def load_trust_store(path: Path) -> tuple[TrustedKey, ...]:
    """Returns the keys of a file, in its order; files that it names are relative to it.

    Raises FormatError for a store that is malformed, with a dotted path to what is wrong, KeyFormatError for a key of
    another algorithm than Ed25519 and P-256, UsageError for a file that cannot be read and a date that does not exist.
    """

    def beside(name: str) -> KeyFile:
        return read_bounded(path.parent / name, LIMITS.key_file, what="public key"), False

    return parse_trust_store(read_bounded(path, LIMITS.config_file, what=_WHAT), beside, where=str(path))


def parse_trust_store(data: bytes, key_file: Callable[[str], KeyFile], *, where: str) -> tuple[TrustedKey, ...]:
    """`load_trust_store` for bytes; `key_file` reads what a `public_key_file` names."""
    store = read_config(data, TrustStoreFile, where=where)
    names: dict[str, int] = {}
    publics: dict[AnyPublicKey, int] = {}
    keys = []
    for number, entry in enumerate(store.keys):
        place = f"{where}: keys[{number}]"
        key = _key(entry, key_file, place)
        what = f"the name {key.name} is there"
        _unique(names, key.name, number, where=f"{place}.name", what=what, hint="give each key a name of its own")
        what = f"the key {key.public.key_id.hex()} is there"
        _unique(publics, key.public, number, where=f"{place}.public_key", what=what, hint="keep one entry for each key")
        keys.append(key)
    return tuple(keys)


def document_of(keys: tuple[TrustedKey, ...]) -> JsonObject:
    """Returns a store's normal form, which needs no other file: sorted by name, keys in one form for each format."""
    return {"schemaVersion": SCHEMA_VERSION, "keys": [_entry(key) for key in sorted(keys, key=lambda key: key.name)]}


def bundled(files: Mapping[str, KeyFile], folder: str, *, where: str) -> Callable[[str], KeyFile]:
    """Returns a reader of key files for a store in `folder` of a build, which sees only the files that a rule lists."""

    def read(name: str) -> KeyFile:
        path = posixpath.normpath(posixpath.join(folder, name))
        if path not in files:
            raise UsageError(f"{path} is not among the srcs of the target", where=where, hint="add its label to srcs")
        return files[path]

    return read


def _key(entry: TrustedKeyEntry, key_file: Callable[[str], KeyFile], where: str) -> TrustedKey:
    public, made = _public(entry, key_file, where)
    if entry.key_id not in (None, public.key_id.hex()):
        hint = "correct it, or leave it out; is it the right key?"
        raise FormatError(f"the key's id is {public.key_id.hex()}", where=f"{where}.key_id", hint=hint)
    if entry.not_before and entry.not_after and entry.not_before > entry.not_after:
        raise FormatError("the key would never be valid", where=f"{where}.not_after", hint="write a time after not_before")
    return TrustedKey(
        name=entry.name,
        public=public,
        not_before=entry.not_before,
        not_after=entry.not_after,
        revoked=entry.revoked,
        comment=entry.comment,
        development=entry.development or made,
    )


def _public(entry: TrustedKeyEntry, key_file: Callable[[str], KeyFile], where: str) -> tuple[AnyPublicKey, bool]:
    """Returns the one key of an entry, and whether a build made it."""
    inline, name = entry.public_key, entry.public_key_file
    if inline is not None:
        place_of_key = f"{where}.public_key"
        keys, made, member = parse_any_public_keys(_decoded(inline, place_of_key), where=place_of_key), False, "public_key"
    else:
        data, made = key_file(name or "")
        keys, member = parse_any_public_keys(data, where=f"{where}.public_key_file ({name})"), "public_key_file"
    if len(set(keys)) != 1:
        hint = "write an entry for each key"
        raise FormatError(f"it holds {len(keys)} keys, but exactly one is expected", where=f"{where}.{member}", hint=hint)
    (key,) = set(keys)
    return (PublicKey(raw=key.raw, format=key.format) if isinstance(key, PublicKey) else key), made


def _decoded(text: str, where: str) -> bytes:
    """Returns the content of a key file that holds what is written: OpenSSH lines, PEM, or base64 of a raw, compact or DER key.

    Raises KeyFormatError for anything else, and does not show it: it may be a secret in the wrong place. Nothing may stand
    beside the key, where `revoked: true` would be passed over as explanation.
    """
    if f"{KEY_TYPE} " in text or pem.holds_block(text):
        lines = text.strip().split("\n")
        if any(not line.lstrip().startswith(KEY_TYPE) for line in lines) and not pem.is_block(text.strip()):
            raise KeyFormatError("there is other text beside the key", where=where, hint="write the OpenSSH line or the PEM block alone")
        return text.encode()
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) == ed25519.KEY_SIZE:
        return b"\x01" + data  # the compact form
    if data[:1] not in _COMPACT_TAGS and not pem.is_der(data):
        hint = "write an Ed25519 key as OpenSSH line, as PEM, or its 32, 33 or 44 bytes in base64; a P-256 key as PEM"
        raise KeyFormatError("this is not a public key", where=where, hint=hint)
    return data


def _unique(seen: dict[_Value, int], value: _Value, number: int, *, where: str, what: str, hint: str) -> None:
    first = seen.setdefault(value, number)
    if first != number:
        raise FormatError(f"{what} twice, in keys[{first}] too", where=where, hint=hint)


def _entry(key: TrustedKey) -> JsonObject:
    public = key.public
    if isinstance(public, PublicKey) and public.format == OPENSSH:
        text = public.openssh().decode().strip()
    else:
        text = base64.b64encode(public.compact() if isinstance(public, PublicKey) and public.format == COMPACT else public.der()).decode()
    entry: JsonObject = {"name": key.name, "key_id": public.key_id.hex(), "public_key": text}
    if key.not_before:
        entry["not_before"] = timestamp_text(key.not_before)
    if key.not_after:
        entry["not_after"] = timestamp_text(key.not_after)
    entry |= {name: True for name in ("revoked", "development") if getattr(key, name)}
    return entry | ({"comment": key.comment} if key.comment else {})
