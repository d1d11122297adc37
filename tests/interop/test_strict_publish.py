"""The strict policy of the example where signing is required: what is refused writes nothing; what is published, others verify."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, REGISTRIES, Done, Server, call, image_file, public_key, registry_of, target, wasm_oci

PUBLISHED = os.environ["WASMSIGN2"]
POLICY = (EXAMPLE / "strict_security_policy_security_policy.json").absolute()
READS = {"GET", "HEAD"}


@pytest.fixture(params=REGISTRIES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with registry_of(request.param, tmp_path / "registry") as server:
        yield server


def publish(launcher: Path, registry: Server, *options: str) -> Done:
    return call(launcher, "--registry", registry.host, "--output", "json", *options)


def pull(reference: str, folder: Path, **key: object) -> Done:
    """Pulls with the strict policy and one trusted key, from a registry whose entry is known."""
    trusted, entries, output = folder / "trusted.json", folder / "registries.json", folder / "pulled.wasm"
    trusted.write_text(json.dumps({"keys": [key]}))
    entries.write_text(json.dumps({"registries": [f"localhost|{reference.partition('/')[0]}"]}))
    options = ("-o", output, "--trusted-keys", trusted, "--policy", POLICY, "--registry-config", entries, "--output", "json")
    return call(wasm_oci(), "pull", reference, *options)


DENIED = {
    "unsigned": ("component:hello-*", "it is not signed; sign it with oci_signing_keys"),
    "wrong_key": ("component:hello-*", "not with oci_signing_keys; sign it with oci_signing_keys"),
    "revoked": ("component:hello-*", "is revoked; name another key in place of release_key in the rule"),
}
"""Which target to the rule that denies it, and why."""


def test_what_is_denied_writes_nothing_and_the_right_key_is_published(registry: Server, tmp_path: Path) -> None:
    for case, (rule, words) in DENIED.items():
        for options in ((), ("--dry-run",)):
            refused = publish(target(f"publish_strict_{case}", Path("tests/integration")), registry, *options)
            assert refused.code == 3, refused.stderr
            assert rule in refused.stderr
            assert words in refused.stderr
            assert refused.json["error"]["reason"] == "signing"
            assert [verdict["decidedBy"]["rule"] for verdict in refused.json["verdicts"]] == [rule]
    assert {method for method, _path, _status in registry.requests()} <= READS

    done = publish(target("secure_publish_strict"), registry)
    assert done.code == 0, done.stderr
    assert done.json["digest"] == image_file("secure_publish_strict_image", "digest.txt").read_text().strip()
    name = "oci_signing_keys"
    pulled = pull(done.json["reference"], tmp_path, name=name, public_key_file=str(public_key()))
    assert pulled.code == 0, pulled.stderr
    wasm = tmp_path / "pulled.wasm"
    assert call(PUBLISHED, "verify", "-i", wasm, "-K", public_key()).code == 0
    other = public_key("oci_openssh_keys", "id_ed25519.pub")
    assert call(PUBLISHED, "verify", "-Z", "-i", wasm, "-K", other).code != 0
    wasm.unlink()

    wrong = pull(done.json["reference"], tmp_path, name=name, public_key_file=str(other))
    assert (wrong.code, wrong.json["error"]["reason"]) == (4, "no_trusted_key")
    revoked = pull(done.json["reference"], tmp_path, name=name, public_key_file=str(public_key()), revoked=True)
    assert (revoked.code, revoked.json["error"]["reason"]) == (4, "key_revoked")
    unnamed = pull(done.json["reference"], tmp_path, name="someone", public_key_file=str(public_key()))
    assert (unnamed.code, unnamed.json["error"]["reason"]) == (3, "signing")
    assert not wasm.exists()
