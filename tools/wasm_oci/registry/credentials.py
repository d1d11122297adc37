"""Which credential a registry gets.

A credential is looked up only when a registry asks for one; what is named in a build must exist from the start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import DOCKER_HUB
from wasm_oci.registry.credential import ANONYMOUS, Credential
from wasm_oci.registry.docker_config import DockerConfigs
from wasm_oci.variable_names import is_variable_name

_KINDS = {
    "token": ("variable",),
    "env": ("variable",),
    "basic": ("username", "password_variable"),
    "oauth": ("id_variable", "secret_variable"),
    "docker": (),
    "default": (),
    "anonymous": (),
}

_WKG_VARIABLES = ("WKG_OCI_USERNAME", "WKG_OCI_PASSWORD")
_GOOGLE_USER = "_json_key"
"""The user whose password is a service account's JSON key."""

CredentialLookup = Callable[[], Credential]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSetting:
    """How a registry entry of a build asks for its credential; the values come from the environment."""

    kind: str = "default"
    variable: str = ""
    username: str = ""
    password_variable: str = ""
    id_variable: str = ""
    secret_variable: str = ""
    entry: str = ""
    """The registry entry, for messages."""
    files: tuple[str, ...] = ()
    """Further files as `docker login` writes them, where the kind looks in such files."""

    def without_variables_of_wkg(self) -> AuthSetting:
        """Returns the setting for a registry that `WKG_OCI_USERNAME` and `WKG_OCI_PASSWORD`, which name no host, are not for."""
        return replace(self, kind="docker") if self.kind == "default" else self

    def check(self) -> None:
        """Raises UsageError for an unknown kind or a member that the kind needs and does not have."""
        if self.kind not in _KINDS:
            raise UsageError(
                f"{self.kind[:40]!r} is not a kind of authentication", where=self._where, hint=f"use one of {', '.join(_KINDS)}"
            )
        for name in _KINDS[self.kind]:
            if not getattr(self, name):
                raise UsageError(f"authentication {self.kind!r} needs {name}", where=self._where, hint="complete the registry entry")
            if name.endswith("variable") and not is_variable_name(getattr(self, name)):
                hint = "write the name of the variable only; never use a secret again that was written there"
                raise UsageError(f"{name} is not the name of a variable (not shown, it may be a secret)", where=self._where, hint=hint)

    def missing(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Returns the variables that hold no value in `environ`, each with what needs it."""
        names = (self.variable, self.id_variable, self.password_variable, self.secret_variable)
        return {name: self._where for name in names if name and not environ.get(name, "").strip()}

    @property
    def _where(self) -> str:
        return f"registry entry {self.entry!r}"

    def lookup(self, host: str, repository: str, environ: Mapping[str, str], configs: DockerConfigs | None = None) -> CredentialLookup:
        """Returns how the credential is found, with `configs`, which several lookups may share, or those of `environ`.

        Raises UsageError at once where a variable is missing or unusable.
        """
        self.check()
        if self.kind == "anonymous":
            return anonymous
        if self.kind == "docker" or (self.kind == "default" and not any(map(environ.get, _WKG_VARIABLES))):
            return docker_lookup(host, repository, configs or DockerConfigs(environ, self.files))
        if self.kind == "default":
            credential = self._of_wkg(environ)
        elif self.kind == "basic":
            credential = self._credential(environ, self.username, self.password_variable)
        elif self.kind == "oauth":
            credential = self._credential(environ, self._value(environ, self.id_variable), self.secret_variable)
        else:
            credential = self._password(environ, host)
        return lambda: credential

    def _credential(self, environ: Mapping[str, str], username: str, variable: str) -> Credential:
        return Credential(source=f"environment variable {variable}", username=username, password=self._value(environ, variable))

    def _of_wkg(self, environ: Mapping[str, str]) -> Credential:
        for name in _WKG_VARIABLES:
            if not environ.get(name):
                hint = f"set both {' and '.join(_WKG_VARIABLES)}, or neither"
                raise UsageError(f"environment variable {name} is not set", where=self._where, hint=hint)
        username, password = (self._value(environ, name) for name in _WKG_VARIABLES)
        return Credential(source=f"environment variables {' and '.join(_WKG_VARIABLES)}", username=username, password=password)

    def _password(self, environ: Mapping[str, str], host: str) -> Credential:
        """A `token` or `env` value: `user:password`, or a password whose user is found elsewhere."""
        value = self._value(environ, self.variable)
        user, colon, password = value.partition(":")
        if colon and not _is_json(value) and self.username in ("", user):
            return Credential(source=f"environment variable {self.variable}", username=user, password=password)
        user_variable = re.sub(r"[^A-Za-z0-9]", "_", host).upper() + "_USERNAME"
        username = self.username or environ.get(user_variable, "").strip()
        if not username and host in DOCKER_HUB:
            raise UsageError(
                "Docker Hub needs a user name beside the token",
                where=self._where,
                hint=f"put user:token into {self.variable}, add the user as a further field, or set {user_variable}",
            )
        default = _GOOGLE_USER if _is_json(value) else "token"
        return Credential(source=f"environment variable {self.variable}", username=username or default, password=value)

    def _value(self, environ: Mapping[str, str], variable: str) -> str:
        value = environ.get(variable, "").strip()
        if not value:
            problem = "is empty" if variable in environ else "is not set"
            raise UsageError(f"environment variable {variable} {problem}", where=self._where, hint=f"set {variable} and run again")
        if not value.isprintable() and not _is_json(value):
            raise UsageError(f"environment variable {variable} holds control characters", where=self._where, hint=f"set {variable} again")
        return value


def _is_json(value: str) -> bool:
    """Whether a password is a JSON object, as a service account's key is; line ends in it are harmless in Basic."""
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


def anonymous() -> Credential:
    """Looks nothing up."""
    return ANONYMOUS


def docker_lookup(host: str, repository: str, configs: DockerConfigs) -> CredentialLookup:
    """Returns a lookup in the Docker and Podman configuration, which is read when it is first called."""

    def found(credential: Credential | None) -> Credential | None:
        return replace(credential, renew=lambda: found(configs.find_again(host, repository, credential))) if credential else None

    return lambda: found(configs.find(host, repository)) or ANONYMOUS
