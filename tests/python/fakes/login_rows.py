"""Every form of a credential that `docker login`, `podman login` and their helpers leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fakes.credentials import auth
from fakes.token_server import TokenServer

PASSWORD = "canary:91fe"
IDENTITY = "canary-refresh-6a20"
WRONG = auth("me:wrong")
GOOD = auth(f"me:{PASSWORD}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a row of the table leaves its credential."""

    folder: Path
    host: str
    tokens: TokenServer
    """Knows user `me` with `PASSWORD`, and `IDENTITY`."""

    def docker(self, **config: object) -> dict[str, str]:
        """The environment of a `config.json`."""
        (self.folder / "docker").mkdir(exist_ok=True)
        (self.folder / "docker/config.json").write_text(json.dumps(config))
        return {"DOCKER_CONFIG": str(self.folder / "docker"), "PATH": f"{self.folder}:/usr/bin:/bin"}

    def helper(self, answer: object, code: int = 0) -> str:
        """Installs a credential helper, and returns its name."""
        program = self.folder / "docker-credential-mine"
        text = answer if isinstance(answer, str) else json.dumps(answer)
        program.write_text(f"#!/bin/sh\ncat > /dev/null\necho '{text}'\nexit {code}\n")
        program.chmod(0o755)
        return "mine"

    def podman(self, variable: str, below: str) -> dict[str, str]:
        path = self.folder / (below or "auth.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": {self.host: GOOD}}))
        return {variable: str(self.folder if below else path)}

    def ready(self) -> str:
        return self.tokens.issue("me", ("repository:org/team/app:pull,push",))

    def without_post(self) -> dict[str, str]:
        self.tokens.post = False
        self.tokens.users["me"] = IDENTITY
        return self.docker(auths={self.host: {"auth": auth("me:")["auth"], "identitytoken": IDENTITY}})


FOUND = {"Username": "me", "Secret": PASSWORD}
NOT_FOUND = "credentials not found in native keychain"

ROWS: dict[str, Callable[[Place], dict[str, str]]] = {
    "auths by host": lambda at: at.docker(auths={at.host: GOOD}),
    "auths with https": lambda at: at.docker(auths={f"https://{at.host}": GOOD}),
    "auths with API version": lambda at: at.docker(auths={f"http://{at.host}/v2/": GOOD}),
    "auths with user and password": lambda at: at.docker(auths={at.host: {"username": "me", "password": PASSWORD}}),
    "auths by namespace": lambda at: at.docker(auths={at.host: WRONG, f"{at.host}/org": GOOD}),
    "auths by repository": lambda at: at.docker(auths={f"{at.host}/org/team/app": GOOD, f"{at.host}/org": WRONG, at.host: WRONG}),
    "identitytoken": lambda at: at.docker(auths={at.host: {"auth": auth("0000:")["auth"], "identitytoken": IDENTITY}}),
    "identitytoken by GET": Place.without_post,
    "registrytoken": lambda at: at.docker(auths={at.host: {"registrytoken": at.ready()}}),
    "credHelpers": lambda at: at.docker(credHelpers={at.host: at.helper(FOUND)}, credsStore="none", auths={at.host: WRONG}),
    "credsStore": lambda at: at.docker(credsStore=at.helper(FOUND), auths={at.host: {}}),
    "a helper's identity token": lambda at: at.docker(credsStore=at.helper({"Username": "<token>", "Secret": IDENTITY})),
    "a helper without a credential": lambda at: at.docker(credsStore=at.helper(NOT_FOUND, 1), auths={at.host: GOOD}),
    "a helper that is not installed": lambda at: at.docker(credsStore="gone", auths={at.host: GOOD}),
    "REGISTRY_AUTH_FILE": lambda at: at.podman("REGISTRY_AUTH_FILE", ""),
    "XDG_RUNTIME_DIR": lambda at: at.podman("XDG_RUNTIME_DIR", "containers/auth.json"),
    "XDG_CONFIG_HOME": lambda at: at.podman("XDG_CONFIG_HOME", "containers/auth.json"),
    "Podman's file at home": lambda at: at.podman("HOME", ".config/containers/auth.json"),
    "Docker's file at home": lambda at: at.podman("HOME", ".docker/config.json"),
    "DOCKER_AUTH_CONFIG": lambda at: at.docker(auths={at.host: WRONG}) | {"DOCKER_AUTH_CONFIG": json.dumps({"auths": {at.host: GOOD}})},
    "variables of wkg": lambda at: at.docker(auths={at.host: WRONG}) | {"WKG_OCI_USERNAME": "me", "WKG_OCI_PASSWORD": PASSWORD},
}
