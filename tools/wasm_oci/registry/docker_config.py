"""The credentials that `docker login` and `podman login` keep (`config.json`, containers-auth.json(5)).

Within a file `credHelpers` beats `credsStore`, which beats `auths`; the first file with an entry counts.
A helper that is not installed, or does not start on this machine, leaves the entry in `auths`; without one it is an error. One that
ran and failed is always an error, because what it keeps may be another account: so it is for crane and oras too. Files are read as
those programs read them: of a member that is given twice the last counts, objects are merged, and its name is in any case.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from wasm_oci.errors import AuthError, UsageError
from wasm_oci.files import file_type, read_bounded
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.reference import DOCKER_HUB
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credential_helper import NOT_INSTALLED, ask_helper

_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_RUN = Path("/run/containers")
"""Where `podman login` keeps credentials on Linux if XDG_RUNTIME_DIR is not set."""
_FILE = "registry credentials file"
_REPAIR = "log in again, or correct the file"
_ENTRY = ("auth", "username", "password", "identitytoken", "registrytoken")
_AGAIN = 60.0
"""Seconds in which what is refused and has not changed is not looked up again: each of many repositories may be refused it."""


@dataclass(slots=True)
class _Helper:
    """What a helper said about a server."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: bool = False
    found: Credential | None = None
    error: AuthError | None = None


class DockerConfigs:
    """The configuration files of `environ`, in their order: those that a variable names, then `files`, then Docker's, then Podman's.

    A file that does not exist is left out; `~` in `files` is the user's home. Each is read once, and each helper is asked once
    about a server, until something that they hold is refused. Safe to share between threads.
    """

    def __init__(self, environ: Mapping[str, str], files: Sequence[str] = (), *, clock: Callable[[], float] = time.monotonic) -> None:
        self._environ = environ
        self._named = files
        self._clock = clock
        self._files: dict[Path, JsonObject | None] = {}
        self._helpers: dict[tuple[str, str, str], _Helper] = {}
        self._unchanged: dict[Credential, float] = {}
        self._lock, self._renewing = threading.Lock(), threading.Lock()

    def find(self, host: str, repository: str) -> Credential | None:
        """Returns the credential for a repository, or None.

        Raises UsageError for a file that cannot be understood (never with its content), and AuthError for a credential
        helper that fails, or that is missing where the file has nothing else.
        """
        for name, config in self._configs():
            helpers, keys = _members(config, "credHelpers", where=name), _server_keys(host)
            own = next((key for key in keys if key in helpers), None)
            store = _member(config, "credsStore") if own is None or helpers[own] else None
            asked = [(helpers[own], own, "credHelpers")] if own is not None and helpers[own] else []
            asked += [(store, key, "credsStore") for key in keys if store]
            missing: AuthError | None = None
            for helper, key, member in asked:
                try:
                    if found := self._ask(helper, key, where=f"{member} of {name}"):
                        return found
                except AuthError as err:
                    if err.reason != NOT_INSTALLED:
                        raise _failed(err, keys[0], partial(_from_auths, config, host, repository, where=name)) from err
                    missing = missing or err
            if found := _from_auths(config, host, repository, where=name):
                return replace(found, source=f"{found.source}, because {missing.what}") if missing else found
            if missing:
                raise missing
        return None

    def find_again(self, host: str, repository: str, refused: Credential) -> Credential | None:
        """Returns what has taken the place of a credential that a registry refuses, None where nothing has; raises as `find`.

        Files are read again and helpers asked again, unless that was done for another repository just before.
        """
        with self._renewing:
            found = self.find(host, repository)
            if found == refused and self._clock() >= self._unchanged.get(refused, -_AGAIN) + _AGAIN:
                with self._lock:
                    self._files.clear()
                    self._helpers = {known: said for known, said in self._helpers.items() if known[1] not in _server_keys(host)}
                found = self.find(host, repository)
                if found == refused:
                    self._unchanged[refused] = self._clock()
        return found if found != refused else None

    def _ask(self, helper: object, key: str, *, where: str) -> Credential | None:
        with self._lock:
            said = self._helpers.setdefault((str(helper), key, where), _Helper())
        with said.lock:
            if not said.asked:
                try:
                    said.found = ask_helper(helper, key, self._environ, where=where)
                except AuthError as err:
                    said.error = err
                said.asked = True
        if said.error:
            raise said.error
        return said.found

    def _configs(self) -> Iterator[tuple[str, JsonObject]]:
        if text := self._environ.get("DOCKER_AUTH_CONFIG"):
            yield "DOCKER_AUTH_CONFIG", _parse(text.encode("utf-8", "surrogateescape"), where="DOCKER_AUTH_CONFIG")
        for path in self._paths():
            with self._lock:
                if path not in self._files:
                    self._files[path] = _read(path)
                config = self._files[path]
            if config is not None:
                yield str(path), config

    def _paths(self) -> Iterator[Path]:
        environ = self._environ
        home = environ.get("HOME") or environ.get("USERPROFILE")
        docker, podman = environ.get("DOCKER_CONFIG"), environ.get("REGISTRY_AUTH_FILE")
        if docker:
            yield Path(docker) / "config.json"
        if podman:
            yield Path(podman)
        for name in self._named:
            if home or not name.startswith("~/"):
                yield Path(home or "") / name.removeprefix("~/")
        if home and not docker:
            yield Path(home) / ".docker" / "config.json"
        if podman:
            return
        if directory := environ.get("XDG_RUNTIME_DIR"):
            yield Path(directory) / "containers" / "auth.json"
        elif sys.platform == "linux":
            yield _RUN / str(os.getuid()) / "auth.json"
        if directory := environ.get("XDG_CONFIG_HOME"):
            yield Path(directory) / "containers" / "auth.json"
        elif home:
            yield Path(home) / ".config" / "containers" / "auth.json"


def _read(path: Path) -> JsonObject | None:
    """Returns a file's content, None where it does not exist."""
    if file_type(path, what=_FILE) != stat.S_IFREG:
        return None
    return _parse(read_bounded(path, LIMITS.docker_config, what=_FILE), where=str(path))


def _parse(data: bytes, *, where: str) -> JsonObject:
    if len(data) > LIMITS.docker_config:
        raise UsageError(f"the {_FILE} is larger than {LIMITS.docker_config} bytes", where=where, hint=_REPAIR)
    if not data.strip():
        return {}
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_merged)
        json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair cannot be sent
    except (ValueError, RecursionError) as err:
        raise UsageError(f"the {_FILE} is not valid JSON", where=where, hint=_REPAIR) from err
    if not isinstance(document, dict):
        raise UsageError(f"the {_FILE} is not a JSON object", where=where, hint=_REPAIR)
    return document


def _merged(pairs: list[tuple[str, Any]]) -> JsonObject:
    document: JsonObject = {}
    for name, value in pairs:
        before = document.get(name)
        document[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    return document


def _member(document: JsonObject, name: str) -> Any:
    """The member `name`, in its own case or, where there is none, in any other."""
    return document.get(name, next((value for key, value in document.items() if key.lower() == name.lower()), None))


def _members(config: JsonObject, key: str, *, where: str) -> JsonObject:
    value = _member(config, key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UsageError(f"{key} must be an object", where=where, hint=_REPAIR)
    return value


def _server_keys(host: str) -> tuple[str, ...]:
    return (_DOCKER_HUB_KEY, *sorted(DOCKER_HUB)) if host in DOCKER_HUB else (host, f"https://{host}")


def _reduced(key: str) -> str:
    """Returns a key of `auths` without scheme, API version and final slash: a host, perhaps with a path."""
    name = re.sub(r"^https?://", "", key)
    name = re.sub(r"/v[12]/?$", "", name).rstrip("/")
    first, slash, rest = name.partition("/")
    host = first.lower()
    return ("docker.io" if host in DOCKER_HUB else host) + slash + rest


def _from_auths(config: JsonObject, host: str, repository: str, *, where: str) -> Credential | None:
    """The entry with the longest path that `host/repository` begins with; a bare host is the shortest."""
    auths, wanted = _members(config, "auths", where=where), _reduced(f"{host}/{repository}")
    keys = [key for key in auths if wanted == _reduced(key) or wanted.startswith(_reduced(key) + "/")]
    exact = (host, _DOCKER_HUB_KEY)
    for key in sorted(keys, key=lambda key: (len(_reduced(key)), key in exact), reverse=True):
        if found := _entry(auths[key], source=f"auths[{key!r}] in {where}", where=where):
            return found
    return None


def _failed(error: AuthError, key: str, entry_in_auths: Callable[[], Credential | None]) -> AuthError:
    """The error of a helper that failed, with how to use the entry in `auths` in its place, where there is one."""
    other = None
    with suppress(UsageError):
        other = entry_in_auths()
    if other is None:
        return error
    entry, member = other.source.partition(" in ")[0], json.dumps({key: ""})
    hint = f'{error.hint}; to use {entry} instead, add "credHelpers": {member} to the file'
    return AuthError(error.what, where=error.where, hint=hint, reason=error.reason)


def _entry(entry: Any, *, source: str, where: str) -> Credential | None:
    """One entry of `auths`; an empty one, which Docker leaves beside a credential store, is none, and so is null."""
    if entry is None:
        return None
    values: list[Any] = [_member(entry, name) or "" for name in _ENTRY] if isinstance(entry, dict) else [None]
    if not all(isinstance(value, str) for value in values):
        raise UsageError(f"{source.partition(' in ')[0]} is not a credential", where=where, hint=_REPAIR)
    auth, username, password, identity, ready = values
    if auth:
        username, password = _basic(auth, source=source, where=where)
    if not (password or identity or ready):
        return None
    if ready and not (ready.isascii() and ready.isprintable() and " " not in ready):
        raise UsageError(f"registrytoken of {source.partition(' in ')[0]} is not a token", where=where, hint=_REPAIR)
    return Credential(source=source, username=username, password=password, identity_token=identity, registry_token=ready)


def _basic(auth: str, *, source: str, where: str) -> tuple[str, str]:
    compact = "".join(auth.split()).rstrip("=")  # `base64` breaks long lines
    try:
        text = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True).decode()
    except (binascii.Error, ValueError) as err:
        raise UsageError(f"auth of {source.partition(' in ')[0]} is not base64 text", where=where, hint=_REPAIR) from err
    username, colon, password = text.rstrip("\0").partition(":")
    if not colon:
        raise UsageError(f"auth of {source.partition(' in ')[0]} is not user:password", where=where, hint=_REPAIR)
    return username, password
