"""Signs with a program that reads the message from stdin and writes the signature, such as the client of an HSM or a KMS."""

from __future__ import annotations

import base64
import binascii
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.external_program import run_program
from wasm_oci.files import reason_of
from wasm_oci.keys.ed25519 import KEY_SIZE, SIGNATURE_SIZE
from wasm_oci.keys.sources.checked import CheckedSigner
from wasm_oci.limits import LIMITS, Limits

if TYPE_CHECKING:
    from wasm_oci.keys.key import AnyPublicKey
    from wasm_oci.keys.signer import AnySigner
    from wasm_oci.keys.sources.source import KeySource

PUBLIC_KEY_VARIABLE = "WASM_OCI_PUBLIC_KEY"
KEY_ID_VARIABLE = "WASM_OCI_KEY_ID"
_BASE64_SIZES = (86, 88)
_SEQUENCE = b"\x30"


def command_signer(source: KeySource, public: AnyPublicKey | None, environ: Mapping[str, str], limits: Limits = LIMITS) -> AnySigner:
    """Returns a signer that runs the program for each message; raises UsageError where it or the public key is missing."""
    if public is None:
        raise UsageError("a signing program needs the public key", where=source.where, hint="give it with -K PUBLIC", reason="no_key")
    program, *arguments = shlex.split(source.ref)
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        raise UsageError("no such program", where=source.where, hint="give its path, or install it", reason="command")
    variables = {PUBLIC_KEY_VARIABLE: base64.b64encode(public.raw).decode(), KEY_ID_VARIABLE: public.key_id.hex()}

    def ask(message: bytes) -> bytes:
        output = _output([path, *arguments], message, {**environ, **variables}, source.where, limits)
        return _signature(output, source.where) if len(public.raw) == KEY_SIZE else _der_signature(output, source.where)

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


def _der_signature(output: bytes, where: str) -> bytes:
    """DER of an ECDSA signature as it is, or its base64 text."""
    if output[:1] == _SEQUENCE:
        return output
    try:
        return base64.b64decode(output.strip(), validate=True)
    except (binascii.Error, ValueError) as err:
        raise _no_signature(output, where, "write the signature in DER, or its base64 text") from err


def _no_signature(output: bytes, where: str, form: str = "write 64 bytes, or their base64 or hexadecimal text") -> KeyFormatError:
    return KeyFormatError(
        f"the program's output of {len(output)} bytes is not a signature",
        where=where,
        hint=f"{form}, and nothing else",
        reason="bad_signature",
    )


def _output(command: Sequence[str], message: bytes, environ: Mapping[str, str], where: str, limits: Limits) -> bytes:
    """Returns what the program writes to stdout; raises UsageError if it fails, is too slow or writes too much."""

    def failed(how: str) -> UsageError:
        return UsageError(f"the signing program {how}", where=where, hint="run it by hand to see why", reason="command")

    try:
        result = run_program(command, message, environ, timeout=limits.signer_time, limit=limits.command_output, terminal=True)
    except subprocess.TimeoutExpired as err:
        raise failed(f"did not end in {limits.signer_time:.0f} seconds") from err
    except (OSError, ValueError) as err:
        raise failed(f"cannot be run: {reason_of(err)}") from err
    if len(result.stdout) > limits.command_output:
        raise failed(f"writes more than {limits.command_output} bytes")
    if result.exit_code != 0:
        said = result.stderr.decode("utf-8", "replace").strip().split("\n")[0][:200]
        raise failed(f"failed: {said or f'exit code {result.exit_code}'}")
    return result.stdout
