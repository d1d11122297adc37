"""An ssh-agent: the request that it gets, the key that is chosen, and every answer that it should not give."""

from __future__ import annotations

import os
import pty
import socket
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.signing import K1, K2
from wasm_oci.errors import KeyFormatError, UsageError, WasmOciError
from wasm_oci.keys.key import PublicKey, SecretKey
from wasm_oci.keys.signer import Signer
from wasm_oci.keys.sources import agent
from wasm_oci.keys.sources.agent import Agent, PipeChannel
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import open_signer
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.keys.ssh_wire import public_blob
from wasm_oci.limits import LIMITS

NONE = PassphraseSource(environ={})
MESSAGE = b"wasmsig\1\1\1" + bytes(32)
RSA = b"\0\0\0\x07ssh-rsa\0\0\0\1\3\0\0\0\1\5"
Response = Callable[[bytes], bytes | None]
"""Request to answer, both without their length; None closes the connection."""


def string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def identities(*blobs: bytes) -> bytes:
    return b"\x0c" + len(blobs).to_bytes(4, "big") + b"".join(string(blob) + string(b"a comment") for blob in blobs)


def holding(*keys: SecretKey, others: tuple[bytes, ...] = ()) -> Response:
    """A well-behaved agent."""

    def answer(request: bytes) -> bytes:
        if request == b"\x0b":
            return identities(*others, *(public_blob(key.public.raw) for key in keys))
        for key in keys:
            head = b"\x0d" + string(public_blob(key.public.raw))
            if request.startswith(head):
                size = int.from_bytes(request[len(head) : len(head) + 4], "big")
                message = request[len(head) + 4 : len(head) + 4 + size]
                assert request[len(head) + 4 + size :] == bytes(4)
                return b"\x0e" + string(string(b"ssh-ed25519") + string(key.sign(message)))
        return b"\x05"

    return answer


@contextmanager
def served(folder: Path, answer: Response, *, raw: bool = False) -> Iterator[dict[str, str]]:
    """Serves an agent at a socket; with `raw` the answer is sent as it is."""
    path = folder / "agent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def work() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, connection.makefile("rb") as stream, suppress(OSError):
                    while head := stream.read(4):
                        reply = answer(stream.read(int.from_bytes(head, "big")))
                        if reply is None:
                            break
                        connection.sendall(reply if raw else string(reply))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield {"SSH_AUTH_SOCK": str(path)}
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def opened(environ: dict[str, str], public: PublicKey | None = None) -> Signer:
    return open_signer(KeySource(kind="ssh-agent"), public=public, passphrase=NONE, environ=environ)


def test_the_only_key(tmp_path: Path) -> None:
    with served(tmp_path, holding(K1, others=(RSA,))) as environ:
        signer = opened(environ)
        assert (signer.public, signer.public.comment, signer.public.format) == (K1.public, "a comment", "openssh")
        assert signer.sign(MESSAGE) == K1.sign(MESSAGE)


def test_the_key_that_is_meant(tmp_path: Path) -> None:
    with served(tmp_path, holding(K1, K2)) as environ:
        for key in (K1, K2):
            assert opened(environ, key.public).sign(MESSAGE) == key.sign(MESSAGE)


@pytest.mark.parametrize(
    ("answer", "public", "message"),
    [
        (holding(), None, "the agent holds 0 Ed25519 keys"),
        (holding(others=(RSA,)), None, "the agent holds 0 Ed25519 keys"),
        (holding(K1, K2), None, "the agent holds 2 Ed25519 keys; say which one with -K PUBLIC"),
        (holding(K1), K2.public, "does not hold the key 1b3e7ee50e0b7c24934a4e01; its Ed25519 keys: a87b10d4934d3a04633a3faf"),
        (holding(), K2.public, "its Ed25519 keys: none"),
    ],
)
def test_no_such_key(tmp_path: Path, answer: Response, public: PublicKey | None, message: str) -> None:
    with served(tmp_path, answer) as environ, pytest.raises(WasmOciError, match=message) as caught:
        opened(environ, public)
    assert caught.value.reason == ("no_key" if public is None else "key_mismatch")


BLOB = public_blob(K1.public.raw)
HOSTILE_LISTS: dict[str, bytes | None] = {
    "closed": None,
    "empty": b"",
    "other type": b"\x0e" + identities(BLOB)[1:],
    "no count": b"\x0c\0\0",
    "cut off": identities(BLOB)[:-3],
    "left over": identities(BLOB) + b"x",
    "fewer than counted": b"\x0c" + (2).to_bytes(4, "big") + identities(BLOB)[5:],
    "millions of keys": b"\x0c\xff\xff\xff\xff",
    "a key of 4 GiB": b"\x0c\0\0\0\1\xff\xff\xff\xff",
}


@pytest.mark.parametrize("name", HOSTILE_LISTS)
def test_malformed_lists(tmp_path: Path, name: str) -> None:
    with served(tmp_path, lambda request: HOSTILE_LISTS[name]) as environ, pytest.raises(KeyFormatError, match="reply is malformed"):
        opened(environ)


@pytest.mark.parametrize("raw", [b"\0\4\0\1\x0c", b"\xff\xff\xff\xff\x0c", b"\0\0\0\0"])
def test_sizes_that_are_not_read(tmp_path: Path, raw: bytes) -> None:
    with served(tmp_path, lambda request: raw, raw=True) as environ, pytest.raises(KeyFormatError, match="reply is malformed"):
        opened(environ)


SIGNATURE = string(b"ssh-ed25519") + string(K1.sign(MESSAGE))
HOSTILE_SIGNATURES: dict[str, tuple[bytes | None, str]] = {
    "closed": (None, "reply is malformed"),
    "refused": (b"\x05", "the agent refuses"),
    "other type": (b"\x0c" + string(SIGNATURE), "reply is malformed"),
    "cut off": (b"\x0e" + string(SIGNATURE)[:-1], "reply is malformed"),
    "left over": (b"\x0e" + string(SIGNATURE) + b"x", "reply is malformed"),
    "left over inside": (b"\x0e" + string(SIGNATURE + b"x"), "reply is malformed"),
    "other algorithm": (b"\x0e" + string(string(b"ssh-ed448") + string(K1.sign(MESSAGE))), "reply is malformed"),
    "of another key": (
        b"\x0e" + string(string(b"ssh-ed25519") + string(K2.sign(MESSAGE))),
        "that came back is not by the key",
    ),
    "of another message": (
        b"\x0e" + string(string(b"ssh-ed25519") + string(K1.sign(b"x"))),
        "that came back is not by the key",
    ),
    "short": (b"\x0e" + string(string(b"ssh-ed25519") + string(bytes(63))), "that came back is not by the key"),
}


@pytest.mark.parametrize("name", HOSTILE_SIGNATURES)
def test_wrong_signatures(tmp_path: Path, name: str) -> None:
    reply, message = HOSTILE_SIGNATURES[name]
    honest = holding(K1)
    with served(tmp_path, lambda request: honest(request) if request == b"\x0b" else reply) as environ:
        signer = opened(environ)
        with pytest.raises(WasmOciError, match=message):
            signer.sign(MESSAGE)


@pytest.mark.parametrize("first", [b"", b"\0\0\0\x09\x0c"])
def test_a_silent_agent(first: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(first)
        began = time.monotonic()
        with pytest.raises(UsageError, match="did not answer in 0 seconds"):
            Agent(ours, replace(LIMITS, signer_time=0.3)).keys()
        assert time.monotonic() - began < 5


def test_an_agent_that_drips_does_not_hold_us() -> None:
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        theirs.sendall(b"\0\0\1\0")
        while not stop.wait(0.05):
            theirs.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        began = time.monotonic()
        with pytest.raises(UsageError, match="did not answer"):
            Agent(ours, replace(LIMITS, signer_time=0.5)).keys()
        assert time.monotonic() - began < 5
    finally:
        stop.set()
        thread.join()
        ours.close()
        theirs.close()


def test_where_no_agent_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no socket")
    for environ, message in (
        ({}, "SSH_AUTH_SOCK is not set; start ssh-agent"),
        ({"SSH_AUTH_SOCK": ""}, "SSH_AUTH_SOCK is not set"),
        ({"SSH_AUTH_SOCK": str(tmp_path / "absent")}, "no agent is listening at .*absent: No such file"),
        ({"SSH_AUTH_SOCK": str(tmp_path / "file")}, "no agent is listening at .*file: Connection refused"),
        ({"SSH_AUTH_SOCK": "/" + "x" * 200}, "no agent is listening at"),
        ({"SSH_AUTH_SOCK": "a\0b"}, "no agent is listening at"),
        ({"SSH_AUTH_SOCK": r"\\.\pipe\absent"}, "no agent is listening at"),
    ):
        with pytest.raises(UsageError, match=message):
            opened(environ)


def test_without_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(agent.socket, "AF_UNIX")  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="this Python has no Unix sockets"):
        opened({"SSH_AUTH_SOCK": "/tmp/x"})  # noqa: S108 - never opened


def test_a_pipe_that_is_opened_as_a_file() -> None:
    """A terminal without any editing stands for the named pipe of Windows."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    honest = holding(K1)
    replies = []

    def work() -> None:
        for _ in range(2):
            head = os.read(master, 4)
            request = os.read(master, int.from_bytes(head, "big"))
            replies.append(honest(request))
            os.write(master, string(replies[-1] or b""))

    thread = threading.Thread(target=work)
    thread.start()
    channel = PipeChannel(os.ttyname(slave))
    try:
        assert Agent(channel).keys() == [K1.public]
        assert Agent(channel).sign(K1.public, MESSAGE) == K1.sign(MESSAGE)
    finally:
        thread.join(10)
        channel.close()
        os.close(master)
        os.close(slave)
