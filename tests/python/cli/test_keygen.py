"""`wasm_oci keygen`: two new files or none, the secret one for its owner only."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from wasm_oci.cli.main import main
from wasm_oci.keys.key import load_public_key, load_secret_key

Capture = pytest.CaptureFixture[str]


def keygen(folder: Path, *more: str) -> int:
    return main(["keygen", "-k", str(folder / "a.secret"), "--public-key", str(folder / "a.public"), *more])


@pytest.mark.parametrize("key_format", ["compact", "openssh", "pem"])
def test_a_pair(tmp_path: Path, capsys: Capture, key_format: str) -> None:
    assert keygen(tmp_path, "--format", key_format, "--output", "json") == 0
    captured = capsys.readouterr()
    secret, public = load_secret_key(tmp_path / "a.secret"), load_public_key(tmp_path / "a.public")
    assert secret.public == public
    assert public.format == key_format
    document = {"schemaVersion": 1, "format": key_format, "keyId": public.key_id.hex(), "publicKey": public.raw.hex()}
    assert json.loads(captured.out) == document
    assert captured.err == ""
    assert stat.S_IMODE((tmp_path / "a.secret").stat().st_mode) == 0o600
    assert secret.seed.hex() not in captured.out


def test_comment(tmp_path: Path, capsys: Capture) -> None:
    assert keygen(tmp_path, "--format", "openssh", "--comment", "release key") == 0
    assert load_public_key(tmp_path / "a.public").comment == "release key"
    assert load_secret_key(tmp_path / "a.secret").public.comment == "release key"
    assert "a.secret" in capsys.readouterr().out


@pytest.mark.parametrize("existing", ["a.secret", "a.public"])
def test_existing_files_are_never_overwritten(tmp_path: Path, capsys: Capture, existing: str) -> None:
    (tmp_path / existing).write_bytes(b"precious")
    assert keygen(tmp_path) == 2
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_bytes() == b"precious"


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.secret").symlink_to(tmp_path / "elsewhere")
    assert keygen(tmp_path) == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "same", "-K", "same"], "exists already"),
        (["-k", "a", "-K", "no/such/folder"], "cannot write the key file"),
        (["-k", "a", "-K", "b", "--comment", "x"], "add --format openssh"),
        (["-k", "a", "-K", "b", "--format", "openssh", "--comment", "x\nssh-ed25519 AAAA"], "one line"),
        (["-k", "a"], "wasm_oci: no public key file is given; give -K FILE"),
        (["-k", "a", "-K", "b", "--format", "der"], "invalid choice"),
        (["-k", "a", "-K", "b", "--format", "pem", "--comment", "x"], "a pem key has no room for a comment"),
    ],
)
def test_usage(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["keygen", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_behind_a_link(tmp_path: Path) -> None:
    for _ in range(2):  # Bazel removes the outputs that it knows, and not the hidden file
        assert keygen(tmp_path, "--behind-link") == 0
        secret = tmp_path / "a.secret"
        assert secret.readlink() == Path(".a.secret.owner-only")
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert load_secret_key(secret).public == load_public_key(tmp_path / "a.public")
        secret.unlink()
        (tmp_path / "a.public").unlink()


def test_behind_a_link_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: str) -> None:
        raise OSError(1314, "a required privilege is not held")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert keygen(tmp_path, "--behind-link") == 0
    assert stat.S_IMODE((tmp_path / "a.secret").lstat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.public", "a.secret"]


@pytest.mark.parametrize("existing", ["a.secret", "a.public"])
def test_behind_a_link_nothing_is_overwritten_either(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_bytes(b"precious")
    assert keygen(tmp_path, "--behind-link") == 2
    assert [path.name for path in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_bytes() == b"precious"


def request(folder: Path, **change: object) -> str:
    path = folder / "request.json"
    pair = {"schema_version": 1, "format": "openssh", "comment": "from a target", "secret_key": "id", "public_key": "id.pub"}
    path.write_text(json.dumps(pair | change))
    return str(path)


def test_the_request_of_a_target(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "keys"
    assert main(["keygen", "--request", request(tmp_path), "--output-dir", str(folder)]) == 0
    assert load_secret_key(folder / "id").public == load_public_key(folder / "id.pub")
    assert load_public_key(folder / "id.pub").comment == "from a target"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        ({}, [], "bazel run TARGET -- --output-dir DIR"),
        ({}, ["--output-dir", "/nonexistent/d", "-k", "x"], "secret-key does not go with --request"),
        ({}, ["--output-dir", "/dev/null/d"], "cannot make the folder"),
        ({"schema_version": 2}, ["--output-dir", "/nonexistent/d"], "build the target again"),
        ({"secret_key": "../id"}, ["--output-dir", "/nonexistent/d"], "secret_key: this is not the name of a file"),
        ({"secret_key": "/id"}, ["--output-dir", "/nonexistent/d"], "secret_key: this is not the name of a file"),
        ({"secret_key": "a\\b"}, ["--output-dir", "/nonexistent/d"], "secret_key: this is not the name of a file"),
        ({"secret_key": "a\0b"}, ["--output-dir", "/nonexistent/d"], "secret_key: this is not the name of a file"),
        ({"public_key": ".."}, ["--output-dir", "/nonexistent/d"], "public_key: this is not the name of a file"),
        ({"public_key": ""}, ["--output-dir", "/nonexistent/d"], "public_key: expected a path, not ''; build the target again"),
        ({"public_key": "c:id"}, ["--output-dir", "/nonexistent/d"], "public_key: this is not the name of a file"),
        ({}, ["--output-dir", "a\0b"], "cannot make the folder: the path contains invalid characters"),
        ({"format": None}, ["--output-dir", "/nonexistent/d"], "build the target again"),
        (
            {"format": "der"},
            ["--output-dir", "/nonexistent/d"],
            "format: unknown value 'der' (use one of compact, openssh, pem); build the target again",
        ),
        ({"secretName": "id"}, ["--output-dir", "/nonexistent/d"], "unknown member 'secretName' (did you mean secret_key?)"),
    ],
)
def test_requests_that_are_refused(tmp_path: Path, capsys: Capture, change: dict[str, object], more: list[str], message: str) -> None:
    assert main(["keygen", "--request", request(tmp_path, **change), *more]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["request.json"]


def test_a_folder_alone_is_no_request(tmp_path: Path, capsys: Capture) -> None:
    assert main(["keygen", "--output-dir", str(tmp_path)]) == 2
    assert "--output-dir goes with --request" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a\0b", "/"])
@pytest.mark.parametrize("more", [[], ["--behind-link"]])
@pytest.mark.parametrize("option", ["-k", "-K"])
def test_names_that_no_file_can_have(tmp_path: Path, capsys: Capture, option: str, more: list[str], name: str) -> None:
    other = {"-k": "-K", "-K": "-k"}[option]
    assert main(["keygen", option, name, other, str(tmp_path / "other"), *more]) == 2
    error = capsys.readouterr().err
    assert "the key file" in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
