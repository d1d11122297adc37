"""Signs by a program that gets the message on stdin and answers with the signature: how an HSM or a KMS is attached."""

from __future__ import annotations

import base64
import binascii
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.files import reason_of
from wasm_oci.keys.ed25519 import SIGNATURE_SIZE
from wasm_oci.keys.sources.checked import CheckedSigner
from wasm_oci.keys.sources.program_group import ProgramGroup
from wasm_oci.limits import LIMITS, Limits

if TYPE_CHECKING:
    from wasm_oci.keys.key import PublicKey
    from wasm_oci.keys.signer import Signer
    from wasm_oci.keys.sources.source import KeySource

PUBLIC_KEY_VARIABLE = "WASM_OCI_PUBLIC_KEY"
KEY_ID_VARIABLE = "WASM_OCI_KEY_ID"
_BASE64_SIZES = (86, 88)
_GRACE = 1.0
"""Seconds in which what is left in the pipes of an ended program is read."""


def command_signer(source: KeySource, public: PublicKey | None, environ: Mapping[str, str], limits: Limits = LIMITS) -> Signer:
    """Returns a signer that runs the program for each message; raises UsageError where it or the public key is missing."""
    if public is None:
        raise UsageError("a signing program needs the public key", where=source.where, hint="give it with -K PUBLIC", reason="no_key")
    program, *arguments = shlex.split(source.ref)
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        raise UsageError("no such program", where=source.where, hint="give its path, or install it", reason="command")
    variables = {PUBLIC_KEY_VARIABLE: base64.b64encode(public.raw).decode(), KEY_ID_VARIABLE: public.key_id.hex()}

    def ask(message: bytes) -> bytes:
        run = _Run([path, *arguments], {**environ, **variables}, source.where, limits)
        return _signature(run.output_for(message), source.where)

    return CheckedSigner(public=public, where=source.where, ask=ask)


def _signature(output: bytes, where: str) -> bytes:
    """64 bytes as they are, or their hexadecimal or base64 text."""
    if len(output) == SIGNATURE_SIZE:
        return output
    text = output.strip()
    unpadded = text.rstrip(b"=")
    try:
        if len(text) == 2 * SIGNATURE_SIZE:
            return binascii.unhexlify(text)
        if len(text) in _BASE64_SIZES and len(unpadded) == min(_BASE64_SIZES):
            return base64.b64decode(unpadded + b"==", validate=True)
    except (binascii.Error, ValueError) as err:
        raise _no_signature(output, where) from err
    raise _no_signature(output, where)


def _no_signature(output: bytes, where: str) -> KeyFormatError:
    return KeyFormatError(
        f"the program's output of {len(output)} bytes is not a signature",
        where=where,
        hint="write 64 bytes, or their base64 or hexadecimal text, and nothing else",
        reason="bad_signature",
    )


class _Run:
    """One run of a program: bounded time, bounded output; its stderr is looked at only if it fails.

    Nothing that the program started lives on in its process group, and nobody waits for what left that group.
    """

    def __init__(self, command: list[str], environ: Mapping[str, str], where: str, limits: Limits) -> None:
        self._command, self._environ = command, dict(environ)
        self._where, self._limits = where, limits
        self._outputs = {"stdout": b"", "stderr": b""}

    def output_for(self, message: bytes) -> bytes:
        """Returns what the program writes; raises UsageError where it fails, is too slow or writes too much."""
        try:
            with ProgramGroup(self._command, self._environ) as group:
                threads = [
                    threading.Thread(target=work, args=arguments, daemon=True)
                    for work, arguments in (
                        (_write, (group.process.stdin, message)),
                        (self._read, (group.process.stdout, "stdout", group)),
                        (self._read, (group.process.stderr, "stderr", None)),
                    )
                ]
                for thread in threads:
                    thread.start()
                group.process.wait(self._limits.signer_time)
        except subprocess.TimeoutExpired as err:
            raise self._failed(f"did not end in {self._limits.signer_time:.0f} seconds") from err
        except (OSError, ValueError) as err:
            raise self._failed(f"cannot be run: {reason_of(err)}") from err
        deadline = time.monotonic() + _GRACE
        for thread in threads:  # what has left the group may still hold the outputs
            thread.join(max(0, deadline - time.monotonic()))
        if len(self._outputs["stdout"]) > self._limits.command_output:
            raise self._failed(f"writes more than {self._limits.command_output} bytes")
        if group.process.returncode != 0:
            said = self._outputs["stderr"].decode("utf-8", "replace").strip().split("\n")[0][:200]
            raise self._failed(f"failed: {said or f'exit code {group.process.returncode}'}")
        return self._outputs["stdout"]

    def _read(self, stream: IO[bytes], name: str, group: ProgramGroup | None) -> None:
        """Keeps the first bytes; what writes too much is ended (stdout), or read on (stderr)."""
        limit = self._limits.command_output
        with stream:
            while part := stream.read1(limit) if hasattr(stream, "read1") else stream.read(limit):
                self._outputs[name] = (self._outputs[name] + part)[: limit + 1]
                if group is not None and len(self._outputs[name]) > limit:
                    group.kill()
                    return

    def _failed(self, how: str) -> UsageError:
        return UsageError(f"the signing program {how}", where=self._where, hint="run it by hand to see why", reason="command")


def _write(stream: IO[bytes], message: bytes) -> None:
    try:
        with stream:
            stream.write(message)
    except BrokenPipeError:
        return  # it does not want the message; its output tells
