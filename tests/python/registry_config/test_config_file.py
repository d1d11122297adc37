"""The file of a `wkg_registry_config`, and the configuration of wkg that is made of it."""

from __future__ import annotations

import ast
import json
import tomllib
from pathlib import Path

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main
from wasm_oci.errors import FormatError
from wasm_oci.registry_config.config_file import parse_registry_config
from wasm_oci.registry_config.wkg_config import wkg_config

GOOD = b"""
default_registry: second
registries:
  - first|ghcr.io/my-org|oci|token|${GITHUB_TOKEN}
  - second|registry.example.com/my-org|oci|docker
  - third|localhost:5000
  - plain|10.0.0.5:5000/deep/er
  - disk|/srv/layout|layout
  - mirror|mirror.example.com/my-org|mirror|first|env|MIRROR_TOKEN
plain_http: [10.0.0.5]
timeout_seconds: 45
enable_mirror_fallback: true
cache_dir: $HOME/.cache/wasm
audit_log: /var/log/wasm
credential_files: [/run/secrets/docker.json, ~/ci.json]
"""


def test_the_normal_form() -> None:
    document = parse_registry_config(GOOD, where="r.yaml").document()
    assert [entry["name"] for entry in document["registries"]] == ["first", "second", "third", "plain", "disk", "mirror"]
    assert document["registries"][0]["auth"]["variable"] == "GITHUB_TOKEN"
    assert [entry["mirror_of"] for entry in document["registries"]] == ["", "", "", "", "", "first"]
    del document["registries"]
    assert document == {
        "schema_version": 1,
        "audit_log": "/var/log/wasm",
        "cache_dir": "$HOME/.cache/wasm",
        "credential_files": ["/run/secrets/docker.json", "~/ci.json"],
        "default_registry": "second",
        "enable_mirror_fallback": True,
        "plain_http": ["10.0.0.5"],
        "timeout_seconds": 45,
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("registres: []", "r.yaml: registres: unknown member 'registres'; did you mean registries?"),
        ("registries: [a|localhost, a|ghcr.io]", "r.yaml: registries[1] ('a'): name: already used by registries[0]; give each"),
        ("registries: [a|localhost]\ndefault_registry: b", "r.yaml: default_registry: 'b' is not among the registries (a)"),
        ("default_registry: b", "'b' is not among the registries (there are none)"),
        ("registries: [a|b|oci]", 'r.yaml: registries[0] (\'a\'): host: "b" has neither a domain nor a port; write "b:443"'),
        ("plain_http: ['http://a']", "r.yaml: plain_http[0]: 'http://a' is not a registry host"),
        ("timeout_seconds: 0", "r.yaml: timeout_seconds: 0 is not from 1 to 3600"),
        ("credential_files: [a.json]", "r.yaml: credential_files[0]: 'a.json' is not an absolute path"),
        (
            "registries: [m|localhost|mirror|a, a|ghcr.io]\ncache_dir: $X/y",
            "r.yaml: cache_dir: '$X/y' is not the path of a folder; write an",
        ),
        ("registries: [a|ghcr.io, m|localhost|mirror|b]", "registries[1] ('m'): of: names no registry among the entries; write one of a"),
        ("registries: [d|/srv/x|layout, m|localhost|mirror|d]", "registries[1] ('m'): of: names no registry among the entries; add the"),
        ("registries: [a|ghcr.io, m|localhost|mirror|a]\ndefault_registry: m", "'m' is not among the registries (a)"),
        ("credential_files: ['//a:b']", "r.yaml: credential_files[0]: '//a:b' is not an absolute path"),
        ("registries: a", "r.yaml: registries: expected a list"),
    ],
)
def test_refusals(text: str, error: str) -> None:
    with pytest.raises(FormatError) as raised:
        parse_registry_config(text.encode(), where="r.yaml")
    assert error in str(raised.value)


_CASES = ast.parse((TESTDATA / "cache_dirs.bzl").read_text(encoding="utf-8")).body
CACHE_DIRS = {ast.unparse(each.targets[0]): ast.literal_eval(each.value) for each in _CASES if isinstance(each, ast.Assign)}


@pytest.mark.parametrize("path", CACHE_DIRS["GOOD_CACHE_DIRS"])
def test_folders_for_a_cache(path: str) -> None:
    assert parse_registry_config(json.dumps({"cache_dir": path}).encode(), where="r.json").file.cache_dir == path


@pytest.mark.parametrize("path", CACHE_DIRS["BAD_CACHE_DIRS"])
def test_what_is_no_folder_for_a_cache(path: str) -> None:
    with pytest.raises(FormatError, match="is not the path of a folder"):
        parse_registry_config(json.dumps({"cache_dir": path}).encode(), where="r.json")


def test_the_configuration_of_wkg() -> None:
    """The default entry's prefix is its namespace, though the first entry has the same."""
    document = tomllib.loads(wkg_config(parse_registry_config(GOOD, where="r.yaml")))
    there = {"registry": "registry.example.com", "metadata": {"preferredProtocol": "oci", "oci": {"registry": "registry.example.com"}}}
    assert document == {
        "default_registry": "registry.example.com",
        "namespace_registries": {"my-org": there},
        "registry": {
            "10.0.0.5:5000": {"default": "oci", "oci": {"protocol": "http"}},
            "ghcr.io": {"default": "oci", "oci": {"protocol": "https"}},
            "localhost:5000": {"default": "oci", "oci": {"protocol": "http"}},
            "registry.example.com": {"default": "oci", "oci": {"protocol": "https"}},
        },
    }


def test_a_configuration_of_wkg_without_a_default() -> None:
    for text in ("registries: ['disk|/srv/layout|layout']\ndefault_registry: disk", "{}"):
        assert tomllib.loads(wkg_config(parse_registry_config(text.encode(), where="r.yaml"))) == {}


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.yaml").write_bytes(GOOD)
    files = ["-i", str(tmp_path / "r.yaml"), "-o", str(tmp_path / "r.json"), "--wkg-config", str(tmp_path / "config.toml")]
    assert main(["registries", *files]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "first: ghcr.io/my-org"
    assert out.splitlines()[-2:] == ["disk: /srv/layout", "mirror: mirror.example.com/my-org, a mirror of first"]
    config = parse_registry_config(GOOD, where="r.yaml")
    assert json.loads((tmp_path / "r.json").read_text()) == config.document()
    assert (tmp_path / "config.toml").read_text() == wkg_config(config)
