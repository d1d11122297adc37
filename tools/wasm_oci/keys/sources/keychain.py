"""Passwords of the system's keychain, by the `keyring` package: Secret Service, macOS Keychain, Windows Credential Locker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError

if TYPE_CHECKING:
    from wasm_oci.keys.sources.source import KeySource

_UNUSABLE = ("keyring.backends.fail", "keyring.backends.null")
_FOREIGN = (("secretstorage.exceptions", "SecretStorageException"), ("jeepney.wrappers", "DBusErrorResponse"))
"""Errors that backends raise and that are not keyring's."""


def password_of(source: KeySource) -> str:
    """Returns the password of SERVICE/USER; raises UsageError if there is no password or no keychain.

    The null backends of keyring are refused, because they look like an empty keychain.
    """
    import keyring

    service, _, user = source.ref.rpartition("/")
    try:
        backend = keyring.get_keyring()
        if type(backend).__module__ in _UNUSABLE:
            raise UsageError(
                "no keychain is available",
                where=source.where,
                hint="log in to a desktop session, or use another key source",
                reason="no_key",
            )
        password = backend.get_password(service, user)
    except _failures() as err:
        raise UsageError(
            f"the keychain does not answer ({type(err).__name__})", where=source.where, hint="unlock it and try again", reason="no_key"
        ) from err
    if password is None:
        raise UsageError(
            "the keychain has no such entry",
            where=source.where,
            hint=f"store the secret key with `keyring set {service} {user}`",
            reason="no_key",
        )
    return password


def _failures() -> tuple[type[Exception], ...]:
    from keyring.errors import KeyringError

    foreign = (getattr(sys.modules.get(module), name, None) for module, name in _FOREIGN)
    known = [kind for kind in foreign if isinstance(kind, type) and issubclass(kind, Exception)]
    return (KeyringError, OSError, RuntimeError, ValueError, *known)
