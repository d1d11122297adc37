"""Many who attach signatures to one manifest at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.attacher import attach_signature
from fakes.clients import client_of
from fakes.processes import CONTEXT, start_server
from instruments.registry import start
from wasm_oci.oci.descriptor import EMPTY, SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.manifest import Manifest, signature_referrer
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.registry.referrers import fallback_tag, list_referrers
from wasm_oci.registry.store import RegistryStore

SUBJECT = Manifest(config=EMPTY, layers=(EMPTY,), artifact_type="application/vnd.test").descriptor()
ATTACHERS = 20


@pytest.mark.parametrize("machines", [1, ATTACHERS], ids=["one machine", "many machines"])
@pytest.mark.parametrize("referrers_api", [True, False], ids=["api", "fallback"])
def test_twenty_processes_leave_twenty_entries(tmp_path: Path, referrers_api: bool, machines: int) -> None:
    start_server()
    signatures = [b"signature %d" % number for number in range(ATTACHERS)]
    together = CONTEXT.Barrier(ATTACHERS)
    with start(referrers_api=referrers_api) as registry:
        attachers = [
            CONTEXT.Process(target=attach_signature, args=(registry.host, SUBJECT, each, together, tmp_path / str(number % machines)))
            for number, each in enumerate(signatures)
        ]
        for attacher in attachers:
            attacher.start()
        for attacher in attachers:
            attacher.join(120)
        assert [attacher.exitcode for attacher in attachers] == [0] * ATTACHERS
        expected = {signature_referrer(SUBJECT, each).descriptor().digest for each in signatures}
        with client_of(registry) as client:
            found = {each.descriptor().digest for each in find_referrers(RegistryStore(client), SUBJECT.digest, SIGNATURE_MEDIA_TYPE)}
            assert found == expected
            assert len(list_referrers(client, SUBJECT.digest).entries) == ATTACHERS
        tag = [record for record in registry.requests if record.method == "PUT" and fallback_tag(SUBJECT.digest) in record.path]
        assert bool(tag) != referrers_api
