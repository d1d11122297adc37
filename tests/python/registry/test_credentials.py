"""Where credentials come from: files of Docker and Podman, credential helpers, registry entries."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from fakes.lookups import deny_lookups
from wasm_oci.errors import AuthError, UsageError
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import AuthSetting, docker_lookup

SECRET = "canary-77aa"


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def docker(folder: Path, config: object) -> dict[str, str]:
    """An environment whose Docker configuration is `config`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder / "home"), "PATH": f"{folder}{os.pathsep}{os.defpath}"}


def find(environ: dict[str, str], host: str = "ghcr.io", repository: str = "org/app") -> Credential:
    return docker_lookup(host, repository, environ)()


def helper(folder: Path, name: str, script: str) -> Path:
    """A credential helper that first writes what it was asked to `asked`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{{ printf '%s ' \"$1\"; cat; echo; }} >> {folder}/asked\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return folder / "asked"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (auth("me:pw"), ("me", "pw", "", "")),
        (auth("me:p:w:"), ("me", "p:w:", "", "")),
        (auth("me:pw\0\0"), ("me", "pw", "", "")),
        ({"auth": base64.b64encode(b"me:pw1").decode().rstrip("=")}, ("me", "pw1", "", "")),
        ({"username": "me", "password": "pw"}, ("me", "pw", "", "")),
        ({"auth": auth("00000000:")["auth"], "identitytoken": "refresh"}, ("00000000", "", "refresh", "")),
        ({"registrytoken": "ready"}, ("", "", "", "ready")),
        ({}, ("", "", "", "")),
        ({"auth": ""}, ("", "", "", "")),
        ({"auth": None, "username": "me"}, ("me", "", "", "")),
    ],
)
def test_entries_of_auths(tmp_path: Path, entry: dict[str, Any], expected: tuple[str, str, str, str]) -> None:
    found = find(docker(tmp_path, {"auths": {"ghcr.io": entry}}))
    anonymous = not any(expected[1:])
    values = (found.username, found.password, found.identity_token, found.registry_token)
    assert values == (("", "", "", "") if anonymous else expected)
    assert found.anonymous == anonymous


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["ghcr.io"], "ghcr.io"),
        (["https://ghcr.io"], "https://ghcr.io"),
        (["http://ghcr.io/v2/"], "http://ghcr.io/v2/"),
        (["https://ghcr.io/v1/"], "https://ghcr.io/v1/"),
        (["ghcr.io", "ghcr.io/org", "ghcr.io/org/app"], "ghcr.io/org/app"),
        (["ghcr.io/org/app/deeper", "ghcr.io/or", "ghcr.io"], "ghcr.io"),
        (["https://ghcr.io/v2/", "ghcr.io"], "ghcr.io"),
        (["ghcr.io.evil.example", "evil.example/ghcr.io", "ghcr.io:443"], ""),
    ],
)
def test_the_longest_path_that_fits_wins(tmp_path: Path, keys: list[str], chosen: str) -> None:
    found = find(docker(tmp_path, {"auths": {key: auth(f"{number}:pw") for number, key in enumerate(keys)}}))
    assert found.username == (str(keys.index(chosen)) if chosen else "")


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_has_many_names(tmp_path: Path, host: str, key: str) -> None:
    assert find(docker(tmp_path, {"auths": {key: auth("hub:pw")}}), host).username == "hub"


def test_ports_are_part_of_the_host(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"localhost:5000": auth("five:pw"), "localhost:5001": auth("other:pw")}})
    assert find(environ, "localhost:5000").username == "five"
    assert find(environ, "localhost").anonymous


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        ("REGISTRY_AUTH_FILE", ""),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "containers/auth.json"),
        ("HOME", ".config/containers/auth.json"),
        ("HOME", ".docker/config.json"),
        ("DOCKER_CONFIG", "config.json"),
    ],
)
def test_files_and_variables_of_docker_and_podman(tmp_path: Path, variable: str, below: str) -> None:
    path = tmp_path / (below or "auth.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {"ghcr.io": auth("me:pw")}}))
    found = find({variable: str(tmp_path if below else path)})
    assert (found.username, found.source) == ("me", f"auths['ghcr.io'] in {path}")


def test_the_configuration_as_a_variable(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"ghcr.io": auth("file:pw")}})
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"ghcr.io": auth("variable:pw")}})
    assert find(environ).source == "auths['ghcr.io'] in DOCKER_AUTH_CONFIG"


def test_a_later_file_is_asked_where_the_first_has_nothing(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"other.example": auth("x:y")}})
    path = tmp_path / "podman.json"
    path.write_text(json.dumps({"auths": {"ghcr.io": auth("podman:pw")}}))
    assert find(environ | {"REGISTRY_AUTH_FILE": str(path)}).username == "podman"


@pytest.mark.parametrize("content", ["", "  \n", "{}", '{"auths":null}', '{"HttpHeaders":{"a":"b"}}'])
def test_empty_configurations_mean_anonymous(tmp_path: Path, content: str) -> None:
    assert find(docker(tmp_path, content)).anonymous


def test_no_configuration_means_anonymous(tmp_path: Path) -> None:
    assert find({"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path / "none")}).anonymous
    assert find({}).source == "none (anonymous)"


@pytest.mark.parametrize(
    "content",
    [
        f'{{"auths":{{"ghcr.io":{{"auth":"{SECRET}"',
        f'["{SECRET}"]',
        json.dumps({"auths": [SECRET]}),
        json.dumps({"auths": {"ghcr.io": SECRET}}),
        json.dumps({"auths": {"ghcr.io": {"auth": 7, "password": SECRET}}}),
        json.dumps({"auths": {"ghcr.io": {"auth": f"{SECRET}!"}}}),
        json.dumps({"auths": {"ghcr.io": {"auth": base64.b64encode(SECRET.encode()).decode()}}}),
        json.dumps({"auths": {"ghcr.io": {"auth": base64.b64encode(b"\xff\xfe:x").decode()}}}),
        json.dumps({"credHelpers": SECRET}),
    ],
)
def test_a_malformed_file_is_named_and_never_shown(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(docker(tmp_path, content))
    assert caught.value.where == str(tmp_path / "config.json")
    assert SECRET not in str(caught.value)
    assert base64.b64encode(SECRET.encode()).decode() not in str(caught.value)


def test_a_helper_is_asked_for_the_host(tmp_path: Path) -> None:
    asked = helper(tmp_path, "mine", """echo '{"ServerURL":"ghcr.io","Username":"me","Secret":"pw"}'""")
    environ = docker(tmp_path, {"credHelpers": {"ghcr.io": "mine"}, "auths": {"ghcr.io": auth("no:no")}})
    found = find(environ)
    assert (found.username, found.password) == ("me", "pw")
    assert found.source == f"docker-credential-mine for ghcr.io (credHelpers of {tmp_path}/config.json)"
    assert asked.read_text() == "get ghcr.io\n"


def test_a_folder_that_cannot_be_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find({"DOCKER_CONFIG": "n" * 5000, "HOME": str(tmp_path)}).anonymous
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the registry credentials file: Permission denied"):
        find({"DOCKER_CONFIG": str(tmp_path)})


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
        ("""echo '{"Secret":"CANARY"}'; exit 1""", "docker-credential-mine failed: exit code 1"),
        ("echo 'the keychain is locked'; exit 1", "docker-credential-mine failed: the keychain is locked"),
        ("printf 'two\\nlines\\033[31m' >&2; exit 3", r"docker-credential-mine failed: two\\nlines\\x1b"),
        (f"echo '{SECRET}'", "docker-credential-mine wrote no usable output"),
        (f"""echo '["{SECRET}"]'""", "docker-credential-mine wrote no usable output"),
        (f"""echo '{{"Username":5,"Secret":"{SECRET}"}}'""", "docker-credential-mine wrote no usable output"),
    ],
)
def test_a_helper_that_fails_is_named(tmp_path: Path, script: str, problem: str) -> None:
    helper(tmp_path, "mine", script)
    with pytest.raises(AuthError, match=problem) as caught:
        find(docker(tmp_path, {"credsStore": "mine"}))
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuthError, match="docker-credential-gone is not on PATH"):
        find(docker(tmp_path, {"credsStore": "gone"}))


@pytest.mark.parametrize("name", ["../mine", "a b", "", 7, "x;y"])
def test_a_helper_name_is_no_path(tmp_path: Path, name: object) -> None:
    environ = docker(tmp_path, {"credHelpers": {"ghcr.io": name}})
    if name:
        with pytest.raises(UsageError, match="name of the credential helper is not usable"):
            find(environ)
    else:
        assert find(environ).anonymous


def test_configuration_is_read_when_it_is_needed_and_once(tmp_path: Path) -> None:
    environ = docker(tmp_path, "broken")
    lookup = docker_lookup("ghcr.io", "a", environ)
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"ghcr.io": auth("me:pw")}}))
    assert lookup().username == "me"
    (tmp_path / "config.json").write_text("broken")
    assert lookup().username == "me"


@pytest.mark.parametrize(
    ("setting", "host", "environ", "expected"),
    [
        (AuthSetting(kind="token", variable="T"), "ghcr.io", {"T": "pw"}, ("token", "pw")),
        (AuthSetting(kind="env", variable="T"), "ghcr.io", {"T": " pw\n"}, ("token", "pw")),
        (AuthSetting(kind="token", variable="T"), "ghcr.io", {"T": "me:p:w"}, ("me", "p:w")),
        (AuthSetting(kind="token", variable="T", username="bot"), "docker.io", {"T": "pw"}, ("bot", "pw")),
        (AuthSetting(kind="token", variable="T", username="bot"), "docker.io", {"T": "p:w"}, ("bot", "p:w")),
        (AuthSetting(kind="token", variable="T", username="bot"), "docker.io", {"T": "bot:pw"}, ("bot", "pw")),
        (AuthSetting(kind="token", variable="T"), "docker.io", {"T": "pw", "DOCKER_IO_USERNAME": "me"}, ("me", "pw")),
        (AuthSetting(kind="token", variable="T"), "localhost:5000", {"T": "pw", "LOCALHOST_5000_USERNAME": "me"}, ("me", "pw")),
        (AuthSetting(kind="basic", username="me", password_variable="P"), "quay.io", {"P": "pw"}, ("me", "pw")),
        (AuthSetting(kind="oauth", id_variable="I", secret_variable="S"), "quay.io", {"I": "id", "S": "pw"}, ("id", "pw")),
        (AuthSetting(kind="anonymous"), "quay.io", {}, ("", "")),
    ],
)
def test_settings_of_a_registry_entry(setting: AuthSetting, host: str, environ: dict[str, str], expected: tuple[str, str]) -> None:
    found = setting.lookup(host, "org/app", environ)()
    assert (found.username, found.password) == expected


def test_a_docker_setting_reads_the_configuration(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"ghcr.io": auth("me:pw")}})
    for kind in ("docker", "default"):
        assert AuthSetting(kind=kind).lookup("ghcr.io", "org/app", environ)().username == "me"


@pytest.mark.parametrize(
    ("setting", "environ", "problem"),
    [
        (AuthSetting(kind="token", variable="T", entry="gh"), {}, "registry entry 'gh': environment variable T is not set; set T"),
        (AuthSetting(kind="env", variable="T", entry="gh"), {"T": " "}, "registry entry 'gh': environment variable T is empty"),
        (AuthSetting(kind="basic", username="u", password_variable="P", entry="gh"), {}, "environment variable P is not set"),
        (AuthSetting(kind="oauth", id_variable="I", secret_variable="S", entry="gh"), {"I": "i"}, "environment variable S is not set"),
        (
            AuthSetting(kind="token", variable="T", entry="gh"),
            {"T": f"{SECRET}\r\nX: y"},
            "environment variable T holds control characters",
        ),
        (AuthSetting(kind="token", entry="gh"), {}, "authentication 'token' needs variable"),
        (AuthSetting(kind="magic", entry="gh"), {}, "'magic' is not a kind of authentication"),
        (AuthSetting(kind="token", variable="T", entry="hub"), {"T": SECRET}, "Docker Hub needs a user name beside the token"),
    ],
)
def test_settings_that_cannot_be_used_are_named_at_once(setting: AuthSetting, environ: dict[str, str], problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        setting.lookup("docker.io", "org/app", environ)
    assert problem in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_credential_does_not_show_itself() -> None:
    credential = Credential(source="here", username="me", password=SECRET, identity_token=SECRET, registry_token=SECRET)
    assert SECRET not in repr(credential)
    assert credential.secrets == (SECRET,) * 3
