"""A key that is somewhere else is asked once for each file: its owner may have to confirm every signature."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M_SIGNED, M_SIGNED_TWICE, PARTS, PARTS_SIGNED, M, signed
from fakes.wasm import custom
from wasm_oci.keys.key import PublicKey, SecretKey
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.verify import verify_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Holds a key, and keeps every message that it signs."""

    key: SecretKey
    messages: list[bytes] = field(default_factory=list)

    @property
    def public(self) -> PublicKey:
        return self.key.public

    def sign(self, message: bytes) -> bytes:
        self.messages.append(message)
        return self.key.sign(message)


CASES = {
    "a file that was never signed": M,
    "a file in parts": PARTS,
    "signed by the same key without a key id": M_SIGNED,
    "in parts, signed by the same key without a key id": PARTS_SIGNED,
    "signed by both keys": M_SIGNED_TWICE,
    "signed, and changed since": M_SIGNED + custom("later", b""),
    "in parts, signed, and changed since": PARTS_SIGNED + custom("later", b""),
    "signed, and signed once more behind that": M_SIGNED + custom("signature", b"stray"),
}


@pytest.mark.parametrize("with_key_id", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_every_key_is_asked_once(tmp_path: Path, case: str, with_key_id: bool) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(CASES[case])
    first, second = Agent(key=K1), Agent(key=K2)
    sign_file(source, output, first, key_id=first.public.key_id if with_key_id else None, further=[second])
    assert (len(first.messages), len(second.messages)) == (1, 1)
    assert verify_file(output, [K1.public, K2.public]).keys == (K1.public, K2.public)


@pytest.mark.parametrize("before", [[], [None], [KEY_ID_1], [None, KEY_ID_1]], ids=str)
def test_a_key_that_signed_before_is_asked_once(tmp_path: Path, before: list[bytes | None]) -> None:
    path = tmp_path / "in.wasm"
    path.write_bytes(signed(tmp_path, M, K2))
    for key_id in before:
        sign_file(path, path, K1, key_id=key_id, as_reference=True)
    agent = Agent(key=K1)
    sign_file(path, path, agent, key_id=KEY_ID_1)
    assert len(agent.messages) == 1


def test_a_detached_signature_asks_once(tmp_path: Path) -> None:
    source, output, signature = tmp_path / "in.wasm", tmp_path / "out.wasm", tmp_path / "out.sig"
    source.write_bytes(PARTS)
    agent = Agent(key=K1)
    sign_file(source, output, agent, key_id=None, signature_file=signature)
    assert len(agent.messages) == 1
    assert verify_file(output, [K1.public], signature=signature.read_bytes()).keys == (K1.public,)
