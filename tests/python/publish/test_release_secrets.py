"""Credential helpers that a release runs do not see the keys that it signs with."""

from __future__ import annotations

import base64
import stat
from contextlib import closing
from pathlib import Path

import pytest

from fakes.artifacts import component, key, layout_of
from fakes.credentials import docker
from fakes.timing import IMPATIENT, FakeTime
from instruments.registry import start
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.local_registry.access import Basic
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.release import release
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest
from wasm_oci.publish.signing import DeferredSigning


def test_a_helper_does_not_see_the_key_and_passphrase_of_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = base64.b64encode(key(1).seed).decode()
    monkeypatch.setenv("ACME", seed)
    (tmp_path / "1.public").write_bytes(key(1).public.compact())
    helper = tmp_path / "docker-credential-mine"
    helper.write_text(f"""#!/bin/sh\nenv > {tmp_path}/seen\necho '{{"Username":"robot","Secret":"pw"}}'\n""")
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    environ = docker(tmp_path, {"credsStore": "mine"}) | {"ACME": seed, "PHRASE": "p4ss", "TOKEN": "kept"}
    keys = (SigningKey(source=KeySource(kind="env", ref="ACME"), public_key=tmp_path / "1.public"),)
    with (
        start(auth=Basic(user="robot", password="pw")) as registry,
        closing(Transport(limits=IMPATIENT, timing=FakeTime().timing)) as transport,
    ):
        artifact = ArtifactRequest(
            layout=layout_of(tmp_path / "layout", component()).folder,
            signing=DeferredSigning(keys=keys, image=None),
            destinations=(DestinationRequest(repository=Reference.parse(f"{registry.host}/library/hello"), tags=("v1",)),),
        )
        passphrase = PassphraseSource(variable="PHRASE", environ=environ)
        request = ReleaseRequest(artifacts=(artifact,), dry_run=True)
        (released,) = release(request, transport=transport, environ=environ, passphrase=passphrase).artifacts
    assert released.error is None
    seen = (tmp_path / "seen").read_text()
    assert "TOKEN=kept\n" in seen
    assert seed not in seen
    assert "p4ss" not in seen
