"""Where credentials come from: files of Docker and Podman, credential helpers, registry entries."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fakes.credentials import auth, docker, find
from fakes.lookups import deny_lookups
from fakes.wasm import TESTDATA
from wasm_oci.errors import UsageError
from wasm_oci.registry import docker_config
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import AuthSetting, docker_lookup
from wasm_oci.registry.docker_config import DockerConfigs

SECRET = "canary-77aa"
GOOGLE_KEY = '{\n  "type": "service_account",\n  "private_key_id": "1"\n}\n'


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (auth("me:pw"), ("me", "pw", "", "")),
        (auth("me:p:w:"), ("me", "p:w:", "", "")),
        (auth("me:pw\0\0"), ("me", "pw", "", "")),
        ({"auth": base64.b64encode(b"me:pw1").decode().rstrip("=")}, ("me", "pw1", "", "")),
        ({"auth": "bWU6\ncHcx\n"}, ("me", "pw1", "", "")),
        ({"auth": "bWU6\r\ncHcx\r\n"}, ("me", "pw1", "", "")),
        ({"auth": " bWU6 \tcHcx "}, ("me", "pw1", "", "")),
        ({"auth": base64.b64encode(b'_json_key:{\n "a": 1\n}\n').decode()}, ("_json_key", '{\n "a": 1\n}\n', "", "")),
        ({"Auth": "bWU6cHcx"}, ("me", "pw1", "", "")),
        ({"username": "me", "identityToken": "refresh"}, ("me", "", "refresh", "")),
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
        (["GHCR.io"], "GHCR.io"),
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


@pytest.mark.parametrize(
    ("name", "host", "repository", "expected"),
    [
        ("docker", "127.0.0.1:5999", "org/app", ("robot$user", "pa:ss=w0rd ?ü", "")),
        ("docker_identity", "127.0.0.1:5999", "org/app", ("robot$user", "", "refresh-" + "r" * 40)),
        ("skopeo", "127.0.0.1:5999", "other", ("robot$user", "pa:ss=w0rd ?ü", "")),
        ("skopeo", "127.0.0.1:5999", "org/app/deeper", ("nested", "pa:ss=w0rd ?ü", "")),
        ("crane", "127.0.0.1:5999", "org/app", ("robot$user", "pa:ss=w0rd ?ü", "")),
        ("crane", "docker.io", "org/app", ("hub", "pa:ss=w0rd ?ü", "")),
        ("oras", "127.0.0.1:5999", "org/app", ("robot$user", "pa:ss=w0rd ?ü", "")),
    ],
)
def test_files_that_other_programs_wrote(name: str, host: str, repository: str, expected: tuple[str, str, str]) -> None:
    found = find({"REGISTRY_AUTH_FILE": str(TESTDATA / f"registry_auth/{name}.json")}, host, repository)
    assert (found.username, found.password, found.identity_token) == expected


@pytest.mark.parametrize("runtime", [{}, {"XDG_RUNTIME_DIR": ""}])
def test_podman_without_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: dict[str, str]) -> None:
    monkeypatch.setattr(docker_config, "_RUN", tmp_path)
    monkeypatch.setattr("sys.platform", "linux")
    path = tmp_path / str(os.getuid()) / "auth.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"auths": {"ghcr.io": auth("root:pw")}}))
    assert find(runtime).username == "root"
    assert find({"XDG_RUNTIME_DIR": str(tmp_path / "none")}).anonymous
    assert find({"REGISTRY_AUTH_FILE": str(tmp_path / "none")}).anonymous
    monkeypatch.setattr("sys.platform", "darwin")
    assert find(runtime).anonymous


@pytest.mark.parametrize("variable", ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG"])
def test_what_a_variable_names_comes_before_default_places(tmp_path: Path, variable: str) -> None:
    stale = json.dumps({"auths": {"ghcr.io": auth("stale:pw")}})
    for path in (".docker/config.json", ".config/containers/auth.json", "run/containers/auth.json"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(stale)
    text = json.dumps({"auths": {"ghcr.io": auth("named:pw")}})
    (tmp_path / "config.json").write_text(text)
    values = {"DOCKER_CONFIG": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "config.json"), "DOCKER_AUTH_CONFIG": text}
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    assert find(environ | {variable: values[variable]}).username == "named"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"auths":{"ghcr.io":{"auth":"b2xkOnB3"}},"auths":{"ghcr.io":{"auth":"bmV3OnB3"}}}', "new"),
        ('{"auths":{"ghcr.io":{"auth":"b2xkOnB3"}},"auths":{"quay.io":{"auth":"bmV3OnB3"}}}', "old"),
        ('{"auths":{"ghcr.io":{"auth":"b2xkOnB3"},"ghcr.io":{"auth":"bmV3OnB3"}}}', "new"),
        ('{"auths":{"ghcr.io":{"auth":"b2xkOnB3","auth":"bmV3OnB3"}}}', "new"),
        ('{"auths":null,"auths":{"ghcr.io":{"auth":"bmV3OnB3"}}}', "new"),
        ('{"Auths":{"ghcr.io":{"AUTH":"bmV3OnB3"}}}', "new"),
        ('\ufeff{"auths":{"ghcr.io":{"auth":"bmV3OnB3"}}}\r\n', "new"),
    ],
)
def test_json_is_read_as_docker_reads_it(tmp_path: Path, content: str, expected: str) -> None:
    assert find(docker(tmp_path, content)).username == expected


def test_the_variables_of_wkg(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"ghcr.io": auth("file:pw")}})
    wkg = {"WKG_OCI_USERNAME": "me", "WKG_OCI_PASSWORD": "pw:2"}
    found = AuthSetting().lookup("ghcr.io", "org/app", environ | wkg)()
    assert (found.username, found.password) == ("me", "pw:2")
    assert found.source == "environment variables WKG_OCI_USERNAME and WKG_OCI_PASSWORD"
    for unused in ({}, {"WKG_OCI_USERNAME": "", "WKG_OCI_PASSWORD": ""}):
        assert AuthSetting().lookup("ghcr.io", "org/app", environ | unused)().username == "file"
    assert AuthSetting(kind="docker").lookup("ghcr.io", "org/app", environ | wkg)().username == "file"
    assert AuthSetting(kind="anonymous").lookup("ghcr.io", "org/app", environ | wkg)().anonymous


@pytest.mark.parametrize("name", ["WKG_OCI_USERNAME", "WKG_OCI_PASSWORD"])
def test_one_variable_of_wkg_alone_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="is not set; set both WKG_OCI_USERNAME and WKG_OCI_PASSWORD, or neither") as caught:
        AuthSetting().lookup("ghcr.io", "org/app", {name: SECRET})
    assert SECRET not in str(caught.value)


def test_the_configuration_as_a_variable(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"ghcr.io": auth("file:pw")}})
    environ["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"ghcr.io": auth("variable:pw")}})
    assert find(environ).source == "auths['ghcr.io'] in DOCKER_AUTH_CONFIG"


def test_a_later_file_is_asked_where_the_first_has_nothing(tmp_path: Path) -> None:
    environ = docker(tmp_path, {"auths": {"other.example": auth("x:y")}})
    path = tmp_path / "podman.json"
    path.write_text(json.dumps({"auths": {"ghcr.io": auth("podman:pw")}}))
    assert find(environ | {"REGISTRY_AUTH_FILE": str(path)}).username == "podman"


@pytest.mark.parametrize("content", ["", "  \n", "{}", '{"auths":null}', '{"auths":{"ghcr.io":null}}', '{"HttpHeaders":{"a":"b"}}'])
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
        json.dumps({"auths": {"ghcr.io": {"registrytoken": f"{SECRET}\r\nX: y"}}}),
        json.dumps({"auths": {"ghcr.io": {"username": "me", "password": f"{SECRET}\ud800"}}}),
        "[" * 100_000 + SECRET,
    ],
)
def test_a_malformed_file_is_named_and_never_shown(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(docker(tmp_path, content))
    assert caught.value.where == str(tmp_path / "config.json")
    assert SECRET not in str(caught.value)
    assert base64.b64encode(SECRET.encode()).decode() not in str(caught.value)


def test_a_folder_that_cannot_be_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find({"DOCKER_CONFIG": "n" * 5000, "HOME": str(tmp_path)}).anonymous
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the registry credentials file: Permission denied"):
        find({"DOCKER_CONFIG": str(tmp_path)})


def test_configuration_is_read_when_it_is_needed_and_once(tmp_path: Path) -> None:
    environ = docker(tmp_path, "broken")
    lookup = docker_lookup("ghcr.io", "a", DockerConfigs(environ))
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
        (AuthSetting(kind="token", variable="T"), "europe-docker.pkg.dev", {"T": GOOGLE_KEY}, ("_json_key", GOOGLE_KEY.strip())),
        (AuthSetting(kind="env", variable="T", username="_json_key"), "gcr.io", {"T": GOOGLE_KEY}, ("_json_key", GOOGLE_KEY.strip())),
        (
            AuthSetting(kind="basic", username="_json_key", password_variable="T"),
            "gcr.io",
            {"T": GOOGLE_KEY},
            ("_json_key", GOOGLE_KEY.strip()),
        ),
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
