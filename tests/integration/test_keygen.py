"""Keygen targets when they are run: a new pair in a folder of the user's, and nothing overwritten."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from peers import EXAMPLE, call, target

from wasm_oci.keys.key import load_public_key, load_secret_key

PAIRS = {"oci_signing_keys": ("key.secret", "key.public", "compact"), "oci_openssh_keys": ("id_ed25519", "id_ed25519.pub", "openssh")}


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_in_a_chosen_folder(name: str, tmp_path: Path) -> None:
    secret_name, public_name, key_format = PAIRS[name]
    done = call(target(name), "--output-dir", "deep/er", cwd=tmp_path)
    assert done.code == 0, done.stderr
    folder = tmp_path / "deep" / "er"
    secret, public = load_secret_key(folder / secret_name), load_public_key(folder / public_name)
    assert secret.public == public
    assert public.format == key_format
    assert public != load_public_key(EXAMPLE / name / public_name), "the build's own pair was given away"
    assert stat.S_IMODE((folder / secret_name).lstat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = call(target(name), "--output-dir", "deep/er", cwd=tmp_path)
    assert again.code == 2
    assert f"deep/er/{secret_name}: the key file exists already" in again.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_must_be_chosen(tmp_path: Path) -> None:
    done = call(target("oci_signing_keys"), cwd=tmp_path)
    assert done.code == 2
    assert "--output-dir DIR" in done.stderr
    assert not list(tmp_path.iterdir())
