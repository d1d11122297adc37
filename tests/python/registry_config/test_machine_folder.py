"""Where a folder is that an attribute names."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasm_oci.errors import UsageError
from wasm_oci.registry_config.machine_folder import machine_folder


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/var/cache/x", "/var/cache/x"),
        ("~/x/y", "/home/me/x/y"),
        ("$HOME/x", "/home/me/x"),
        ("${HOME}/x", "/home/me/x"),
        (".cache/x", "/home/me/shop/.cache/x"),
    ],
)
def test_where_it_is(text: str, path: str) -> None:
    assert machine_folder(text, {"HOME": "/home/me", "BUILD_WORKSPACE_DIRECTORY": "/home/me/shop"}, member="cache_dir") == Path(path)


def test_where_it_is_without_a_home_or_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="there is no home directory; set HOME"):
        machine_folder("$HOME/x", {}, member="cache_dir")
    monkeypatch.chdir(tmp_path)
    assert machine_folder("x", {}, member="cache_dir") == tmp_path / "x"
