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

Of `not_after` a date counts to its end. One name for two keys and one key under two names are errors.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import posixpath
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TypeVar

from wasm_oci.errors import FormatError, KeyFormatError, LimitError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys import ed25519, pem
from wasm_oci.keys.key import COMPACT, OPENSSH, PublicKey, parse_public_keys
from wasm_oci.keys.ssh_wire import KEY_TYPE
from wasm_oci.limits import LIMITS
from wasm_oci.trust.timestamps import parse_timestamp, timestamp_text
from wasm_oci.trust.trust import TrustedKey
from wasm_oci.yamltext import parse_mapping

SCHEMA_VERSION = 1
_MEMBERS = ("name", "public_key", "public_key_file", "not_before", "not_after", "revoked", "comment", "development", "key_id")
_LONGEST_NAME = 128
_LONGEST_COMMENT = 1000
_WHAT = "trust store"
_COMPACT_TAGS = (b"\x01", b"\x81")

_Value = TypeVar("_Value", bound=Hashable)
KeyFile = tuple[bytes, bool]
"""A public key file's content, and whether a build made that key."""


def load_trust_store(path: Path) -> tuple[TrustedKey, ...]:
    """Returns the keys of a file, in its order; files that it names are relative to it.

    Raises FormatError for a store that is malformed, with a dotted path to what is wrong, KeyFormatError for a key that is
    not Ed25519, UsageError for a file that cannot be read and a date that does not exist.
    """

    def beside(name: str) -> KeyFile:
        return read_bounded(path.parent / name, LIMITS.key_file, what="public key"), False

    return parse_trust_store(read_bounded(path, LIMITS.config_file, what=_WHAT), beside, where=str(path))


def parse_trust_store(data: bytes, key_file: Callable[[str], KeyFile], *, where: str) -> tuple[TrustedKey, ...]:
    """`load_trust_store` for bytes; `key_file` reads what a `public_key_file` names."""
    document = parse_mapping(data, where=where)
    _only(document, ("keys", "schemaVersion"), where, "")
    if document.get("schemaVersion", SCHEMA_VERSION) != SCHEMA_VERSION:
        raise FormatError("this trust store is of another version", where=f"{where}: schemaVersion", hint=f"write {SCHEMA_VERSION}")
    entries = document.get("keys")
    if not isinstance(entries, list) or not entries:
        raise FormatError("a list of keys is needed", where=f"{where}: keys", hint="write at least one entry with name and public_key")
    if len(entries) > LIMITS.trusted_keys:
        raise LimitError(f"there are more than {LIMITS.trusted_keys} keys", where=f"{where}: keys")
    names: dict[str, int] = {}
    publics: dict[PublicKey, int] = {}
    keys = []
    for number, entry in enumerate(entries):
        place = f"keys[{number}]"
        key = _key(entry, key_file, where, place)
        at, what = f"{where}: {place}.name", f"the name {key.name} is there"
        _unique(names, key.name, number, where=at, what=what, hint="give each key a name of its own")
        at, what = f"{where}: {place}.public_key", f"the key {key.public.key_id.hex()} is there"
        _unique(publics, key.public, number, where=at, what=what, hint="keep one entry for each key")
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


def _key(entry: object, key_file: Callable[[str], KeyFile], where: str, place: str) -> TrustedKey:
    if not isinstance(entry, dict):
        raise FormatError("a key is a mapping", where=f"{where}: {place}", hint="write `- name: NAME`, and `public_key: …` below it")
    _only(entry, _MEMBERS, where, f"{place}.")
    texts = {name: _text(entry, name, where, place) for name in ("name", "not_before", "not_after", "comment", "key_id")}
    marks = {name: _mark(entry, name, where, place) for name in ("revoked", "development")}
    name, comment = texts["name"], texts["comment"] or ""
    if name is None:
        raise FormatError("the key has no name", where=f"{where}: {place}.name", hint="give it one, such as release-2027")
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable() or any(c.isspace() or c in ",|" for c in name):
        hint = f"use 1 to {_LONGEST_NAME} characters without spaces, commas and bars"
        raise FormatError(f"{name[:80]!r} is not a key's name", where=f"{where}: {place}.name", hint=hint)
    if len(comment) > _LONGEST_COMMENT or not comment.replace("\n", "").isprintable():
        hint = f"use at most {_LONGEST_COMMENT} printable characters"
        raise FormatError("the comment is too long, or not plain text", where=f"{where}: {place}.comment", hint=hint)
    public, made = _public(entry, key_file, where, place)
    if texts["key_id"] not in (None, public.key_id.hex()):
        hint = "correct it, or leave it out; is it the right key?"
        raise FormatError(f"the key's id is {public.key_id.hex()}", where=f"{where}: {place}.key_id", hint=hint)
    first, last = texts["not_before"], texts["not_after"]
    not_before = None if first is None else parse_timestamp(first, where=f"{where}: {place}.not_before")
    not_after = None if last is None else parse_timestamp(last, where=f"{where}: {place}.not_after", last=True)
    if not_before and not_after and not_before > not_after:
        raise FormatError("the key would never count", where=f"{where}: {place}.not_after", hint="write a time after not_before")
    return TrustedKey(
        name=name,
        public=public,
        not_before=not_before,
        not_after=not_after,
        revoked=marks["revoked"],
        comment=comment,
        development=marks["development"] or made,
    )


def _public(entry: JsonObject, key_file: Callable[[str], KeyFile], where: str, place: str) -> tuple[PublicKey, bool]:
    """Returns the one key of an entry, and whether a build made it."""
    inline, name = _text(entry, "public_key", where, place), _text(entry, "public_key_file", where, place)
    if (inline is None) == (name is None):
        hint = "keep one: the key itself, or its file"
        raise FormatError("exactly one of public_key and public_key_file is needed", where=f"{where}: {place}", hint=hint)
    if inline is not None:
        place_of_key = f"{where}: {place}.public_key"
        keys, made, member = parse_public_keys(_decoded(inline, place_of_key), where=place_of_key), False, "public_key"
    else:
        data, made = key_file(name or "")
        keys, member = parse_public_keys(data, where=f"{where}: {place}.public_key_file ({name})"), "public_key_file"
    if len(set(keys)) != 1:
        hint = "write an entry for each key"
        raise FormatError(f"there are {len(keys)} keys in it, but one is meant", where=f"{where}: {place}.{member}", hint=hint)
    return PublicKey(raw=keys[0].raw, format=keys[0].format), made


def _decoded(text: str, where: str) -> bytes:
    """Returns the content of a key file that holds what is written: OpenSSH lines, PEM, or base64 of a raw, compact or DER key.

    Raises KeyFormatError for anything else, and does not show it: it may be a secret in the wrong place.
    """
    if f"{KEY_TYPE} " in text or pem.holds_block(text):
        return text.encode()
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) == ed25519.KEY_SIZE:
        return b"\x01" + data  # the compact form
    if data[:1] not in _COMPACT_TAGS and not pem.is_der(data):
        hint = "write an Ed25519 key as OpenSSH line, as PEM, or its 32, 33 or 44 bytes in base64"
        raise KeyFormatError("this is not a public key", where=where, hint=hint)
    return data


def _only(mapping: JsonObject, known: tuple[str, ...], where: str, prefix: str) -> None:
    for name in mapping:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]}?" if near else f"the members are {', '.join(known)}"
            raise FormatError(f"there is no member {name[:80]!r}", where=f"{where}: {prefix}{name[:80]}", hint=hint)


def _text(entry: JsonObject, name: str, where: str, place: str) -> str | None:
    value = entry.get(name)
    if name in entry and not isinstance(value, str):
        raise FormatError("a text is needed", where=f"{where}: {place}.{name}", hint="write it in quotation marks, or leave the member out")
    return value


def _mark(entry: JsonObject, name: str, where: str, place: str) -> bool:
    value = entry.get(name, False)
    if not isinstance(value, bool):
        raise FormatError(f"{str(value)[:40]!r} is neither true nor false", where=f"{where}: {place}.{name}", hint="write true or false")
    return value


def _unique(seen: dict[_Value, int], value: _Value, number: int, *, where: str, what: str, hint: str) -> None:
    first = seen.setdefault(value, number)
    if first != number:
        raise FormatError(f"{what} twice, in keys[{first}] too", where=where, hint=hint)


def _entry(key: TrustedKey) -> JsonObject:
    public = key.public
    if public.format == OPENSSH:
        text = public.openssh().decode().strip()
    else:
        text = base64.b64encode(public.compact() if public.format == COMPACT else pem.public_der(public.raw)).decode()
    entry: JsonObject = {"name": key.name, "key_id": public.key_id.hex(), "public_key": text}
    if key.not_before:
        entry["not_before"] = timestamp_text(key.not_before)
    if key.not_after:
        entry["not_after"] = timestamp_text(key.not_after)
    entry |= {name: True for name in ("revoked", "development") if getattr(key, name)}
    return entry | ({"comment": key.comment} if key.comment else {})
