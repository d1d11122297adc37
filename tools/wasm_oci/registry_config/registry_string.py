"""Registry strings, as `wasm/private/publish/registry_strings.bzl` reads those of a BUILD file.

They are `name|host[|type[|auth[|data…]]]`, and `name|host|mirror|of[|auth…]`.
tests/testdata has the cases of both. An error names the field, and repeats none that may hold a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.http.host import check_host, is_loopback, split_host
from wasm_oci.oci.reference import check_repository
from wasm_oci.variable_names import is_variable_name, looks_like_secret
from wasm_oci.wording import counted

_TYPES = ("oci", "layout", "archive", "mirror")
_AUTH_FORMS = {
    "anonymous": "anonymous",
    "basic": "basic|USER|${VARIABLE}",
    "docker": "docker",
    "env": "env|VARIABLE[|USER]",
    "oauth": "oauth|${ID_VARIABLE}|${SECRET_VARIABLE}",
    "token": "token|${VARIABLE}[|USER]",
}
_FIELDS = ("name", "host", "type", "auth")
_MIRROR_FIELDS = ("name", "host", "type", "of", "auth")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_WORD = re.compile(r"[a-z_]{1,8}|.{0,3}")
"""What is too short to be a secret."""
_WINDOWS_PATH = re.compile(r"[^/]:[\\/].*")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAuth:
    """How an entry asks for its credential; names of variables, never values."""

    kind: str = "default"
    variable: str = ""
    username: str = ""
    password_variable: str = ""
    id_variable: str = ""
    secret_variable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A registry, as requests name it; `host` may begin with a scheme."""

    name: str
    type: Literal["oci", "layout", "archive", "mirror"] = "oci"
    host: str = ""
    prefix: str = ""
    path: str = ""
    mirror_of: str = ""
    """Name of the entry whose content a mirror has too; empty for others."""
    auth: EntryAuth = EntryAuth()


def parse_registry_string(text: str, plain_http: Collection[str] = (), *, where: str = "") -> Entry:
    """Raises FormatError, whose place is `where` and the field."""
    name, *rest = fields = text.split("|")
    if text and not rest:
        raise _error(where, "host", "missing", 'write name|host, such as "github|ghcr.io"')
    if not _NAME.fullmatch(name):
        raise _error(where, "name", "this is not a name", "use letters, digits, '.', '_' and '-', such as \"github\"")
    for index, each in enumerate(fields):
        if each != each.strip() or not each:
            labels = _MIRROR_FIELDS if fields[2:3] == ["mirror"] else _FIELDS
            label = labels[index] if index < len(labels) else f"data (field {index + 1})"
            raise _error(where, label, "is empty" if not each.strip() else "begins or ends with a space", "fill it or remove it")
    location, kind, auth = rest[0], rest[1] if len(rest) > 1 else "oci", rest[2:]
    if kind not in _TYPES:
        raise _error(where, "type", f"unknown type{_shown(kind)}", f"use one of {', '.join(_TYPES)}")
    if kind in ("layout", "archive"):
        return _local(name, location, auth, kind, where)
    if kind == "mirror":
        if not auth:
            raise _error(where, "of", "missing", f"write {json.dumps(f'{name}|{location}|mirror|ENTRY')}, with the name of the entry")
        if not _NAME.fullmatch(auth[0]):
            raise _error(where, "of", "this is not the name of an entry", "write that of the registry that this is a mirror of")
        return replace(_oci(name, location, auth[1:], plain_http, where), type="mirror", mirror_of=auth[0])
    return _oci(name, location, auth, plain_http, where)


def _error(where: str, label: str, what: str, hint: str) -> FormatError:
    return FormatError(what, where=f"{where}: {label}" if where else label, hint=hint)


def _shown(text: str) -> str:
    return f" {json.dumps(text)}" if _WORD.fullmatch(text) else ""


def _local(name: str, path: str, auth: Sequence[str], kind: str, where: str) -> Entry:
    if not path.startswith("/") and not _WINDOWS_PATH.fullmatch(path):
        raise _error(where, "host", f"the path of the {kind} is not absolute", "write the whole path")
    if kind == "archive" and not path.endswith(".tar"):
        raise _error(where, "host", f"{json.dumps(path)} does not end with .tar", "write an archive that is not compressed as NAME.tar")
    if auth:
        raise _error(where, "auth", f"the {kind} is on this machine and takes no credentials", f"remove what follows {kind}")
    return Entry(name=name, type="archive" if kind == "archive" else "layout", path=path, auth=EntryAuth(kind="anonymous"))


def _oci(name: str, location: str, auth: Sequence[str], plain_http: Collection[str], where: str) -> Entry:
    if location.startswith("/"):
        raise _error(where, "host", f"{json.dumps(location)} is a folder", f"write {json.dumps(f'{name}|{location}|layout')}")
    scheme = next((each for each in ("https://", "http://") if location.startswith(each)), "")
    host, slash, prefix = location.removeprefix(scheme).partition("/")
    if "@" in host:
        raise _error(where, "host", "a host must not hold credentials", "write only the host and, if needed, the port")
    place = f"{where}: host" if where else "host"
    _checked(check_host, host, place)
    if location.endswith("/"):
        raise _error(where, "host", f"{json.dumps(location)} ends with '/'", f"write {json.dumps(location.rstrip('/'))}")
    if slash:
        _checked(check_repository, prefix, place)
    if host != "localhost" and "." not in host and ":" not in host:
        raise _error(where, "host", f"{json.dumps(host)} has neither a domain nor a port", f"write {json.dumps(host + ':443')}")
    named = _is_named(host, plain_http)
    if scheme == "http://" and not is_loopback(host) and not named:
        what = f"{json.dumps(host)} is not this machine, and plain http would show credentials on the way"
        raise _error(where, "host", what, f"write {json.dumps(host)}, or add it to plain_http")
    if scheme == "https://" and named:
        raise _error(where, "host", f"{json.dumps(host)} is in plain_http too", "remove https://, or take the host out of plain_http")
    return Entry(name=name, host=("" if named else scheme) + host, prefix=prefix, auth=_auth(auth, where))


def _checked(check: Callable[..., str], text: str, where: str) -> None:
    """Checks a text of a file as one of the command line is checked."""
    try:
        check(text, where=where)
    except UsageError as err:
        raise FormatError(err.what, where=err.where, hint=err.hint) from err


def _is_named(host: str, hosts: Collection[str]) -> bool:
    lower = host.lower()
    return any(each.lower() == lower or split_host(each.lower()) == (split_host(lower)[0], None) for each in hosts)


def _auth(fields: Sequence[str], where: str) -> EntryAuth:
    if not fields:
        return EntryAuth()
    kind, *data = fields
    if kind not in _AUTH_FORMS:
        raise _error(where, "auth", f"unknown kind{_shown(kind)}", f"use one of {', '.join(_AUTH_FORMS)}")
    form = _AUTH_FORMS[kind]
    most = form.count("|")
    if not most - form.count("[") <= len(data) <= most:
        raise _error(where, "auth", f"{kind} has {counted(len(data), 'further field')}", f"write {form}")
    reader = _Data(form=form, where=where)
    if kind == "token":
        return EntryAuth(kind=kind, variable=reader.reference(data[0], "token"), username=reader.user(data[1]) if data[1:] else "")
    if kind == "env":
        return EntryAuth(kind=kind, variable=reader.variable(data[0]), username=reader.user(data[1]) if data[1:] else "")
    if kind == "basic":
        return EntryAuth(kind=kind, username=reader.user(data[0]), password_variable=reader.reference(data[1], "password"))
    if kind == "oauth":
        return EntryAuth(kind=kind, id_variable=reader.reference(data[0], "id"), secret_variable=reader.reference(data[1], "secret"))
    return EntryAuth(kind=kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """Reads what follows the kind of an authentication."""

    form: str
    where: str

    def _refusal(self, what: str, hint: str) -> FormatError:
        return _error(self.where, "auth", what, f"{hint}; the form is {self.form}")

    def reference(self, text: str, name: str) -> str:
        """Returns the name of the variable in `${NAME}`."""
        if text.startswith("${") and text.endswith("}") and is_variable_name(text[2:-1]):
            return text[2:-1]
        enclosed = text.startswith("${") and text.endswith("}")
        what = (
            ": the text in ${} is not the name of a variable, or looks like a secret (not shown)"
            if enclosed
            else " is a literal value (not shown)"
        )
        hint = "secrets in configuration files are readable by everyone. Write ${VARIABLE} and set that variable when publishing"
        raise self._refusal(name + what, hint)

    def variable(self, text: str) -> str:
        if is_variable_name(text):
            return text
        hint = "write it, such as env|GITHUB_TOKEN, neither its value (which this looks like) nor ${NAME}"
        raise self._refusal("env takes the name of a variable", hint)

    def user(self, text: str) -> str:
        if not text or "$" in text or ":" in text:
            raise self._refusal("user is not a plain name", "write it without '$' and ':'")
        if looks_like_secret(text):
            raise self._refusal("user looks like a secret (not shown)", "write the name of the user")
        return text
