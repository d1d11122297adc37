"""Verification: one reason for each thing that can be wrong, and nothing accepted that was not signed as it is."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.signing import (
    C_SIGNED,
    K1,
    K2,
    KEY_ID_1,
    KEY_ID_2,
    M_PAYLOAD,
    M_SIGNED,
    M_SIGNED_TWICE,
    PARTS,
    PARTS_SIGNED,
    C,
    M,
    delimiter,
    detached,
    random_module,
    signed,
)
from fakes.wasm import MODULE, custom, section
from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey
from wasm_oci.wasm.sections import Kind
from wasm_oci.wasmsign.section import read_signature
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes, message
from wasm_oci.wasmsign.verify import VerifyResult, verify_file

Check = Callable[..., VerifyResult]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(data: bytes, *, signature: bytes | None = None, skip_unknown_algorithms: bool = False) -> VerifyResult:
        path = tmp_path / "checked.wasm"
        path.write_bytes(data)
        return verify_file(path, [K1.public], signature=signature, skip_unknown_algorithms=skip_unknown_algorithms)

    return run


def reason_of(check: Check, data: bytes, signature: bytes | None = None) -> str:
    with pytest.raises(SignatureError) as caught:
        check(data, signature=signature)
    assert caught.value.exit_code == 4
    assert str(caught.value)
    return caught.value.reason


def by_k1(*hashes: bytes, extra: tuple[SignatureRecord, ...] = ()) -> SignatureData:
    record = SignatureRecord(key_id=KEY_ID_1, signature=K1.sign(message(hashes)))
    return SignatureData(sets=(SignedHashes(hashes=hashes, signatures=(*extra, record)),))


def embed(data: SignatureData, rest: bytes) -> bytes:
    return MODULE + custom("signature", data.encode()) + rest


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_result(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(signed(tmp_path, C, K2, K1))
    result = verify_file(path, [K1.public, K2.public, K1.public])
    assert (result.key, result.keys, result.kind) == (K1.public, (K1.public, K2.public), Kind.COMPONENT)
    assert result.key_ids_seen == (KEY_ID_2.hex(), KEY_ID_1.hex())
    assert (result.module_hash, result.detached) == (sha(C[8:]).hex(), False)


def test_a_key_among_many(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M_SIGNED_TWICE)
    assert verify_file(path, [K2.public]).key == K2.public


def test_no_key_at_all(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M_SIGNED)
    with pytest.raises(UsageError, match="no public key"):
        verify_file(path, [])


REASONS = {
    "unsigned": (M, "unsigned"),
    "empty module": (MODULE, "unsigned"),
    "signature not first": (M + custom("signature", M_PAYLOAD), "unsigned"),
    "other preamble": (M_SIGNED[:4] + b"\x02" + M_SIGNED[5:], "malformed_module"),
    "not wasm": (b"<html>not here</html>", "malformed_module"),
    "empty file": (b"", "malformed_module"),
    "cut off": (M_SIGNED[:-1], "malformed_module"),
    "cut off after the signature": (M_SIGNED[: -len(M) + 8], "content_changed"),
    "cut off in the signature": (M_SIGNED[:60], "malformed_module"),
    "section added": (M_SIGNED + section(1, b""), "content_changed"),
    "rubbish added": (M_SIGNED + b"\x01\x05", "malformed_module"),
    "content changed": (M_SIGNED[:-1] + b"x", "content_changed"),
    "left-over byte": (MODULE + custom("signature", M_PAYLOAD + b"x") + M[8:], "malformed_signature"),
    "signature too large": (MODULE + custom("signature", bytes(5 << 20)) + M[8:], "malformed_signature"),
    "second signature section": (embed(by_k1(sha(custom("signature", b""))), custom("signature", b"")), "malformed_signature"),
    "unknown version": (MODULE + custom("signature", b"\x02" + M_PAYLOAD[1:]), "unsupported_version"),
    "signature changed": (M_SIGNED.replace(b"\xf4\xac\xa7", b"\xf4\xac\xa8"), "no_trusted_key"),
    "hash changed": (embed(by_k1(sha(M[8:])), M[8:]).replace(sha(M[8:]), bytes(32)), "bad_signature"),
}


@pytest.mark.parametrize("name", REASONS)
def test_reasons(check: Check, name: str) -> None:
    data, reason = REASONS[name]
    assert reason_of(check, data) == reason


def test_no_trusted_key_names_seen_and_expected(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(signed(tmp_path, M, K2))
    with pytest.raises(SignatureError) as caught:
        verify_file(path, [K1.public])
    assert caught.value.reason == "no_trusted_key"
    assert KEY_ID_1.hex() in str(caught.value)
    assert KEY_ID_2.hex() in str(caught.value)


def test_unreadable_files_do_not_verify(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.wasm", tmp_path):
        with pytest.raises(SignatureError) as caught:
            verify_file(path, [K1.public])
        assert (caught.value.reason, caught.value.where) == ("malformed_module", str(path))


@pytest.mark.parametrize("data", [M_SIGNED, C_SIGNED, PARTS_SIGNED], ids=["module", "component", "parts"])
def test_every_flipped_bit_and_every_cut_is_refused(check: Check, data: bytes) -> None:
    assert check(data).key == K1.public
    for index in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[index] ^= 1 << bit
            reason = reason_of(check, bytes(flipped))
            assert index >= 8 or reason == "malformed_module"
        assert reason_of(check, data[:index])


def test_every_flipped_bit_with_a_detached_signature(check: Check, tmp_path: Path) -> None:
    plain, signature = detached(tmp_path, PARTS, K1)
    assert check(plain, signature=signature).detached
    for index in range(len(plain)):
        flipped = bytearray(plain)
        flipped[index] ^= 0x10
        assert reason_of(check, bytes(flipped), signature)
        assert reason_of(check, plain[:index], signature)
    for index in range(len(signature)):
        flipped = bytearray(signature)
        flipped[index] ^= 0x10
        assert reason_of(check, plain, bytes(flipped))
        assert reason_of(check, plain, signature[:index]) in ("malformed_signature", "unsupported_version")


def test_a_flipped_byte_in_random_files(check: Check, tmp_path: Path) -> None:
    rng = random.Random(3)
    for _ in range(40):
        data = bytearray(signed(tmp_path, random_module(rng, rng.randrange(1, 20)), K1))
        data[rng.randrange(8, len(data))] ^= 1 << rng.randrange(8)
        assert reason_of(check, bytes(data))


def test_cut_off_after_a_delimiter(check: Check) -> None:
    first_part = len(PARTS_SIGNED) - 51
    assert PARTS_SIGNED[:first_part].endswith(bytes(range(0x10, 0x20)))
    with pytest.raises(SignatureError, match="parts of what was signed are missing") as caught:
        check(PARTS_SIGNED[:first_part])
    assert caught.value.reason == "content_changed"


def test_hashes_must_fit_the_parts(check: Check) -> None:
    whole, first = sha(PARTS[8:]), sha(PARTS[8:-51])
    assert check(embed(by_k1(first, whole), PARTS[8:])).key == K1.public
    for hashes in ((whole,), (whole, first), (first,), (first, whole, whole), (whole, whole), (first, first)):
        assert reason_of(check, embed(by_k1(*hashes), PARTS[8:])) == "content_changed"
    assert reason_of(check, embed(by_k1(sha(M[8:]), sha(M[8:])), M[8:])) == "content_changed"


def test_more_parts_than_any_signature_can_name(check: Check) -> None:
    rest = delimiter(b"x") * 70
    hashes = [sha(rest[: len(rest) // 70 * count]) for count in range(1, 71)]
    assert reason_of(check, embed(by_k1(*hashes[:64]), rest)) == "content_changed"
    assert reason_of(check, embed(by_k1(*hashes[6:]), rest)) == "content_changed"


def test_a_valid_set_beside_a_stale_one(check: Check, tmp_path: Path) -> None:
    data = signed(tmp_path, signed(tmp_path, M, K1) + section(1, b"more"), K2)
    assert reason_of(check, data) == "content_changed"
    assert check(signed(tmp_path, data, K1)).key == K1.public


def test_the_id_of_a_trusted_key_is_not_enough(check: Check, tmp_path: Path) -> None:
    forged = signed(tmp_path, M, K2).replace(KEY_ID_2, KEY_ID_1)
    with pytest.raises(SignatureError, match=f"the signature with key id {KEY_ID_1.hex()} does not verify with that key") as caught:
        check(forged)
    assert caught.value.reason == "bad_signature"


@pytest.mark.parametrize("at", [0, 31, 32, 63])
def test_a_flipped_byte_in_a_signature_is_no_change_of_the_content(check: Check, tmp_path: Path, at: int) -> None:
    data = bytearray(signed(tmp_path, M, K1))
    data[data.index(KEY_ID_1) + len(KEY_ID_1) + 2 + at] ^= 1
    with pytest.raises(SignatureError, match=f"key id {KEY_ID_1.hex()} does not verify with that key: it was changed") as caught:
        check(bytes(data))
    assert caught.value.reason == "bad_signature"


def test_other_algorithms(check: Check) -> None:
    other = SignatureRecord(key_id=b"", signature=bytes(70), algorithm=7)
    data = embed(by_k1(sha(M[8:]), extra=(other,)), M[8:])
    assert reason_of(check, data) == "unsupported_version"
    assert check(data, skip_unknown_algorithms=True).key == K1.public


def test_detached_signature_over_an_embedded_one(check: Check, tmp_path: Path) -> None:
    signature = by_k1(sha(M_SIGNED[8:])).encode()
    assert check(M_SIGNED, signature=signature).detached
    assert reason_of(check, M_SIGNED, detached(tmp_path, M, K1)[1]) == "content_changed"
    assert reason_of(check, M, b"") == "malformed_signature"


def test_padded_content_is_hashed_as_it_is(check: Check) -> None:
    rest = b"\x01\x83\x80\x00abc"
    assert check(embed(by_k1(sha(rest)), rest)).key == K1.public
    assert reason_of(check, embed(by_k1(sha(section(1, b"abc"))), rest)) == "content_changed"


def test_read_signature(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(M)
    assert read_signature(path) is None
    path.write_bytes(M_SIGNED_TWICE)
    data = read_signature(path)
    assert data is not None
    assert [record.key_id for record in data.records] == [b"", KEY_ID_2]
    path.write_bytes(b"no")
    with pytest.raises(FormatError):
        read_signature(path)
    path.write_bytes(MODULE + custom("signature", b"\x01"))
    with pytest.raises(SignatureError):
        read_signature(path)


def test_the_work_of_verifying_is_bounded(check: Check) -> None:
    def of(count: int) -> bytes:
        records = (SignatureRecord(key_id=b"", signature=bytes(64)),) * 256
        sets = tuple(SignedHashes(hashes=(bytes([index]) * 32,), signatures=records) for index in range(count))
        return embed(SignatureData(sets=sets), M[8:])

    assert reason_of(check, of(16)) == "no_trusted_key"
    assert reason_of(check, of(17)) == "malformed_signature"


def test_of_many_keys_only_those_with_the_id_are_made_ready(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of a thousand keys costs a file no thousand key objects."""
    made: list[bytes] = []
    ready = ed25519.verifier

    def counted(public: bytes) -> Callable[[bytes, bytes], bool]:
        made.append(public)
        return ready(public)

    monkeypatch.setattr(ed25519, "verifier", counted)
    path = tmp_path / "m.wasm"
    path.write_bytes(signed(tmp_path, M, K1))
    others = [PublicKey(raw=number.to_bytes(32, "big")) for number in range(2, 52)]
    assert verify_file(path, [*others, K1.public]).key == K1.public
    assert made == [K1.public.raw]
    path.write_bytes(signed(tmp_path, M, K1, key_id=False))
    assert verify_file(path, [*others, K1.public]).key == K1.public
    assert len(made) == 1 + len(others) + 1
