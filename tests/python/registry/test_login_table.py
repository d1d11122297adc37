"""If `docker login` or `podman login` works, so does everything here: each form of a credential, at a registry and its token service."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fakes.login_rows import GOOD, IDENTITY, NOT_FOUND, PASSWORD, ROWS, Place
from fakes.timing import IMPATIENT, FakeTime
from fakes.token_server import token_server
from instruments.registry import start
from wasm_oci.errors import AuthError
from wasm_oci.http.transport import Transport
from wasm_oci.local_registry.access import Bearer
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.registries import registry_client

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
