"""The payload of the signature section: strict, bounded, and read as the published program reads it where asked."""

from __future__ import annotations

import pytest

from fakes.signing import K1, KEY_ID_1, M_HASH, M_PAYLOAD, M_PAYLOAD_WITH_ID, padded
from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.varint import encode_u32
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes, parse_as_reference, parse_signature

HEAD = b"\x01\x01\x01"
RECORD = SignatureRecord(key_id=KEY_ID_1, signature=bytes(64))
HASHES = (bytes.fromhex(M_HASH),)


def sized(data: bytes) -> bytes:
    return encode_u32(len(data)) + data


def payload(*records: bytes, hashes: bytes = b"\x01" + bytes(32), tail: bytes = b"") -> bytes:
    """A payload of one set with these record bodies."""
    body = hashes + encode_u32(len(records)) + b"".join(sized(record) for record in records)
    return HEAD + b"\x01" + sized(body + tail)


def record(signature: bytes = bytes(64), key_id: bytes = b"", algorithm: int = 1, tail: bytes = b"") -> bytes:
    return sized(key_id) + bytes((algorithm,)) + sized(signature) + tail


@pytest.mark.parametrize("data", [M_PAYLOAD, M_PAYLOAD_WITH_ID])
def test_read_and_written_again(data: bytes) -> None:
    parsed = parse_signature(data)
    assert parsed.encode() == parse_as_reference(data).encode() == data
    assert [signed.hashes for signed in parsed.sets] == [HASHES]


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("value", [0, 2, 0x81, 0xFF])
def test_other_versions(position: int, value: int) -> None:
    data = bytearray(M_PAYLOAD)
    data[position] = value
    with pytest.raises(SignatureError, match="only 1 is known") as caught:
        parse_signature(bytes(data), where="x.sig")
    assert (caught.value.reason, caught.value.where) == ("unsupported_version", "x.sig")


MALFORMED = {
    "empty": b"",
    "cut in the head": HEAD[:2],
    "no sets": HEAD + b"\x00",
    "trailing byte": M_PAYLOAD + b"\x00",
    "trailing byte in a set": payload(record(), tail=b"x"),
    "trailing byte in a record": payload(record(tail=b"\x80")),
    "trailing byte after the number of certificates": payload(record(tail=b"\0x")),
    "padded number of certificates": payload(record(tail=b"\x80\0")),
    "no hashes": payload(record(), hashes=b"\x00"),
    "no signatures": payload(),
    "padded count": HEAD + padded(1, 2) + M_PAYLOAD[4:],
    "padded size": HEAD + b"\x01" + padded(len(M_PAYLOAD) - 5, 2) + M_PAYLOAD[5:],
    "short signature": payload(record(bytes(63))),
    "empty signature": payload(record(b"")),
    "65 sets": HEAD + encode_u32(65),
    "65 hashes": payload(record(), hashes=b"\x41" + bytes(32 * 65)),
    "257 signatures": payload(*[record()] * 257),
    "4 GiB record": HEAD + b"\x01" + sized(b"\x01" + bytes(32) + b"\x01\xff\xff\xff\xff\x0f"),
    "too large": M_PAYLOAD + bytes(LIMITS.signature_section),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str) -> None:
    with pytest.raises(SignatureError, match="the signature is malformed") as caught:
        parse_signature(MALFORMED[name], where="x.sig")
    assert (caught.value.reason, caught.value.where, caught.value.exit_code) == ("malformed_signature", "x.sig", 4)


def test_every_cut_is_refused() -> None:
    for end in range(len(M_PAYLOAD_WITH_ID)):
        with pytest.raises(SignatureError):
            parse_signature(M_PAYLOAD_WITH_ID[:end])


def test_limits_are_inclusive() -> None:
    parsed = parse_signature(payload(*[record()] * 256, hashes=b"\x40" + bytes(32 * 64)))
    assert len(parsed.records) == 256
    assert len(parsed.sets[0].hashes) == 64


def test_other_algorithms_are_kept_for_the_caller_to_judge() -> None:
    data = payload(record(b"abc", key_id=b"id", algorithm=2), record())
    parsed = parse_signature(data)
    assert parsed.encode() == data
    assert [(found.algorithm, found.key_id) for found in parsed.records] == [(2, b"id"), (1, b"")]
    assert [found.algorithm for found in parse_as_reference(payload(record(algorithm=2), record())).records] == [1]


def test_what_the_published_program_reads() -> None:
    assert parse_as_reference(M_PAYLOAD + b"tail") == parse_signature(M_PAYLOAD)
    assert parse_as_reference(HEAD + padded(1, 3) + M_PAYLOAD[4:]) == parse_signature(M_PAYLOAD)
    assert parse_as_reference(HEAD + b"\x00").records == ()
    assert parse_as_reference(payload(b"\x05", record(bytes(3)))).records == (SignatureRecord(key_id=b"", signature=bytes(3)),)
    assert parse_as_reference(b"\x01\x01\x02" + M_PAYLOAD[3:]).hash_function == 2


@pytest.mark.parametrize(
    "data", [b"", HEAD, b"\x02" + M_PAYLOAD[1:], b"\x01\x02\x01\x00", b"\x01\x01\x80\x00", HEAD + b"\x41", M_PAYLOAD[:-1]]
)
def test_what_the_published_program_cannot_read(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_as_reference(data)


def test_add_joins_the_set_of_the_same_hashes() -> None:
    data = SignatureData().add(HASHES, RECORD).add((bytes(32),), RECORD).add(HASHES, RECORD)
    assert [len(signed.signatures) for signed in data.sets] == [2, 1]
    assert parse_signature(data.encode()) == data


def test_add_refuses_what_no_reader_accepts() -> None:
    full = SignatureData(sets=(SignedHashes(hashes=HASHES, signatures=(RECORD,) * 256),))
    with pytest.raises(FormatError, match="257 signatures") as caught:
        full.add(HASHES, RECORD)
    assert caught.value.reason == "too_many_signatures"
    many = SignatureData(sets=tuple(SignedHashes(hashes=(bytes([n]) * 32,), signatures=(RECORD,)) for n in range(64)))
    with pytest.raises(FormatError, match="65 sets") as caught:
        many.add(HASHES, RECORD)
    assert caught.value.reason == "too_many_sets"


def test_no_signature_in_the_representation_of_a_key() -> None:
    assert K1.seed.hex() not in repr(RECORD)
