#!/usr/bin/env python3
"""hsm_sign.py TOKEN: a signing program for `wasm_oci sign --key-source command`, as an HSM or a KMS would have one.

It gets the message on stdin and writes the 64 bytes of an Ed25519 signature to stdout. WASM_OCI_KEY_ID says which key
is meant, WASM_OCI_PUBLIC_KEY is base64 of its public half. Here the folder TOKEN stands for the device: the key is
the file KEY_ID.pem in it. For a real device keep `main` and write another `sign`: call its PKCS#11 library, or its
web service, with the mechanism that signs the message as it is (CKM_EDDSA, PureEdDSA), not a digest of it.
"""

import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

LARGEST = 4096
"""No message is longer: 10 bytes, and 32 for each of at most 64 hashes."""
FIRST = b"wasmsig\x01\x01\x01"
"""What every message begins with: this key signs WebAssembly and nothing else."""


def sign(token: Path, key_id: str, message: bytes) -> bytes:
    """Returns the signature that the device makes; raises LookupError where it has no such key."""
    path = token / f"{key_id}.pem"
    if not key_id.isalnum() or not path.is_file():
        raise LookupError(f"the token has no key {key_id}")
    key = load_pem_private_key(path.read_bytes(), password=None)
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(message)
    raise LookupError(f"the key {key_id} is not for Ed25519")


def main() -> int:
    """The first line on stderr is what `wasm_oci` shows where the exit code is not 0."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: hsm_sign.py TOKEN\n")
        return 2
    message = sys.stdin.buffer.read(LARGEST + 1)
    if len(message) > LARGEST or not message.startswith(FIRST):
        sys.stderr.write("this is no message of wasmsign2\n")
        return 1
    try:
        signature = sign(Path(sys.argv[1]), os.environ.get("WASM_OCI_KEY_ID", ""), message)
    except (LookupError, OSError, ValueError) as err:
        sys.stderr.write(f"{err}\n")
        return 1
    sys.stdout.buffer.write(signature)
    return 0


if __name__ == "__main__":
    sys.exit(main())
