"""No line on a terminal is longer than the terminal, whatever the command, and no name in it is cut."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest

from fakes.artifacts import component, key, layout_of, public, signed_image
from fakes.program import NAME, Run
from instruments.registry import RunningRegistry
from wasm_oci.cli.usage import COMMANDS
from wasm_oci.errors import FormatError
from wasm_oci.outcome import report_error, say, write_lines

FOLDER = "a folder with a long name, and spaces " * 3 + "end"
DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


def on_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> tuple[Terminal, Terminal]:
    """Makes stdout and stderr terminals."""
    streams = Terminal(), Terminal()
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((width, 40)))
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    return streams


class Shown:
    """Runs commands on a terminal of a width, and checks what it shows."""

    def __init__(self, run: Run, width: int, monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
        self._run, self._width, self._monkeypatch, self._names = run, width, monkeypatch, names

    def __call__(self, *args: object) -> str:
        """Returns what the terminal got."""
        with self._monkeypatch.context() as patch:
            streams = on_terminal(patch, self._width)
            self._run(*args)
        shown = "".join(stream.getvalue() for stream in streams)
        lines = re.sub("\x1b\\[[0-9]*m", "", shown).splitlines()
        names = [*self._names, *map(str, args), *DIGEST.findall(" ".join(lines))]
        for line in lines:
            rest = line
            for name in sorted(names, key=len, reverse=True):
                rest = rest.replace(name, "N")
            assert len(line) <= self._width or " " not in rest.strip().removesuffix(" \\") or line.startswith("OpenSSH:"), line
        whole = " ".join(line.strip() for line in lines)
        for name in names:
            assert whole.count(name) == sum(line.count(name) for line in lines), name
        return shown


@pytest.fixture(params=[80, 160, 300])
def shown(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shown:
    monkeypatch.setenv("TERM", "dumb")  # bars are drawn anew in one line, which rich cuts
    monkeypatch.setenv("COLUMNS", str(min(request.param, 160)))  # what argparse asks for its help
    return Shown(run, min(request.param, 160), monkeypatch, [str(tmp_path / FOLDER)])


def test_files(shown: Shown, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "hello.wasm").write_bytes(component())
    (folder / "other.wasm").write_bytes(component("other"))
    (folder / "keys.yaml").write_text(f"schema_version: 1\nkeys:\n  release:\n    public_key: {public(1).openssh().decode().strip()}\n")
    (folder / "1.public").write_bytes(public(1).openssh())
    (folder / "1.secret").write_bytes(key(1).openssh())
    (folder / "2.public").write_bytes(public(2).compact())
    key_1, key_2, secret, hello = ("-K", folder / "1.public"), ("-K", folder / "2.public"), folder / "1.secret", folder / "hello.wasm"
    signed, detached = folder / "signed.wasm", folder / "signed.sig"
    for line in (
        ("keygen", "-o", folder / "new.public", "-k", folder / "new.secret"),
        ("key", "show", folder / "1.public"),
        ("key", "convert", "-i", secret, "-o", folder / "1.pem", "--to", "pem"),
        ("key", "check", "-k", secret, *key_1),
        ("key", "check", "-k", secret, *key_2),
        ("trusted-keys", "-i", folder / "keys.yaml"),
        ("sign", "-i", hello, "-o", signed, "-k", secret),
        ("sign", folder / "other.wasm", hello, "--output-dir", folder / "many", "-k", secret),
        ("verify", "-i", signed, *key_1),
        ("verify", "-i", signed, *key_2),
        ("verify", "-i", hello, *key_1),
        ("verify", signed, hello, folder / "none.wasm", *key_1),
        ("detach", "-i", signed, "-o", folder / "plain.wasm", "-S", detached),
        ("verify", "-i", folder / "other.wasm", "-S", detached, *key_1),
        ("attach", "-i", folder / "plain.wasm", "-S", detached, "-o", folder / "again.wasm"),
        ("normalise", "-i", hello, "-o", folder / "normal.wasm"),
        ("split", "-i", hello, "-o", folder / "split.wasm", "--split-regex", "name"),
        ("inspect", signed),
        ("image", "--component", signed, "-o", folder / "layout", "--package-name", "hello", "--tag", "v1"),
        ("wasm-tools", "validate", "-i", hello),
    ):
        assert shown(*line)


def test_registries(shown: Shown, registry: RunningRegistry, tmp_path: Path) -> None:
    old, new = (signed_image(tmp_path / FOLDER / name, text=name, detached=True) for name in ("old", "new"))
    unsigned = layout_of(tmp_path / FOLDER / "unsigned", component())
    (tmp_path / FOLDER / "K").write_bytes(public(1).compact())
    reference = f"{registry.host}/my-organisation/a-team-of-ours/hello-component:{'v' * 60}"
    pull = ("-o", tmp_path / FOLDER / "x.wasm", "-K", tmp_path / FOLDER / "K")
    for line in (
        ("push", old.folder, reference, "--signature-file", old.signature),
        ("push", old.folder, reference, "--signature-file", old.signature),
        ("push", new.folder, reference, "--dry-run"),
        ("push", new.folder, reference, "--signature-file", old.signature),
        ("push", unsigned.folder, f"{registry.host}/{NAME}:v2", "--require-signed"),
        ("push", unsigned.folder, f"{registry.host}/{NAME}:v2"),
        ("list", reference.rpartition(":")[0]),
        ("list", f"{registry.host}/absent"),
        ("inspect", reference),
        ("inspect", new.folder),
        ("pull", reference, *pull),
        ("pull", f"{registry.host}/{NAME}:v2", *pull),
        ("pull", f"{registry.host}/{NAME}:absent", *pull),
        ("pull", f"{new.folder}:v1", *pull),
    ):
        assert shown(*line)


@pytest.mark.parametrize("command", COMMANDS)
def test_errors_of_every_command(shown: Shown, tmp_path: Path, command: str) -> None:
    absent = tmp_path / FOLDER / "absent"
    for arguments in ((), ("--unknown",), (absent,), ("-i", absent), ("-i", absent, "-K", absent, "-k", absent, "-o", absent)):
        assert shown(command, *arguments)


def test_a_secret_with_spaces_is_hidden_before_a_line_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    from wasm_oci import redaction

    monkeypatch.setattr(redaction, "_sent", set())
    secret = "correct horse battery staple"
    redaction.conceal(secret)
    streams = on_terminal(monkeypatch, 40)
    for count in range(1, 40):
        line = "x" * count + f" {secret} " + "y " * 30
        write_lines([line])
        say(line)
        report_error("wasm_oci", FormatError(line, where=line, hint=line), "text")
    assert not re.search("correct|horse|battery|staple", "".join(stream.getvalue() for stream in streams))
