"""A process that attaches one signature; this module is all that it has to import."""

from __future__ import annotations

from multiprocessing.synchronize import Barrier

from fakes.clients import client_of, put_blob
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY_BLOB, Descriptor
from wasm_oci.oci.manifest import signature_referrer
from wasm_oci.registry.referrers import attach
from wasm_oci.timing import REAL_TIME


def attach_signature(host: str, subject: Descriptor, signature: bytes, together: Barrier) -> None:
    """Begins when all others are ready, too; ends the process with an error where the signature is not attached."""
    with client_of(host, timing=REAL_TIME, limits=LIMITS) as client:
        put_blob(client, EMPTY_BLOB)
        put_blob(client, signature)
        together.wait(60)
        attach(client, signature_referrer(subject, signature))
