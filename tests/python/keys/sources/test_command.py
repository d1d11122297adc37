"""A program that signs: what it gets, which answers count, and that nothing it does hangs or fills memory."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.signing import K1, K2, KEY_ID_1
from wasm_oci.errors import KeyFormatError, UsageError, WasmOciError
from wasm_oci.keys.sources.command import command_signer
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import open_signer
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.limits import LIMITS

NONE = PassphraseSource(environ={})
MESSAGE = b"wasmsig\1\1\1" + bytes(range(32)) * 64
SIGN = """
import base64, os, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
message = sys.stdin.buffer.read()
signature = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(message)
write = sys.stdout.buffer.write
"""


def command(code: str, *arguments: str) -> KeySource:
    return KeySource(kind="command", ref=shlex.join([sys.executable, "-c", code, *arguments]))


@pytest.mark.parametrize(
    "answer",
    [
        "write(signature)",
        "write(signature.hex().encode())",
        "print(signature.hex().upper())",
        "write(base64.b64encode(signature))",
        "print(base64.b64encode(signature).decode())",
        "print(base64.b64encode(signature).decode().rstrip('='))",
        "write(b'\\r\\n' + base64.b64encode(signature) + b'\\r\\n')",
        "write(signature[:30]); sys.stdout.flush(); import time; time.sleep(.1); write(signature[30:])",
        "sys.stderr.write('x' * 1_000_000); write(signature)",
    ],
)
def test_answers_that_are_a_signature(answer: str) -> None:
    signer = open_signer(command(SIGN + answer), public=K1.public, passphrase=NONE)
    assert signer.public == K1.public
    assert signer.sign(MESSAGE) == K1.sign(MESSAGE)
    assert signer.sign(b"") == K1.sign(b"")


def test_what_the_program_gets(tmp_path: Path) -> None:
    code = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(repr([sys.argv[1:], sorted(os.environ.items())])); write(signature)"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "PIN": "1234"}
    source = command(SIGN + code, "an argument", "$HOME", "--slot=1")
    open_signer(source, public=K1.public, passphrase=NONE, environ=environ).sign(b"m")
    arguments, seen = eval((tmp_path / "seen").read_text())  # noqa: S307 - written above
    assert arguments == ["an argument", "$HOME", "--slot=1"]
    expected = {"PIN": "1234", "WASM_OCI_KEY_ID": KEY_ID_1.hex(), "WASM_OCI_PUBLIC_KEY": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="}
    assert expected.items() <= dict(seen).items()


BAD: dict[str, tuple[str, type[WasmOciError], str]] = {
    "of another key": (
        "write(Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(message))",
        KeyFormatError,
        "the signature that came back is not by the key",
    ),
    "of another message": ("write(Ed25519PrivateKey.from_private_bytes(bytes(range(32))).sign(b'x'))", KeyFormatError, "not by the key"),
    "zeros": ("write(bytes(64))", KeyFormatError, "the signature that came back is not by the key a87b10d4934d3a04633a3faf"),
    "nothing": ("", KeyFormatError, "output of 0 bytes is not a signature"),
    "63 bytes": ("write(signature[:-1])", KeyFormatError, "output of 63 bytes is not a signature"),
    "65 bytes": ("write(signature + b'x')", KeyFormatError, "output of 65 bytes is not a signature"),
    "no hexadecimal": ("write(b'x' * 128)", KeyFormatError, "output of 128 bytes is not a signature"),
    "no base64": ("write(b'!' * 88)", KeyFormatError, "output of 88 bytes is not a signature"),
    "base64 of less": ("write(base64.b64encode(bytes(63) ) + b'====')", KeyFormatError, "output of 88 bytes is not a signature"),
    "too much": ("write(b'x' * 100_000)", UsageError, "writes more than 4096 bytes"),
    "endless": ("\nwhile True: write(b'x' * 10_000)", UsageError, "writes more than 4096 bytes"),
    "failure": ("sys.exit(3)", UsageError, "failed: exit code 3"),
    "failure with words": ("sys.exit('no \\x1b[31mslot\\nmore')", UsageError, r"failed: no \\x1b\[31mslot; run it by hand"),
    "failure with a signature": ("write(signature); sys.stdout.flush(); os._exit(1)", UsageError, "failed: exit code 1"),
    "failure with noise": ("os.write(2, b'\\xff' * 100_000); os._exit(1)", UsageError, "failed: "),
}


@pytest.mark.parametrize("name", BAD)
def test_answers_that_are_none(name: str) -> None:
    code, kind, message = BAD[name]
    signer = open_signer(command(SIGN + code), public=K1.public, passphrase=NONE)
    began = time.monotonic()
    with pytest.raises(kind, match=message) as caught:
        signer.sign(MESSAGE)
    assert time.monotonic() - began < 20
    assert caught.value.where == f"command {sys.executable}"
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "code",
    ["import time; time.sleep(60)", "import os, sys, time; os.close(1); os.close(2); time.sleep(60)"],
    ids=["silent", "closed"],
)
def test_a_program_that_does_not_end(code: str) -> None:
    signer = command_signer(command(code), K1.public, os.environ, replace(LIMITS, signer_time=0.5))
    began = time.monotonic()
    with pytest.raises(UsageError, match="did not end in 0 seconds"):
        signer.sign(MESSAGE)
    assert time.monotonic() - began < 10


CHILD = "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(50)']{}); "
NOTED = CHILD + "open({!r}, 'w').write(str(child.pid)); "


def ended(pid: int) -> bool:
    """Whether a process is gone, or waits only for init to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize(
    ("end", "message"),
    [("import time; time.sleep(50)", "did not end"), ("sys.exit('no slot')", "failed: no slot"), ("print('x' * 9999)", "writes more")],
    ids=["timeout", "failure", "too much"],
)
def test_no_child_lives_on(tmp_path: Path, end: str, message: str) -> None:
    signer = command_signer(command(NOTED.format("", str(tmp_path / "pid")) + end), K1.public, os.environ, replace(LIMITS, signer_time=3))
    with pytest.raises(UsageError, match=message):
        signer.sign(MESSAGE)
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 5
    while not ended(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("session", ["", ", start_new_session=True"], ids=["in the group", "daemon"])
@pytest.mark.parametrize(("end", "message"), [("sys.exit('no slot')", "failed: no slot"), ("sys.stdout.write('xxx')", "not a signature")])
def test_a_child_that_keeps_the_pipes_open_does_not_hold_us(tmp_path: Path, end: str, message: str, session: str) -> None:
    signer = command_signer(command(NOTED.format(session, str(tmp_path / "pid")) + end), K1.public, os.environ)
    began = time.monotonic()
    with pytest.raises(WasmOciError, match=message):
        signer.sign(MESSAGE)
    assert time.monotonic() - began < 10
    if session:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from wasm_oci.errors import WasmOciError
from wasm_oci.keys.sources.command import command_signer
from test_command import K1, command
asks = "import sys; tty = open('/dev/tty', 'r+b', buffering=0); tty.write(b'PIN? '); sys.exit(repr(tty.readline()))"
try:
    command_signer(command(asks), K1.public, os.environ).sign(b"m")
except WasmOciError as err:
    print(err.what, os.tcgetpgrp(0) == os.getpgrp())
"""


def test_the_program_has_the_terminal_and_gives_it_back() -> None:
    master, slave = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    code = [sys.executable, "-c", AT_A_TERMINAL]
    with subprocess.Popen(code, env=environ, stdin=slave, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        os.close(slave)
        shown = b""
        while not shown.endswith(b"PIN? "):
            shown += os.read(master, 1000)
        os.write(master, b"1234\n")
        assert process.communicate(timeout=30)[0] == "the signing program failed: b'1234\\n' True\n"
    os.close(master)


def test_a_program_that_reads_nothing() -> None:
    signer = open_signer(command("import os; os.write(1, bytes(64))"), public=K1.public, passphrase=NONE)
    with pytest.raises(KeyFormatError, match="the signature that came back is not by the key"):
        signer.sign(bytes(1_000_000))


def test_programs_that_cannot_be_run(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("not a program")
    plain.chmod(0o700)
    plain.write_bytes(b"\x7fELF nonsense")
    for ref, message in (("no-such-program-here x", "no such program"), (shlex.quote(str(plain)), "cannot be run")):
        with pytest.raises(UsageError, match=message):
            open_signer(KeySource(kind="command", ref=ref), public=K1.public, passphrase=NONE).sign(b"m")


def test_the_public_key_is_needed() -> None:
    with pytest.raises(UsageError, match="a signing program needs the public key"):
        open_signer(command(SIGN), public=None, passphrase=NONE)
    with pytest.raises(KeyFormatError, match="the signature that came back is not by the key"):
        open_signer(command(SIGN + "write(signature)"), public=K2.public, passphrase=NONE).sign(b"m")
