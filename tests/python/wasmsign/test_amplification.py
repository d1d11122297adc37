"""However many signatures are brought to a file, it is hashed once, and its sections are listed once for the errors."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M_PAYLOAD, M_SIGNED, PARTS, M, detached
from fakes.wasm import custom
from wasm_oci.errors import SignatureError
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign import verify
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes, message
from wasm_oci.wasmsign.verify import FileVerifier

Calls = dict[str, int]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """How often content was read, and its places looked for."""
    counted: Calls = {}

    def count(name: str) -> None:
        original: Callable[..., Any] = getattr(verify, name)

        def counts(*args: object) -> object:
            counted[name] = counted.get(name, 0) + 1
            return original(*args)

        monkeypatch.setattr(verify, name, counts)

    for name in ("read_parts", "places_of"):
        count(name)
    return counted


def of_other_content(number: int) -> bytes:
    hashes = tuple(bytes([part, number]) * 16 for part in range(2))
    record = SignatureRecord(key_id=KEY_ID_1, signature=K1.sign(message(hashes)))
    return SignatureData(sets=(SignedHashes(hashes=hashes, signatures=(record,)),)).encode()


def test_one_genuine_signature_many_times(tmp_path: Path, calls: Calls) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M)
    verifier = FileVerifier(path)
    for _ in range(LIMITS.signatures):
        assert verifier.verify([K1.public, K2.public], signature=M_PAYLOAD).keys == (K1.public,)
    assert calls == {"read_parts": 1}


def test_embedded_and_detached_signatures_are_about_different_bytes(tmp_path: Path, calls: Calls) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M_SIGNED)
    verifier = FileVerifier(path)
    embedded = [verifier.verify([K1.public]) for _ in range(3)]
    with pytest.raises(SignatureError, match="not what was signed"):
        verifier.verify([K1.public], signature=M_PAYLOAD)
    assert len(set(embedded)) == 1
    assert calls == {"read_parts": 2}


def test_many_signatures_of_other_content(tmp_path: Path, calls: Calls) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(PARTS)
    verifier = FileVerifier(path)
    for number in range(20):
        with pytest.raises(SignatureError, match="changed: it is not what was signed") as caught:
            verifier.verify([K1.public], signature=of_other_content(number))
        assert caught.value.reason == "content_changed"
    assert calls == {"read_parts": 1, "places_of": 1}


def test_content_that_cannot_be_verified_is_read_once_too(tmp_path: Path, calls: Calls) -> None:
    path = tmp_path / "m.wasm"
    for data, reason in ((M + custom("signature", b""), "malformed_signature"), (M[:-1], "malformed_module")):
        calls.clear()
        path.write_bytes(data)
        verifier = FileVerifier(path)
        for _ in range(5):
            with pytest.raises(SignatureError) as caught:
                verifier.verify([K1.public], signature=M_PAYLOAD)
            assert (caught.value.reason, caught.value.where) == (reason, str(path))
            caught.value.where = "a caller's own"
        assert calls == {"read_parts": 1}


def test_another_file_of_that_name_is_read_again(tmp_path: Path, calls: Calls) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M)
    verifier = FileVerifier(path)
    verifier.verify([K1.public], signature=M_PAYLOAD)
    (tmp_path / "new").write_bytes(M[:-1] + b"\0")
    os.replace(tmp_path / "new", path)  # noqa: PTH105 - what programs do
    with pytest.raises(SignatureError, match="not what was signed"):
        verifier.verify([K1.public], signature=M_PAYLOAD)
    assert calls == {"read_parts": 2}


def test_all_signatures_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LIMITS", replace(LIMITS, all_verifications=10))
    wasm, payload = detached(tmp_path, M, K1)
    path = tmp_path / "m.wasm"
    path.write_bytes(wasm)
    verifier = FileVerifier(path)
    for _ in range(10):
        verifier.verify([K1.public], signature=payload)
    with pytest.raises(SignatureError, match="more than 10 signatures may be of the given keys"):
        verifier.verify([K1.public], signature=payload)
