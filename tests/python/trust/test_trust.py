"""Which keys count when, thresholds, and the reason where too few do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.artifacts import key
from fakes.signing import K1, K2, KEY_ID_1, KEY_ID_2, M, detached, signed
from wasm_oci.errors import SignatureError, UsageError
from wasm_oci.keys.key import SecretKey
from wasm_oci.trust.trust import SignatureCount, Trust, TrustedKey, verify_trusted
from wasm_oci.wasmsign.verify import verify_file

K3 = key(3)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
BEFORE, AFTER = datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
ONE = TrustedKey(name="one", public=K1.public, not_before=FIRST, not_after=LAST)
TWO = TrustedKey(name="two", public=K2.public)
THREE = TrustedKey(name="three", public=K3.public)


def wasm(folder: Path, *keys: SecretKey) -> Path:
    path = folder / "m.wasm"
    path.write_bytes(signed(folder, M, *keys))
    return path


@pytest.mark.parametrize(
    ("at", "reason"),
    [(FIRST, None), (LAST, None), (None, None), (BEFORE, "key_not_yet_valid"), (AFTER, "key_expired")],
)
def test_a_key_counts_from_its_first_to_its_last_second(tmp_path: Path, at: datetime | None, reason: str | None) -> None:
    path = wasm(tmp_path, K1)
    trust = Trust.of_store([ONE], at=at)
    if reason is None:
        assert verify_trusted(path, trust).key == K1.public
        return
    with pytest.raises(SignatureError) as caught:
        verify_trusted(path, trust)
    assert caught.value.reason == reason


@pytest.mark.parametrize("at", [FIRST, AFTER, None])
def test_a_revoked_key_never_counts(tmp_path: Path, at: datetime | None) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_trusted(wasm(tmp_path, K1), Trust.of_store([replace(ONE, revoked=True)], at=at))
    assert caught.value.reason == "key_revoked"
    assert "key one is revoked; no other trusted key signed it; do not use it" in str(caught.value)


EXPIRED, EARLY = replace(TWO, not_after=BEFORE), replace(THREE, not_before=AFTER)


@pytest.mark.parametrize(
    ("store", "reason", "message"),
    [
        ([EXPIRED], "key_expired", "key two expired after 2025-12-31T23:59:59Z; no other trusted key signed it"),
        ([EARLY], "key_not_yet_valid", "key three is not valid before 2027-01-01T00:00:00Z; no other"),
        ([EARLY, EXPIRED], "key_expired", "key two expired after 2025-12-31T23:59:59Z, and key three is not valid before"),
        ([EARLY, EXPIRED, replace(ONE, revoked=True)], "key_revoked", "key one is revoked, and key two expired"),
    ],
)
def test_the_gravest_reason_is_the_errors(tmp_path: Path, store: list[TrustedKey], reason: str, message: str) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_trusted(wasm(tmp_path, K1, K2, K3), Trust.of_store(store, at=FIRST))
    assert caught.value.reason == reason
    assert message in str(caught.value)


def test_a_key_that_counts_is_enough_beside_others(tmp_path: Path) -> None:
    result = verify_trusted(wasm(tmp_path, K1, K2, K3), Trust.of_store([EXPIRED, EARLY, ONE], at=FIRST))
    assert (result.key, result.keys) == (K1.public, (K1.public,))


def test_reasons_of_the_file_come_before_those_of_keys(tmp_path: Path) -> None:
    path = wasm(tmp_path, K2)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SignatureError) as caught:
        verify_trusted(path, Trust.of_store([EXPIRED], at=FIRST))
    assert caught.value.reason == "content_changed"


def test_a_threshold_counts_different_keys(tmp_path: Path) -> None:
    path = wasm(tmp_path, K1, K2)
    assert verify_trusted(path, Trust.of_keys([K2.public, K1.public], threshold=2)).keys == (K2.public, K1.public)
    with pytest.raises(SignatureError) as caught:
        verify_trusted(path, Trust.of_keys([K1.public, K2.public, K3.public], threshold=3))
    assert caught.value.reason == "threshold"
    assert f"2 of the 3 required trusted keys signed it: {KEY_ID_1.hex()}, {KEY_ID_2.hex()}; have it" in str(caught.value)


def test_a_key_that_does_not_count_does_not_reach_a_threshold(tmp_path: Path) -> None:
    with pytest.raises(SignatureError) as caught:
        verify_trusted(wasm(tmp_path, K1, K2), Trust.of_store([ONE, EXPIRED], at=FIRST, threshold=2))
    assert caught.value.reason == "threshold"
    assert f"1 of the 2 required trusted keys signed it: one ({KEY_ID_1.hex()}); key two expired" in str(caught.value)


@pytest.mark.parametrize(
    ("threshold", "message"),
    [(0, "a threshold of 0 would trust anything"), (-1, "of -1 would"), (2, "of 2 is more than the number of different keys, which is 1")],
)
def test_impossible_thresholds(threshold: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Trust.of_keys([K1.public, K1.public], threshold=threshold)
    with pytest.raises(UsageError, match=message):
        Trust.of_store([ONE], at=None, threshold=threshold)


def test_signatures_are_counted_together(tmp_path: Path) -> None:
    plain, first = detached(tmp_path, M, K1)
    _, second = detached(tmp_path, M, K2)
    path = tmp_path / "m.wasm"
    path.write_bytes(plain)
    trust = Trust.of_keys([K1.public, K2.public], threshold=2)
    count = SignatureCount(trust)
    assert (count.empty, count.enough) == (True, False)
    count.add(verify_file(path, trust.ed25519_keys, signature=second))
    count.add(verify_file(path, trust.ed25519_keys, signature=second))
    assert (count.empty, count.enough) == (False, False)
    with pytest.raises(SignatureError, match="1 of the 2 required trusted keys"):
        count.result(where="m")
    count.add(verify_file(path, trust.ed25519_keys, signature=first))
    assert count.enough
    assert count.result(where="m").keys == (K1.public, K2.public)
