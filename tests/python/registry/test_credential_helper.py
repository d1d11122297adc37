"""Credential helpers: how they are asked, what they see, and what becomes of what they write."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.credentials import auth, docker, find
from fakes.wasm import TESTDATA
from wasm_oci.errors import AuthError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.registry import credential_helper
from wasm_oci.registry.credential_helper import without_signing_secrets

SECRET = "canary-77aa"


def helper(folder: Path, name: str, script: str) -> Path:
    """A credential helper that first writes what it was asked to `asked`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{{ printf '%s ' \"$1\"; cat; echo; }} >> {folder}/asked\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder / "asked"


def test_a_helper_is_asked_for_the_host(tmp_path: Path) -> None:
    asked = helper(tmp_path, "mine", """echo '{"ServerURL":"ghcr.io","Username":"me","Secret":"pw"}'""")
    environ = docker(tmp_path, {"credHelpers": {"ghcr.io": "mine"}, "auths": {"ghcr.io": auth("no:no")}})
    found = find(environ)
    assert (found.username, found.password) == ("me", "pw")
    assert found.source == f"docker-credential-mine for ghcr.io (credHelpers of {tmp_path}/config.json)"
    assert asked.read_text() == "get ghcr.io\n"


def test_a_helper_for_another_host_is_not_asked(tmp_path: Path) -> None:
    asked = helper(tmp_path, "mine", "exit 1")
    assert find(docker(tmp_path, {"credHelpers": {"quay.io": "mine"}})).anonymous
    assert not asked.exists()


def test_a_store_is_asked_and_beats_auths(tmp_path: Path) -> None:
    asked = helper(tmp_path, "store", """echo '{"Username":"store","Secret":"pw"}'""")
    environ = docker(tmp_path, {"credsStore": "store", "auths": {"docker.io": auth("no:no")}})
    assert find(environ, "docker.io").username == "store"
    assert asked.read_text() == "get https://index.docker.io/v1/\n"


def test_a_helper_may_hold_an_identity_token(tmp_path: Path) -> None:
    helper(tmp_path, "mine", """echo '{"Username":"<token>","Secret":"refresh"}'""")
    found = find(docker(tmp_path, {"credsStore": "mine"}))
    assert (found.identity_token, found.password) == ("refresh", "")


@pytest.mark.parametrize("where", ["", " >&2"])
def test_a_helper_without_a_credential_is_no_error(tmp_path: Path, where: str) -> None:
    helper(tmp_path, "mine", f"echo 'credentials not found in native keychain'{where}; exit 1")
    assert find(docker(tmp_path, {"credsStore": "mine"})).anonymous
    assert find(docker(tmp_path, {"credsStore": "mine", "auths": {"ghcr.io": auth("file:pw")}})).username == "file"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (f"""echo '{{"Secret":"{SECRET}"}}'; exit 1""", "docker-credential-mine failed with exit code 1"),
        (f"echo 'the token {SECRET} is expired' >&2; exit 3", "docker-credential-mine failed with exit code 3"),
        (f"echo '{SECRET}'", "docker-credential-mine wrote no valid credential"),
        (f"""echo '["{SECRET}"]'""", "docker-credential-mine wrote no valid credential"),
        (f"""echo '{{"Username":5,"Secret":"{SECRET}"}}'""", "docker-credential-mine wrote no valid credential"),
        (f"""echo '{{"Username":"me","Secret":"{SECRET}\\ud800"}}'""", "docker-credential-mine wrote no valid credential"),
        ("printf '\\377\\376'", "docker-credential-mine wrote no valid credential"),
        ("head -c 200000 /dev/zero | tr '\\0' '['", "docker-credential-mine wrote more than 65536 bytes"),
        ("head -c 60000 /dev/zero | tr '\\0' '['", "docker-credential-mine wrote no valid credential"),
        ("yes", "docker-credential-mine wrote more than 65536 bytes"),
        ("yes | head -c 200000 >&2; exit 3", "docker-credential-mine failed with exit code 3"),
    ],
)
def test_a_helper_that_fails_is_named_and_its_output_is_not_shown(tmp_path: Path, script: str, problem: str) -> None:
    helper(tmp_path, "mine", script)
    with pytest.raises(AuthError, match=problem) as caught:
        find(docker(tmp_path, {"credsStore": "mine"}))
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_helper_may_write_any_number_of_messages(tmp_path: Path) -> None:
    helper(tmp_path, "mine", """yes | head -c 200000 >&2; echo '{"Username":"me","Secret":"pw"}'""")
    assert find(docker(tmp_path, {"credsStore": "mine"})).username == "me"


def test_a_failed_helper_says_how_to_see_why(tmp_path: Path) -> None:
    helper(tmp_path, "mine", "echo locked; exit 1")
    with pytest.raises(AuthError, match=r"run `echo ghcr\.io \| docker-credential-mine get` to see why, or log in again"):
        find(docker(tmp_path, {"credHelpers": {"ghcr.io": "mine"}}))


def test_a_helper_that_hangs_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credential_helper, "LIMITS", replace(LIMITS, helper_timeout=0.5))
    helper(tmp_path, "mine", f"sh -c 'sleep 2; touch {tmp_path}/alive' & sleep 60")
    started = time.monotonic()
    with pytest.raises(AuthError, match="docker-credential-mine timed out"):
        find(docker(tmp_path, {"credsStore": "mine"}))
    assert time.monotonic() - started < 5
    time.sleep(max(0, 3 - (time.monotonic() - started)))
    assert not (tmp_path / "alive").exists()


def test_a_helper_that_leaves_its_outputs_open_is_not_waited_for(tmp_path: Path) -> None:
    helper(tmp_path, "mine", """echo '{"Username":"me","Secret":"pw"}'; sleep 60 &""")
    started = time.monotonic()
    assert find(docker(tmp_path, {"credsStore": "mine"})).username == "me"
    assert time.monotonic() - started < 5


def der_key(encryption: serialization.KeySerializationEncryption) -> bytes:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)


def test_a_helper_does_not_see_signing_secrets(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    helper(tmp_path, "mine", f"""env > {seen}; echo '{{"Username":"me","Secret":"pw"}}'""")
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"
    raw = base64.b64encode(b"\x81" + SECRET.encode().ljust(64)).decode()
    hidden = {
        "WASM_OCI_PASSPHRASE": SECRET,
        "WASM_SIGNING_KEY": SECRET,
        "COSIGN_PASSWORD": SECRET,
        "ANY_NAME": pem,
        "ANOTHER": f"  {pem}",
        "OPENSSH": pem.replace("PRIVATE", "OPENSSH PRIVATE"),
        "ENCODED": base64.b64encode(pem.encode()).decode(),
        "RAW": raw,
        "EXPLAINED": f"Bag Attributes\n    friendlyName: mine\n{pem}",
        "MARKED": f"\ufeff{pem}",
        "ENCODED_EXPLAINED": base64.b64encode(f"# mine\n{pem}".encode()).decode(),
        "DER": base64.b64encode(der_key(serialization.NoEncryption())).decode(),
        "DER_ENCRYPTED": base64.b64encode(der_key(serialization.BestAvailableEncryption(b"pw"))).decode(),
        "OPENSSH_BODY": base64.b64encode(b"openssh-key-v1\0none").decode(),
    }
    kept = {
        "AWS_SECRET_ACCESS_KEY": "aws",
        "GITHUB_TOKEN": "gh",
        "CERTIFICATE": "-----BEGIN CERTIFICATE-----",
        "GOOGLE_APPLICATION_CREDENTIALS": "/x.json",
        "DBUS_SESSION_BUS_ADDRESS": "unix:",
    }
    assert find(docker(tmp_path, {"credsStore": "mine"}) | hidden | kept).username == "me"
    lines = seen.read_text()
    assert [name for name in hidden if name in lines] == []
    assert all(f"{name}={value}\n" in lines for name, value in kept.items())
    assert without_signing_secrets({**hidden, "HOME": "/root"}) == {"HOME": "/root"}


@pytest.mark.parametrize("own", ["", None])
def test_an_empty_helper_for_a_host_means_the_file(tmp_path: Path, own: str | None) -> None:
    asked = helper(tmp_path, "store", """echo '{"Username":"store","Secret":"pw"}'""")
    config = {"credHelpers": {"ghcr.io": own}, "credsStore": "store", "auths": {"ghcr.io": auth("file:pw")}}
    assert find(docker(tmp_path, config)).username == "file"
    assert not asked.exists()
    assert find(docker(tmp_path, config), "quay.io").username == "store"


def test_a_login_with_a_store_that_docker_wrote(tmp_path: Path) -> None:
    helper(tmp_path, "fixture", """echo '{"ServerURL":"127.0.0.1:5999","Username":"robot$user","Secret":"pw"}'""")
    environ = docker(tmp_path, json.loads((TESTDATA / "registry_auth/docker_store.json").read_text()))
    assert find(environ, "127.0.0.1:5999").username == "robot$user"


def test_a_helper_in_the_current_directory_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = helper(tmp_path, "mine", "exit 0")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AuthError, match="docker-credential-mine is not on PATH"):
        find(docker(tmp_path, {"credsStore": "mine"}) | {"PATH": f".{os.pathsep}{os.defpath}"})
    assert not asked.exists()


def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="docker-credential-gone is not on PATH"):
        find(docker(tmp_path, {"credsStore": "gone"}))


@pytest.mark.parametrize("config", [{"credsStore": "gone"}, {"credHelpers": {"ghcr.io": "gone"}}])
def test_the_file_takes_the_place_of_a_helper_that_is_not_installed(tmp_path: Path, config: dict[str, object]) -> None:
    """A home folder that is shared with another machine names the helper of that one."""
    found = find(docker(tmp_path, {**config, "auths": {"ghcr.io": auth("file:pw")}}))
    assert found.username == "file"
    assert found.source == f"auths['ghcr.io'] in {tmp_path}/config.json, because docker-credential-gone is not on PATH"
    with pytest.raises(AuthError, match="not on PATH"):
        find(docker(tmp_path, {**config, "auths": {"quay.io": auth("file:pw"), "ghcr.io": {}}}))


UNUSABLE = {
    "of another system": ("\x7fELF of another system", "docker-credential-foreign cannot be run"),
    "without its interpreter": ("#!/nowhere/sh\n", "docker-credential-foreign cannot be run"),
    "without a library": ("#!/bin/sh\nexit 127\n", "docker-credential-foreign cannot be run (exit code 127)"),
    "a link to nothing": ("#!/bin/sh\n/nowhere/docker-credential-real\n", "docker-credential-foreign cannot be run (exit code 127)"),
    "what may not be run": ("#!/bin/sh\nexec /etc/passwd\n", "docker-credential-foreign cannot be run (exit code 126)"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_the_file_takes_the_place_of_a_helper_that_does_not_start(tmp_path: Path, name: str) -> None:
    """A helper of Windows below WSL, or one whose library is missing, is like one that is not installed."""
    content, reason = UNUSABLE[name]
    helper(tmp_path, "foreign", "")
    (tmp_path / "docker-credential-foreign").write_text(content)
    found = find(docker(tmp_path, {"credsStore": "foreign", "auths": {"ghcr.io": auth("file:pw")}}))
    assert (found.username, found.source) == ("file", f"auths['ghcr.io'] in {tmp_path}/config.json, because {reason}")
    with pytest.raises(AuthError, match="install the helper, or remove it from the file"):
        find(docker(tmp_path, {"credsStore": "foreign"}))


@pytest.mark.parametrize(
    ("host", "key", "configured"),
    [("ghcr.io", "ghcr.io", "ghcr.io"), ("docker.io", "index.docker.io", "https://index.docker.io/v1/")],
)
def test_the_file_does_not_take_the_place_of_a_helper_that_fails(tmp_path: Path, host: str, key: str, configured: str) -> None:
    """What the helper keeps may be another account; the error says how to choose the entry of the file, and that works."""
    helper(tmp_path, "locked", "exit 1")
    config: dict[str, object] = {"credsStore": "locked", "auths": {key: auth("file:pw")}}
    with pytest.raises(AuthError, match="failed with exit code 1") as caught:
        find(docker(tmp_path, config), host)
    assert f'; to use auths[{key!r}] instead, add "credHelpers": {{"{configured}": ""}} to the file' in str(caught.value)
    assert find(docker(tmp_path, {**config, "credHelpers": {configured: ""}}), host).username == "file"


@pytest.mark.parametrize("auths", [{}, {"quay.io": auth("file:pw")}, {"ghcr.io": {}}, {"ghcr.io": 7}, []])
def test_a_helper_that_fails_beside_no_entry_is_not_said_to_have_one(tmp_path: Path, auths: object) -> None:
    helper(tmp_path, "locked", "exit 1")
    with pytest.raises(AuthError, match="failed with exit code 1") as caught:
        find(docker(tmp_path, {"credsStore": "locked", "auths": auths}))
    assert "instead" not in str(caught.value)


@pytest.mark.parametrize("name", ["../mine", "a b", "", 7, "x;y"])
def test_a_helper_name_is_no_path(tmp_path: Path, name: object) -> None:
    environ = docker(tmp_path, {"credHelpers": {"ghcr.io": name}})
    if name:
        with pytest.raises(UsageError, match="name of the credential helper is invalid"):
            find(environ)
    else:
        assert find(environ).anonymous
