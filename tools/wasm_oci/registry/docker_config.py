"""The credentials that `docker login` and `podman login` keep (`config.json`, containers-auth.json(5)).

In one file `credHelpers` beats `credsStore`, which beats `auths`; the first file with an entry counts.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wasm_oci.errors import AuthError, FormatError, UsageError, one_line
from wasm_oci.files import file_type, read_bounded
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.reference import DOCKER_HUB
from wasm_oci.registry.credential import Credential

_log = logging.getLogger(__name__)

_DOCKER_HUB_KEY = "https://index.docker.io/v1/"
_NOT_FOUND = "credentials not found in native keychain"
_HELPER_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FILE = "registry credentials file"
_REPAIR = "log in again, or correct the file"


class DockerConfigs:
    """The configuration files that `environ` names, in their order: Docker's, then Podman's."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def find(self, host: str, repository: str) -> Credential | None:
        """Returns the credential for a repository, or None.

        Raises UsageError for a file that cannot be understood (never with its content), and AuthError for a
        credential helper that fails.
        """
        for name, config in self._configs():
            helpers = _members(config, "credHelpers", where=name)
            for key in _server_keys(host):
                if helper := helpers.get(key):
                    if found := _ask_helper(helper, key, self._environ, where=f"credHelpers of {name}"):
                        return found
                    break
            if store := config.get("credsStore"):
                for key in _server_keys(host):
                    if found := _ask_helper(store, key, self._environ, where=f"credsStore of {name}"):
                        return found
            if found := _from_auths(_members(config, "auths", where=name), host, repository, where=name):
                return found
        return None

    def _configs(self) -> Iterator[tuple[str, JsonObject]]:
        if text := self._environ.get("DOCKER_AUTH_CONFIG"):
            yield "DOCKER_AUTH_CONFIG", _parse(text.encode("utf-8", "surrogateescape"), where="DOCKER_AUTH_CONFIG")
        for path in self._paths():
            if file_type(path, what=_FILE) == stat.S_IFREG:
                data = read_bounded(path, LIMITS.docker_config, what=_FILE)
                yield str(path), _parse(data, where=str(path))

    def _paths(self) -> Iterator[Path]:
        environ = self._environ
        home = environ.get("HOME") or environ.get("USERPROFILE")
        if directory := environ.get("DOCKER_CONFIG"):
            yield Path(directory) / "config.json"
        elif home:
            yield Path(home) / ".docker" / "config.json"
        if path := environ.get("REGISTRY_AUTH_FILE"):
            yield Path(path)
            return
        if directory := environ.get("XDG_RUNTIME_DIR"):
            yield Path(directory) / "containers" / "auth.json"
        if directory := environ.get("XDG_CONFIG_HOME"):
            yield Path(directory) / "containers" / "auth.json"
        elif home:
            yield Path(home) / ".config" / "containers" / "auth.json"


def _parse(data: bytes, *, where: str) -> JsonObject:
    if not data.strip():
        return {}
    try:
        return parse_object(data, where=where, limit=LIMITS.docker_config)
    except FormatError as err:
        raise UsageError(f"the {_FILE} is not valid JSON", where=where, hint=_REPAIR) from err


def _members(config: JsonObject, key: str, *, where: str) -> JsonObject:
    value = config.get(key)
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
    return ("docker.io" if first in DOCKER_HUB else first) + slash + rest


def _from_auths(auths: JsonObject, host: str, repository: str, *, where: str) -> Credential | None:
    """The entry with the longest path that `host/repository` begins with; a bare host is the shortest."""
    wanted = _reduced(f"{host}/{repository}")
    keys = [key for key in auths if wanted == _reduced(key) or wanted.startswith(_reduced(key) + "/")]
    exact = (host, _DOCKER_HUB_KEY)
    for key in sorted(keys, key=lambda key: (len(_reduced(key)), key in exact), reverse=True):
        if found := _entry(auths[key], source=f"auths[{key!r}] in {where}", where=where):
            return found
    return None


def _entry(entry: Any, *, source: str, where: str) -> Credential | None:
    """One entry of `auths`; an empty one, which Docker leaves beside a credential store, is none."""
    names = ("auth", "username", "password", "identitytoken", "registrytoken")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(name) or "", str) for name in names):
        raise UsageError(f"{source.partition(' in ')[0]} is not a credential", where=where, hint=_REPAIR)
    auth, username, password, identity, ready = (entry.get(name) or "" for name in names)
    if auth:
        username, password = _basic(auth, source=source, where=where)
    if not (password or identity or ready):
        return None
    return Credential(source=source, username=username, password=password, identity_token=identity, registry_token=ready)


def _basic(auth: str, *, source: str, where: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth.strip().rstrip("=") + "=" * (-len(auth.strip().rstrip("=")) % 4), validate=True).decode()
    except (binascii.Error, ValueError) as err:
        raise UsageError(f"auth of {source.partition(' in ')[0]} is not base64 text", where=where, hint=_REPAIR) from err
    username, colon, password = text.rstrip("\0").partition(":")
    if not colon:
        raise UsageError(f"auth of {source.partition(' in ')[0]} is not user:password", where=where, hint=_REPAIR)
    return username, password


def _ask_helper(name: object, key: str, environ: Mapping[str, str], *, where: str) -> Credential | None:
    """Runs `docker-credential-NAME get`; None where it knows no credential. Its output, even a failed one, is never shown."""
    if not isinstance(name, str) or not _HELPER_NAME.fullmatch(name):
        raise UsageError("the name of the credential helper is not usable", where=where, hint="correct the file")
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        raise AuthError(f"{program} is not on PATH", where=where, hint="install the helper, or remove it from the file")
    try:
        done = subprocess.run(
            [path, "get"],
            input=key.encode(),
            capture_output=True,
            timeout=LIMITS.helper_timeout,
            check=False,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired as err:
        raise AuthError(f"{program} did not answer in {LIMITS.helper_timeout:.0f} seconds", where=where, hint="unlock its store") from err
    except OSError as err:
        raise AuthError(f"{program} cannot be run", where=where, hint="install the helper again") from err
    if done.returncode != 0:
        said = (done.stdout or done.stderr)[:400].decode("utf-8", "replace").strip()
        if _NOT_FOUND in said or "credentials not found" in done.stderr[:400].decode("utf-8", "replace"):
            _log.debug("%s has nothing for %s", program, key)
            return None
        said = "" if "{" in said or "secret" in said.lower() else one_line(said)[:200]
        raise AuthError(f"{program} failed: {said or f'exit code {done.returncode}'}", where=where, hint="log in again")
    return _helper_answer(done.stdout, program, key, where=where)


def _helper_answer(data: bytes, program: str, key: str, *, where: str) -> Credential | None:
    try:
        response = json.loads(data[: LIMITS.docker_config])
        username, secret = response.get("Username") or "", response.get("Secret") or ""
    except (ValueError, AttributeError, RecursionError):
        username = secret = None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise AuthError(f"{program} wrote no usable output", where=where, hint="log in again")
    if not secret:
        return None
    source = f"{program} for {key} ({where})"
    if username == "<token>":
        return Credential(source=source, identity_token=secret)
    return Credential(source=source, username=username, password=secret)
