"""secret_store.py put SERVICE USER | lock: stores the password on stdin in the session's Secret Service, or locks that."""

from __future__ import annotations

import sys

import keyring
from keyring.backends import SecretService


def main() -> int:
    backend = keyring.get_keyring()
    if not isinstance(backend, SecretService.Keyring):
        sys.stderr.write(f"secret_store: keyring finds {backend}, no Secret Service\n")
        return 1
    what, *entry = sys.argv[1:]
    if what == "put":
        service, user = entry
        keyring.set_password(service, user, sys.stdin.read())
    else:
        backend.get_preferred_collection().lock()  # type: ignore[no-untyped-call]  # keyring's backends have no types
    return 0


if __name__ == "__main__":
    sys.exit(main())
