"""Credential helpers of Docker: `docker-credential-NAME get` reads a server from stdin and writes JSON to stdout."""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from wasm_oci.errors import AuthError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.registry.credential import Credential

_log = logging.getLogger(__name__)

NOT_INSTALLED = "credential_helper_missing"
"""The reason of the error for a helper that is not there, or cannot run on this machine."""
_NOT_RUN = frozenset({126, 127})
"""The exit codes of shells and dynamic linkers for a program that does not start, such as one whose library is missing."""
_INSTALL = "install the helper, or remove it from the file"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NOT_FOUND = b"credentials not found"
_SAID = 4096
"""How much of a failed helper's output is searched; none of it is shown."""

_SIGNING_VARIABLE = re.compile(r"PASSPHRASE|PRIVATE_?KEY|(SIGN|COSIGN|WASM).*(KEY|SECRET|PASSWORD)", re.IGNORECASE)
_PEM_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_RAW_KEY_SIZE, _RAW_KEY_TAG = 65, b"\x81"
"""A secret key of wasmsign2: the tag, a seed and the public key."""
_DER_KEY = re.compile(rb"\x30(?:[\0-\x7f]|\x81.|\x82..)(?:\x02\x01[\0\1]\x30|\x30.\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05)", re.DOTALL)
"""A private key as PKCS#8, version 1 or 2 (RFC 5958), or encrypted by a password (RFC 8018)."""
_OPENSSH_KEY = b"openssh-key-v1\0"


def ask_helper(name: object, key: str, environ: Mapping[str, str], *, where: str) -> Credential | None:
    """Returns the credential for the server `key`, or None where the helper has none.

    The helper does not see signing keys and passphrases of `environ`, and its output is bounded and never shown. Raises
    UsageError for a name that cannot be a helper's, AuthError for a helper that is missing (`NOT_INSTALLED`), fails, or is too slow.
    """
    import shutil  # these three are needed where there is a helper, and take long to load
    import subprocess

    from wasm_oci.external_program import run_program

    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError("the name of the credential helper is invalid", where=where, hint="correct the file")
    program = f"docker-credential-{name}"
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None or not Path(path).is_absolute():
        raise AuthError(f"{program} is not on PATH", where=where, hint=_INSTALL, reason=NOT_INSTALLED)
    try:
        result = run_program(
            [path, "get"],
            key.encode(),
            without_signing_secrets(environ),
            timeout=LIMITS.helper_timeout,
            limit=LIMITS.helper_output,
            terminal=False,
        )
    except subprocess.TimeoutExpired as err:
        raise AuthError(f"{program} timed out after {LIMITS.helper_timeout:.0f} seconds", where=where, hint="unlock its store") from err
    except (OSError, ValueError) as err:
        raise AuthError(f"{program} cannot be run", where=where, hint=_INSTALL, reason=NOT_INSTALLED) from err
    if len(result.stdout) > LIMITS.helper_output:
        raise AuthError(f"{program} wrote more than {LIMITS.helper_output} bytes", where=where, hint="log in again")
    if result.exit_code in _NOT_RUN:
        what = f"{program} cannot be run (exit code {result.exit_code})"
        raise AuthError(what, where=where, hint=_INSTALL, reason=NOT_INSTALLED)
    if result.exit_code != 0:
        if _NOT_FOUND in result.stdout[:_SAID] or _NOT_FOUND in result.stderr[:_SAID]:
            _log.debug("%s has nothing for %s", program, key)
            return None
        hint = f"run `echo {key} | {program} get` to see why, or log in again"
        raise AuthError(f"{program} failed with exit code {result.exit_code}", where=where, hint=hint)
    return _credential(result.stdout, program, key, where=where)


def without_signing_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns `environ` without variables that are named like a signing key or passphrase, or hold a secret key."""
    return {name: value for name, value in environ.items() if not _SIGNING_VARIABLE.search(name) and not _is_secret_key(value)}


def _is_secret_key(value: str) -> bool:
    data = value.strip().encode("utf-8", "surrogateescape")
    with suppress(binascii.Error):
        decoded = base64.b64decode(b"".join(data.split()), validate=True)
        raw = len(decoded) == _RAW_KEY_SIZE and decoded.startswith(_RAW_KEY_TAG)
        if raw or _DER_KEY.match(decoded) or decoded.startswith(_OPENSSH_KEY) or _PEM_KEY.search(decoded):
            return True
    return _PEM_KEY.search(data) is not None


def _credential(data: bytes, program: str, key: str, *, where: str) -> Credential | None:
    try:
        document = json.loads(data)
        username, secret = document.get("Username") or "", document.get("Secret") or ""
        usable = (username + secret).encode() is not None
    except (ValueError, TypeError, AttributeError, RecursionError):
        usable = False
    if not usable:
        raise AuthError(f"{program} wrote no valid credential", where=where, hint="log in again") from None
    if not secret:
        return None
    source = f"{program} for {key} ({where})"
    if username == "<token>":
        return Credential(source=source, identity_token=secret)
    return Credential(source=source, username=username, password=secret)
