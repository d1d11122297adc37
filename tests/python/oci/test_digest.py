"""Digests: two algorithms are read, one is written, and nothing else is a digest."""

from __future__ import annotations

import hashlib
import io

import pytest

from wasm_oci.digest import Digest, checked, digest_of, is_of_other_algorithm
from wasm_oci.errors import DigestError, FormatError

DATA = b"content"
TEXTS = {"sha256": "sha256:" + hashlib.sha256(DATA).hexdigest(), "sha512": "sha512:" + hashlib.sha512(DATA).hexdigest()}


@pytest.mark.parametrize("algorithm", TEXTS)
def test_each_algorithm_checks_with_itself(algorithm: str) -> None:
    digest = Digest.parse(TEXTS[algorithm])
    assert (str(digest), digest.algorithm, f"{digest.algorithm}:{digest.hex}") == (TEXTS[algorithm], algorithm, TEXTS[algorithm])
    assert Digest.of(DATA, algorithm) == digest
    assert digest_of(io.BytesIO(DATA), algorithm) == (digest, len(DATA))
    assert (digest.is_of(DATA), digest.is_of(DATA + b"x")) == (True, False)
    assert b"".join(checked(iter((DATA[:3], DATA[3:])), digest, len(DATA), where="x")) == DATA
    with pytest.raises(DigestError, match=f"content has digest {algorithm}:"):
        list(checked(iter((DATA.upper(),)), digest, len(DATA), where="x"))


def test_sha256_is_what_is_written() -> None:
    assert str(Digest.of(DATA)) == TEXTS["sha256"]
    assert digest_of(io.BytesIO(DATA))[0] == Digest.of(DATA)


def test_digests_of_two_algorithms_contradict_nothing() -> None:
    one, two = map(Digest.parse, TEXTS.values())
    assert (one.contradicts(two), one.contradicts(one), one.contradicts(Digest.of(b"other"))) == (False, False, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "a" * 128,
        "sha512:" + "a" * 64,
        "sha512:" + "a" * 127,
        "sha512:" + "a" * 129,
        "sha512:" + "A" * 128,
        "sha512:" + "a" * 128 + "\n",
        "sha512-" + "a" * 128,
        "SHA512:" + "a" * 128,
        " sha512:" + "a" * 128,
        "sha384:" + "a" * 96,
        "sha512+b64:" + "a" * 128,
        "a" * 128,
        None,
        7,
        ["sha512:" + "a" * 128],
    ],
)
def test_what_is_not_a_digest(text: object) -> None:
    with pytest.raises(FormatError, match="is not a digest"):
        Digest.parse(text)


def test_what_is_a_digest_of_an_algorithm_that_is_not_read() -> None:
    for text in ("sha384:" + "a" * 96, "blake3:00", "sha512+b64:AA=="):
        assert is_of_other_algorithm(text)
    for other in (*TEXTS.values(), "sha512:aa", "sha256:", "text", None):
        assert not is_of_other_algorithm(other)
