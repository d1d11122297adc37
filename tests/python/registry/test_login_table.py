"""If `docker login` or `podman login` works, so does everything here: each form of a credential, at a registry and its token service."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.credentials import auth
from fakes.timing import IMPATIENT, FakeTime
from fakes.token_server import TokenServer, token_server
from instruments.registry import start
from wasm_oci.errors import AuthError
from wasm_oci.http.transport import Transport
from wasm_oci.local_registry.access import Bearer
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.registries import registry_client

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

ANONYMOUS: dict[str, Callable[[Place], dict[str, str]]] = {
    "nothing": lambda at: {},
    "no file": lambda at: {"DOCKER_CONFIG": str(at.folder / "none"), "HOME": str(at.folder)},
    "{}": lambda at: at.docker(),
    "another host": lambda at: at.docker(auths={f"{at.host}0": GOOD, f"{at.host}.example": GOOD}),
    "another repository": lambda at: at.docker(auths={f"{at.host}/org/team/application": GOOD, f"{at.host}/or": GOOD}),
    "a helper without a credential": lambda at: at.docker(credsStore=at.helper(NOT_FOUND, 1)),
    "an entry of a store": lambda at: at.docker(auths={at.host: {}}),
}


def push(tmp_path: Path, row: Callable[[Place], dict[str, str]]) -> str:
    """Pushes a manifest, and returns where the credential came from."""
    with (
        token_server(users={"me": PASSWORD}, refresh_tokens={IDENTITY: "me"}) as tokens,
        start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry,
        closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as transport,
    ):
        environ = row(Place(folder=tmp_path, host=registry.host, tokens=tokens))
        tokens.users["me"] = IDENTITY if not tokens.post else PASSWORD
        reference = Reference.parse(f"{registry.host}/org/team/app")
        client = registry_client(reference, transport=transport, environ=environ, actions="pull,push")
        assert client.find_manifest("v1") is None
        client.put_manifest("v1", b'{"schemaVersion":2,"manifests":[]}', "application/vnd.oci.image.index.v1+json")
        return client.credential_source


@pytest.mark.parametrize("name", ROWS)
def test_a_login_that_works(tmp_path: Path, name: str) -> None:
    source = push(tmp_path, ROWS[name])
    assert source != "none (anonymous)"
    assert "canary" not in source


@pytest.mark.parametrize("name", ANONYMOUS)
def test_without_a_login_only_reading_is_allowed(tmp_path: Path, name: str) -> None:
    with pytest.raises(AuthError, match=r"asked for pull,push; credential: none \(anonymous\); log in with `docker login"):
        push(tmp_path, ANONYMOUS[name])
