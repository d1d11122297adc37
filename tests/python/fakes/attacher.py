"""A process that attaches one signature; this module is all that it has to import."""

from __future__ import annotations

import os
from multiprocessing.synchronize import Barrier
from pathlib import Path

from fakes.clients import client_of, put_blob
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY_BLOB, Descriptor
from wasm_oci.oci.manifest import signature_referrer
from wasm_oci.registry.referrers import attach
from wasm_oci.timing import REAL_TIME


def attach_signature(host: str, subject: Descriptor, signature: bytes, together: Barrier, machine: Path) -> None:
    """Begins when all others are ready, too; ends the process with an error where the signature is not attached.

    Processes with one folder as their `machine` see each other's locks.
    """
    machine.mkdir(mode=0o700, exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(machine)
    with client_of(host, timing=REAL_TIME, limits=LIMITS) as client:
        put_blob(client, EMPTY_BLOB)
        put_blob(client, signature)
        together.wait(60)
        attach(client, signature_referrer(subject, signature))
