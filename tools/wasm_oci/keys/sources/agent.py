"""Signs by an ssh-agent (draft-ietf-sshm-ssh-agent): the secret key never leaves it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.files import reason_of
from wasm_oci.keys.key import OPENSSH, AnyPublicKey, PublicKey
from wasm_oci.keys.sources.checked import CheckedSigner
from wasm_oci.keys.ssh_wire import KEY_TYPE, Strings, key_of_blob, public_blob, ssh_string
from wasm_oci.limits import LIMITS, Limits

if TYPE_CHECKING:
    from wasm_oci.keys.signer import AnySigner

VARIABLE = "SSH_AUTH_SOCK"
_WINDOWS_PIPE = r"\\.\pipe\openssh-ssh-agent"
_FAILURE, _REQUEST_IDENTITIES, _IDENTITIES, _SIGN_REQUEST, _SIGN_RESPONSE = 5, 11, 12, 13, 14
_WHERE = "ssh-agent"


class _Channel(Protocol):
    def settimeout(self, seconds: float, /) -> None: ...

    def sendall(self, data: bytes, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class PipeChannel:
    """A named pipe of Windows, opened as a file; it has no time limit."""

    def __init__(self, path: str) -> None:
        self._stream = cast(BinaryIO, open(path, "r+b", buffering=0))  # noqa: SIM115, PTH123 - closed by `close`; no Path has this name

    def settimeout(self, seconds: float, /) -> None:
        """Does nothing."""

    def sendall(self, data: bytes, /) -> None:
        while data:
            data = data[self._stream.write(data) or 0 :]

    def recv(self, size: int, /) -> bytes:
        return self._stream.read(size) or b""

    def close(self) -> None:
        self._stream.close()


class Agent:
    """One conversation with an agent over an open channel, all replies under one time limit each."""

    def __init__(self, channel: _Channel, limits: Limits = LIMITS) -> None:
        self._channel = channel
        self._limits = limits
        self._deadline = 0.0

    def keys(self) -> list[PublicKey]:
        """Returns the Ed25519 keys that the agent holds; raises UsageError or KeyFormatError."""
        reader = self._ask(bytes((_REQUEST_IDENTITIES,)), _IDENTITIES)
        count = reader.number()
        if count > self._limits.agent_keys:
            raise _malformed()
        found = []
        for _ in range(count):
            raw, comment = key_of_blob(reader.string()), reader.string()
            if raw is not None:
                found.append(PublicKey(raw=raw, format=OPENSSH, comment=comment.decode("utf-8", "replace")))
        reader.finish()
        return found

    def sign(self, public: PublicKey, message: bytes) -> bytes:
        """Returns the agent's signature, which may be wrong; raises UsageError or KeyFormatError."""
        request = bytes((_SIGN_REQUEST,)) + ssh_string(public_blob(public.raw)) + ssh_string(message) + bytes(4)
        reader = self._ask(request, _SIGN_RESPONSE)
        inner = _Reply(reader.string(), 0, _WHERE)
        reader.finish()
        kind, signature = inner.string(), inner.string()
        inner.finish()
        if kind != KEY_TYPE.encode():
            raise _malformed()
        return signature

    def _ask(self, request: bytes, expected: int) -> Strings:
        self._deadline = time.monotonic() + self._limits.signer_time
        try:
            self._channel.settimeout(self._limits.signer_time)
            self._channel.sendall(ssh_string(request))
            size = int.from_bytes(self._receive(4), "big")
            if not 0 < size <= self._limits.agent_message:
                raise _malformed()
            reply = self._receive(size)
        except TimeoutError as err:
            raise UsageError(
                f"the agent did not answer in {self._limits.signer_time:.0f} seconds",
                where=_WHERE,
                hint="confirm its question",
                reason="agent",
            ) from err
        except OSError as err:
            raise UsageError(f"the agent failed: {reason_of(err)}", where=_WHERE, hint="start it again", reason="agent") from err
        if reply[0] == _FAILURE:
            raise UsageError("the agent refuses", where=_WHERE, hint="unlock it, or confirm its question", reason="agent")
        if reply[0] != expected:
            raise _malformed()
        return _Reply(reply, 1, _WHERE)

    def _receive(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._channel.settimeout(left)
            part = self._channel.recv(size - len(received))
            if not part:
                raise _malformed()
            received += part
        return bytes(received)


def agent_signer(public: AnyPublicKey | None, environ: Mapping[str, str]) -> AnySigner:
    """Returns a signer for `public`, or for the one Ed25519 key that the agent of this session holds.

    Raises UsageError where there is no agent or no such key.
    """
    with _connected(environ) as channel:
        held = Agent(channel).keys()
    names = ", ".join(key.key_id.hex() for key in held[:8]) or "none"
    if public is None and len(held) != 1:
        raise UsageError(
            f"the agent holds {len(held)} Ed25519 keys",
            where=_WHERE,
            hint="say which one with -K PUBLIC" if held else "add one with ssh-add",
            reason="no_key",
        )
    if public is not None and public not in held:
        raise KeyFormatError(
            f"the agent does not hold the key {public.key_id.hex()}; its Ed25519 keys: {names}",
            where=_WHERE,
            hint="add it with ssh-add",
            reason="key_mismatch",
        )
    chosen = held[0 if public is None else held.index(public)]

    def ask(message: bytes) -> bytes:
        with _connected(environ) as channel:
            return Agent(channel).sign(chosen, message)

    return CheckedSigner(public=chosen, where=_WHERE, ask=ask)


def _connected(environ: Mapping[str, str]) -> AbstractContextManager[_Channel]:
    path = environ.get(VARIABLE) or (_WINDOWS_PIPE if os.name == "nt" else "")
    if not path:
        raise UsageError(f"{VARIABLE} is not set", where=_WHERE, hint="start ssh-agent and add the key with ssh-add", reason="agent")
    try:
        return closing(_open(path))
    except (OSError, ValueError) as err:
        raise UsageError(
            f"no agent is listening at {path}: {reason_of(err)}", where=_WHERE, hint="start ssh-agent", reason="agent"
        ) from err


def _open(path: str) -> _Channel:
    if path.startswith("\\\\"):
        return PipeChannel(path)
    family: int | None = getattr(socket, "AF_UNIX", None)
    if family is None:
        raise OSError(0, "this Python has no Unix sockets")
    channel = socket.socket(family, socket.SOCK_STREAM)
    connect: Callable[[str], None] = channel.connect
    try:
        channel.settimeout(LIMITS.signer_time)
        connect(path)
    except (OSError, ValueError):
        channel.close()
        raise
    return channel


class _Reply(Strings):
    """The strings of a reply; its errors name the agent."""

    def error(self) -> KeyFormatError:
        return _malformed()


def _malformed() -> KeyFormatError:
    return KeyFormatError("the agent's reply is malformed", where=_WHERE, hint="use the agent of OpenSSH", reason="agent")
