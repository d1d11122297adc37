"""Reading and writing files: paths that no file can have, and whose permissions a new file gets."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fakes.artifacts import signed_image
from fakes.lookups import deny_lookups
from fakes.signing import K1, M, signed
from wasm_oci.cli.main import main
from wasm_oci.errors import UsageError
from wasm_oci.files import atomic_output, atomic_path, file_type, open_input, real_path, write_file

UNUSABLE = ["n" * 300, "a\0b", "x/" + "n" * 300, "file/below"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_path_that_no_file_can_have(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot read the key"):
        open_input(Path(name), what="key")
    with pytest.raises(UsageError, match=r"cannot (write|look up) the key"):
        write_file(Path(name), b"", what="key")
    assert [path.name for path in folder.iterdir()] == ["file"]


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize("line", [["inspect", "{}"], ["inspect", "{}:tag"], ["pull", "./image/layout", "--allow-unsigned", "-o", "{}"]])
def test_such_a_path_on_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str], line: list[str], name: str) -> None:
    signed_image(folder / "image", text="x", detached=True)
    assert main([part.format(name) for part in line]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_without_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with deny_lookups(monkeypatch), pytest.raises(UsageError, match="cannot look up the key: Permission denied"):
        file_type(folder / "file", what="key")


def test_a_real_path(folder: Path) -> None:
    (folder / "link").symlink_to("file")
    (folder / "loop").symlink_to("loop")
    assert real_path(Path("x/../link")) == real_path(folder / "file")
    assert real_path(Path("loop")).name == "loop"
    with pytest.raises(UsageError, match="cannot look up the key"):
        real_path(Path("a\0b"), what="key")


def test_a_long_name_of_wide_letters(folder: Path) -> None:
    name = "\U0001f600" * 60
    write_file(folder / name, b"y")
    assert (folder / name).read_bytes() == b"y"


def test_the_umask_holds_in_every_thread(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        threads = [threading.Thread(target=_write_many, args=(folder, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.name != "file"}
    assert modes == {0o640, 0o600}


def _write_many(folder: Path, number: int) -> None:
    for index in range(50):
        write_file(folder / f"{number}-{index}", b"", mode=(0o666, 0o600)[index % 2])


def test_the_umask_is_never_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "umask")
    with atomic_output(folder / "new") as stream:
        stream.write(b"z")
    assert (folder / "new").read_bytes() == b"z"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (["sign", "-k", "k.secret", "--output-dir", "out", "m.wasm"], "out/m.wasm"),
        (["sign", "-k", "k.secret", "-i", "m.wasm", "-o", "out/m.wasm"], "out/m.wasm"),
        (["sign", "-k", "k.secret", "-i", "m.wasm", "-o", "signed.wasm", "-S", "out/sig"], "out/sig"),
        (["verify", "-K", "k.public", "-i", "s.wasm", "--report", "out/r.json"], "out/r.json"),
        (["pull", "./image/layout", "--allow-unsigned", "-o", "out/pulled"], "out/pulled"),
    ],
)
def test_a_pipe_that_nobody_reads_is_not_waited_for(folder: Path, line: list[str], name: str) -> None:
    signed_image(folder / "image", text="x", detached=True)
    for path, data in {"m.wasm": M, "s.wasm": signed(folder, M, K1), "k.secret": K1.compact(), "k.public": K1.public.compact()}.items():
        (folder / path).write_bytes(data)
    (folder / "out").mkdir()
    os.mkfifo(folder / name)
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "wasm_oci.cli.program", *line]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"wasm_oci: {name}: cannot write the [a-z ]+: the pipe has no reader(;.*)?\n", done.stderr)


def test_a_pipe_that_is_read_gets_all(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    data = os.urandom(300_000)
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    received = bytearray()

    def read() -> None:
        while part := os.read(reader, 10_000):
            received.extend(part)

    write = threading.Thread(target=write_file, args=(folder / "pipe", data))
    write.start()
    deadline = time.monotonic() + 10
    while not received and time.monotonic() < deadline:
        read()
    write.join(10)
    os.close(reader)
    assert bytes(received) == data


def test_a_device_is_written_to(folder: Path) -> None:
    write_file(Path("/dev/null"), b"x")
    with pytest.raises(UsageError, match="cannot write the report: No space left"):
        write_file(Path("/dev/full"), b"x", what="report")


def test_a_path_that_gets_its_name_at_the_end(folder: Path) -> None:
    (folder / "link").symlink_to("file")
    with atomic_path(folder / "link") as path:
        assert (path.parent, path.read_bytes()) == (folder, b"")
        path.write_bytes(b"new")
        assert (folder / "link").read_bytes() == b"x"
    assert not (folder / "link").is_symlink()
    assert {found.name: found.read_bytes() for found in folder.iterdir()} == {"file": b"x", "link": b"new"}


def test_a_path_whose_writer_fails(folder: Path) -> None:
    with pytest.raises(RuntimeError), atomic_path(folder / "file") as path:
        path.write_bytes(b"half")
        raise RuntimeError
    with pytest.raises(UsageError, match="cannot write the report: No space left"), atomic_path(folder / "file", what="report"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(UsageError, match="the report is a folder"), atomic_path(folder, what="report"):
        pass
    with atomic_path(Path("/dev/null")) as path:
        path.write_bytes(b"anything")
    assert not path.exists()
    assert {found.name: found.read_bytes() for found in folder.iterdir()} == {"file": b"x"}


@pytest.mark.parametrize("name", ["close", "open"])
def test_a_signal_while_a_file_is_made_leaves_none(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Handlers of signals raise between any two steps, such as making a file and knowing its name."""
    real = getattr(os, name)

    def interrupted(*args: object) -> None:
        real(*args)
        raise SystemExit(143)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(os, name, interrupted)
        write_file(folder / "new", b"x")
    assert [path.name for path in folder.iterdir()] == ["file"]


UNREADABLE = "/proc/self/mem"
"""A regular file whose first byte cannot be read."""
READS = [
    ["key", "show", "{}"],
    ["sign", "-i", "m.wasm", "-o", "o.wasm", "-k", "{}"],
    ["sign", "-i", "m.wasm", "-o", "o.wasm", "-k", "k.secret", "-K", "{}"],
    ["sign", "-i", "{}", "-o", "o.wasm", "-k", "k.secret"],
    ["sign", "--request", "{}"],
    ["verify", "-i", "m.wasm", "-K", "{}"],
    ["verify", "-i", "m.wasm", "--trusted-keys", "{}"],
    ["verify", "-i", "{}", "-K", "k.public"],
    ["verify", "-i", "m.wasm", "-S", "{}", "-K", "k.public"],
    ["trusted-keys", "-i", "{}"],
    ["registries", "-i", "{}"],
    ["split", "-i", "{}", "-o", "o.wasm"],
    ["detach", "-i", "{}", "-o", "o.wasm", "-S", "s"],
    ["attach", "-i", "m.wasm", "-S", "{}", "-o", "o.wasm"],
    ["inspect", "{}"],
    ["log", "init", "log", "--origin", "example.com/log", "-k", "{}"],
    ["log", "verify", "log", "--log-key", "{}"],
    ["policy", "check", "m.wasm", "--policy", "{}"],
    ["policy", "check", "{}", "--policy", "p.yaml"],
    ["policy", "check", "m.wasm", "--policy", "p.yaml", "--facts", "{}"],
    ["policy", "check", "m.wasm", "--policy", "p.yaml", "--registries", "{}", "--registry", "a"],
    ["policy", "check", "m.wasm", "--policy", "p.yaml", "-S", "{}"],
    ["policy", "lint", "{}"],
    ["policy", "lint", "p.yaml", "--log", "{}"],
    ["policy", "simulate", "p.yaml", "--log", "{}"],
    ["attest", "./x", "--predicate-type", "vsa", "--predicate", "{}", "-k", "k.secret"],
    ["countersign", "./x", "-k", "{}"],
    ["statements", "./x", "-K", "{}"],
    ["release", "--request", "{}"],
    ["promote", "--request", "{}"],
    ["update", "{}"],
    ["verify", "@{}"],
]


@pytest.mark.parametrize("line", READS, ids=" ".join)
def test_a_file_whose_read_fails(folder: Path, capsys: pytest.CaptureFixture[str], line: list[str]) -> None:
    policy = b"default: {signing: required}\n"
    for path, data in {"m.wasm": M, "k.secret": K1.compact(), "k.public": K1.public.compact(), "p.yaml": policy}.items():
        (folder / path).write_bytes(data)
    before = sorted(folder.iterdir())
    unverified = line[0] == "verify" and ("-S" in line or line[1:3] == ["-i", "{}"])
    assert main([part.format(UNREADABLE) for part in line]) == (4 if unverified else 2)
    error = capsys.readouterr().err
    assert re.fullmatch(rf"wasm_oci: {UNREADABLE}: cannot read the [a-z ]+: Input/output error; .*\n", error)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "line",
    [
        ["key", "convert", "-i", "k.public", "--to", "openssh", "-o", "a\0b"],
        ["sign", "-k", "k.secret", "--output-dir", "a\0b", "m.wasm"],
        ["sign", "-k", "k.secret", "-i", "m.wasm", "-o", "o.wasm", "--passphrase-file", "a\0b"],
        ["verify", "-K", "k.public", "-i", "m.wasm", "--report", "a\0b"],
        ["pull", "./image/layout", "-K", "a\0b", "-o", "o.wasm"],
    ],
    ids=" ".join,
)
def test_a_nul_in_any_path(folder: Path, capsys: pytest.CaptureFixture[str], line: list[str]) -> None:
    policy = b"default: {signing: required}\n"
    for path, data in {"m.wasm": M, "k.secret": K1.compact(), "k.public": K1.public.compact(), "p.yaml": policy}.items():
        (folder / path).write_bytes(data)
    assert main(line) == 2
    assert re.fullmatch(r"wasm_oci: a\\x00b[^ ]*: cannot .*: the path contains invalid characters; .*\n", capsys.readouterr().err)
