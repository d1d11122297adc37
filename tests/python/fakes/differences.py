"""Where our `wasmsign2` differs from the published one on purpose: what that one does, and what ours does instead.

The published program's side was recorded from 0.2.8, and tests/interop runs it again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from fakes.signing import K1, K2, M_PAYLOAD, M_SIGNED, PARTS, PARTS_SIGNED, M, delimiter, padded
from fakes.wasm import MODULE, custom, section
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes, message

Result = tuple[int, str, str]
"""Exit code, stdout and stderr."""

VALID: Result = (0, "Signature is valid.\n", "")
NOT_VALID: Result = (1, "", "No valid signatures\n")
NOT_IN_PART: Result = (1, "", "No valid signatures for the given predicates\n")
NO_KEY: Result = (0, "No valid public keys found\n", "")
MATRIX: Result = (0, f'Valid public keys:\n  - PublicKey {{ [{K1.public.raw.hex()}] - key_id: Some("[{K1.public.key_id.hex()}]") }}\n', "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One command, and what becomes of it."""

    arguments: str
    files: dict[str, bytes]
    published: Result
    ours: Result
    """Where stderr ends in `...`, only its beginning is compared."""
    reason: str
    """What `error.reason` of `wasm_oci` says of the same."""
    written: dict[str, bytes] = field(default_factory=dict)
    """What the published program writes, with `D` for the bytes of new delimiters."""


def by_k1(*hashes: bytes) -> SignedHashes:
    record = SignatureRecord(key_id=b"", signature=K1.sign(message(hashes)))
    return SignedHashes(hashes=hashes, signatures=(record,))


def embedded(payload: bytes, content: bytes) -> bytes:
    return MODULE + custom("signature", payload) + content


def payload(*sets: SignedHashes) -> bytes:
    return SignatureData(sets=sets).encode()


def rolling(*parts: bytes) -> tuple[bytes, ...]:
    return tuple(sha256(b"".join(parts[: count + 1])).digest() for count in range(len(parts)))


def shown(title: str, *names: str) -> Result:
    lines = "".join(f"{index}:\t{name}\n" for index, name in enumerate(names))
    return 0, f"* {title} module structure:\n\n{lines}", ""


TYPE, NAME, OTHER = section(1, b"\x01\x60\0\0"), custom("name", b"\0\4\3foo"), custom("other", b"o")
D1, D2 = delimiter(b"1" * 16), delimiter(b"2" * 16)
CUT_OFF = PARTS_SIGNED[:-51]
PARTS_PAYLOAD = PARTS_SIGNED[21 : 8 - len(PARTS)]
TAMPERED = M_SIGNED.replace(b"foo", b"bar")
LEFT_OVER = embedded(M_PAYLOAD + b"x", M[8:])
PADDED_COUNT = embedded(M_PAYLOAD[:3] + padded(1, 2) + M_PAYLOAD[4:], M[8:])
EMPTY_SET = embedded(payload(SignedHashes(hashes=(), signatures=()), by_k1(sha256(M[8:]).digest())), M[8:])
SECOND = embedded(payload(by_k1(sha256(custom("signature", b"") + M[8:]).digest())), custom("signature", b"") + M[8:])
UNREADABLE = embedded(payload(by_k1(sha256(b"\x01\x05").digest())), b"\x01\x05")
EXCHANGED = embedded(payload(by_k1(*reversed(rolling(TYPE + D1, NAME + D2)))), TYPE + D1 + NAME + D2)
TWO_SETS = embedded(payload(by_k1(rolling(TYPE + D1)[0]), by_k1(bytes(32), rolling(TYPE + D1, NAME + D2)[1])), TYPE + D1 + NAME + D2)
LONG_HEADER = embedded(payload(by_k1(*rolling(TYPE + D1))), b"\x01" + padded(4, 2) + TYPE[2:] + D1)
ONLY_OTHER = embedded(payload(by_k1(*rolling(NAME + D1))), NAME + D1)
M_HASH = sha256(M[8:]).digest()
BY_K2 = SignatureRecord(key_id=b"", signature=K2.sign(message((M_HASH,))))
BY_K2_WITH_ID_1 = SignatureRecord(key_id=K1.public.key_id, signature=BY_K2.signature)
FULL = tuple(SignatureRecord(key_id=bytes((number,)), signature=bytes(64)) for number in range(256))
FULL_SETS = tuple(SignedHashes(hashes=(bytes((number,)) * 32,), signatures=FULL[:1]) for number in range(64))
STRAY = custom("signature", b"stray")
MANY = b"".join(delimiter(bytes((number,))) for number in range(65))
MANY_HASHES = rolling(*(delimiter(bytes((number,))) for number in range(65)))


def of_m(*records: SignatureRecord) -> SignedHashes:
    return SignedHashes(hashes=(M_HASH,), signatures=records)


def signed_once_more(*sets: SignedHashes) -> bytes:
    """Returns what the published program writes when K1 signs M after these sets."""
    (record,) = by_k1(M_HASH).signatures
    if sets and sets[-1].hashes == (M_HASH,):
        return payload(*sets[:-1], of_m(*sets[-1].signatures, record))
    return payload(*sets, of_m(record))


SIGN, SIGN_2 = "sign -i x -o out -k k1", "sign -i x -o out -k k2"
SIGNATURE, SHOWN_M, SHOWN_D = (
    "custom section: [signature]",
    ("types section", "custom section: [name]"),
    "custom section: [signature_delimiter]",
)
SIGNED_RESULT = shown("Signed", SIGNATURE, *SHOWN_M)
VERIFY, PART, MATRIX_OF = "verify -i x -K p1", "verify -i x -K p1 -s name", "verify_matrix -i x -K p1 p2"
DETACHED = VERIFY + " -S sig"

NO_RECORD, NO_HASHES = SignedHashes(hashes=(M_HASH,), signatures=()), SignedHashes(hashes=(), signatures=(BY_K2,))
UNKNOWN = SignatureRecord(key_id=b"", signature=bytes(9), algorithm=2)
SHORT = SignatureRecord(key_id=b"", signature=bytes(63))
_ALREADY: dict[str, tuple[bytes, tuple[SignedHashes, ...], str]] = {
    "no set": (payload(), (), "malformed_signature"),
    "a set without hashes": (payload(NO_HASHES), (NO_HASHES,), "malformed_signature"),
    "a set without records": (payload(NO_RECORD), (NO_RECORD,), "malformed_signature"),
    "a record that cannot be read": (
        payload(of_m(SignatureRecord(key_id=b"", signature=b""))).replace(b"\x03\x00\x01\x00", b"\x03\x09\x01\x00"),
        (NO_RECORD,),
        "malformed_signature",
    ),
    "a record of an unknown algorithm": (payload(of_m(UNKNOWN)), (NO_RECORD,), "unsupported_version"),
    "a signature of 63 bytes": (payload(of_m(SHORT)), (of_m(SHORT),), "malformed_signature"),
    "bytes left over": (payload(of_m(BY_K2)) + b"x", (of_m(BY_K2),), "malformed_signature"),
}
"""Payloads of signed files, the sets that the published program keeps of them when it signs once more, and our reason."""

_VERIFIED: dict[str, tuple[str, dict[str, bytes], Result, Result, str]] = {
    "cut off after a delimiter": (VERIFY, {"x": CUT_OFF}, VALID, NOT_VALID, "content_changed"),
    "cut off after a delimiter, detached": (DETACHED, {"x": PARTS[:-51], "sig": PARTS_PAYLOAD}, VALID, NOT_VALID, "content_changed"),
    "cut off after a delimiter, in part": (PART, {"x": CUT_OFF}, VALID, NOT_IN_PART, "content_changed"),
    "cut off after a delimiter, many keys": (MATRIX_OF, {"x": CUT_OFF}, MATRIX, NO_KEY, "content_changed"),
    "hashes in another order": (PART, {"x": EXCHANGED}, VALID, NOT_IN_PART, "content_changed"),
    "hashes of two sets": (PART, {"x": TWO_SETS}, VALID, NOT_IN_PART, "content_changed"),
    "bytes left over in the signature": (VERIFY, {"x": LEFT_OVER}, VALID, NOT_VALID, "malformed_signature"),
    "bytes left over in the signature, many keys": (MATRIX_OF, {"x": LEFT_OVER}, MATRIX, NOT_VALID, "malformed_signature"),
    "bytes left over in the signature, detached": (DETACHED, {"x": M, "sig": M_PAYLOAD + b"x"}, VALID, NOT_VALID, "malformed_signature"),
    "a padded number in the signature": (VERIFY, {"x": PADDED_COUNT}, VALID, NOT_VALID, "malformed_signature"),
    "a set without hashes": (VERIFY, {"x": EMPTY_SET}, VALID, NOT_VALID, "malformed_signature"),
    "a second signature section": (VERIFY, {"x": SECOND}, VALID, NOT_VALID, "malformed_signature"),
    "content that is malformed": (VERIFY, {"x": UNREADABLE}, VALID, NOT_VALID, "malformed_module"),
    "no delimiter, in part": (PART, {"x": TAMPERED}, VALID, NOT_IN_PART, "not_split"),
    "no delimiter, in part, unchanged": (PART, {"x": M_SIGNED}, VALID, NOT_IN_PART, "not_split"),
    "no delimiter, in part, detached": (
        DETACHED + " -s .",
        {"x": M.replace(b"foo", b"bar"), "sig": M_PAYLOAD},
        VALID,
        NOT_IN_PART,
        "not_split",
    ),
    "no delimiter, many keys": (MATRIX_OF, {"x": TAMPERED}, MATRIX, NO_KEY, "content_changed"),
    "no delimiter, many keys, in part": (MATRIX_OF + " -s .", {"x": TAMPERED}, MATRIX, NOT_IN_PART, "not_split"),
    "content after the last delimiter, in part": (PART, {"x": PARTS_SIGNED + TYPE}, VALID, NOT_IN_PART, "content_changed"),
    "content after the last delimiter, many keys": (MATRIX_OF, {"x": PARTS_SIGNED + OTHER}, MATRIX, NO_KEY, "content_changed"),
    "one more part that does not match": (PART, {"x": PARTS_SIGNED + OTHER + D1}, VALID, NOT_IN_PART, "content_changed"),
    "no part that matches": (VERIFY + " -s other", {"x": ONLY_OTHER}, VALID, NOT_IN_PART, "not_split"),
    "a padded header, in part": (PART, {"x": LONG_HEADER}, VALID, NOT_IN_PART, "content_changed"),
    "a padded header, many keys": (MATRIX_OF, {"x": LONG_HEADER}, MATRIX, NO_KEY, "content_changed"),
}

DIFFERENCES = {
    **{
        name: Difference(arguments=arguments, files=files, published=published, ours=ours, reason=reason)
        for name, (arguments, files, published, ours, reason) in _VERIFIED.items()
    },
    **{
        f"signing a file with {name} in its signature": Difference(
            arguments=SIGN,
            files={"x": embedded(before, M[8:])},
            published=SIGNED_RESULT,
            ours=(1, "", "Parse error\n"),
            reason=reason,
            written={"out": embedded(signed_once_more(*kept), M[8:])},
        )
        for name, (before, kept, reason) in _ALREADY.items()
    },
    "-K of another pair": Difference(
        arguments=SIGN_2 + " -K p1",
        files={"x": M},
        published=SIGNED_RESULT,
        ours=(1, "", f"Usage error: p1: the public key {K1.public.key_id.hex()} does not belong to the secret key..."),
        reason="key_mismatch",
        written={"out": embedded(payload(of_m(BY_K2_WITH_ID_1)), M[8:])},
    ),
    "more delimiters than can be read back": Difference(
        arguments=SIGN,
        files={"x": MODULE + MANY},
        published=shown("Signed", SIGNATURE, *(SHOWN_D,) * 65),
        ours=(1, "", "Too many hashes (max: 64)\n"),
        reason="too_many_hashes",
        written={"out": embedded(payload(by_k1(*MANY_HASHES)), MANY)},
    ),
    "more signatures than can be read back": Difference(
        arguments=SIGN_2,
        files={"x": embedded(payload(of_m(*FULL)), M[8:])},
        published=SIGNED_RESULT,
        ours=(1, "", "Too many signatures (max: 256)\n"),
        reason="too_many_signatures",
        written={"out": embedded(payload(of_m(*FULL, BY_K2)), M[8:])},
    ),
    "more sets than can be read back": Difference(
        arguments=SIGN_2,
        files={"x": embedded(payload(*FULL_SETS), M[8:])},
        published=SIGNED_RESULT,
        ours=(1, "", "Too many hashes (max: 64)\n"),
        reason="too_many_sets",
        written={"out": embedded(payload(*FULL_SETS, of_m(BY_K2)), M[8:])},
    ),
    "a detached signature of a signed file": Difference(
        arguments=SIGN_2 + " -S out.sig",
        files={"x": M_SIGNED},
        published=SIGNED_RESULT,
        ours=(1, "", "Signature already attached\n"),
        reason="signed",
        written={"out": M_SIGNED, "out.sig": payload(of_m(*by_k1(M_HASH).signatures, BY_K2))},
    ),
    "splitting a signed file": Difference(
        arguments="split -i x -o out -s zzz",
        files={"x": M_SIGNED},
        published=(0, shown("Split", SIGNATURE, SHOWN_M[0], SHOWN_D, SHOWN_M[1], SHOWN_D)[1], "Module is already signed\n"),
        ours=(1, "", "Usage error: x: the file is signed, and its signatures would not fit once it is split; ..."),
        reason="would_not_fit",
        written={"out": M_SIGNED[: -len(M) + 8] + M[8:14] + delimiter(b"D" * 16) + M[14:] + delimiter(b"D" * 16)},
    ),
    "splitting a file with a signature that is not first": Difference(
        arguments="split -i x -o out -s zzz",
        files={"x": MODULE + TYPE + D1 + STRAY + NAME},
        published=(0, shown("Split", SHOWN_M[0], SHOWN_D, SIGNATURE, SHOWN_M[1], SHOWN_D)[1], "Module is already signed\n"),
        ours=(1, "", "Usage error: x: the file is signed, and its signatures would not fit once it is split; ..."),
        reason="would_not_fit",
        written={"out": MODULE + TYPE + D1 + STRAY + NAME + delimiter(b"D" * 16)},
    ),
    "splitting into more parts than can be read back": Difference(
        arguments="split -i x -o out",
        files={"x": MODULE + MANY + TYPE},
        published=shown("Split", *(SHOWN_D,) * 65, "types section", SHOWN_D),
        ours=(1, "", "Too many hashes (max: 64)\n"),
        reason="too_many_hashes",
        written={"out": MODULE + MANY + TYPE + delimiter(b"D" * 16)},
    ),
    "attaching what is no signature": Difference(
        arguments="attach -i x -o out -S sig",
        files={"x": M, "sig": b"junk"},
        published=(0, "Signature is now embedded as a custom section.\n", ""),
        ours=(1, "", "Parse error\n"),
        reason="malformed_signature",
        written={"out": embedded(b"junk", M[8:])},
    ),
    "attaching nothing": Difference(
        arguments="attach -i x -o out -S sig",
        files={"x": M, "sig": b""},
        published=(0, "Signature is now embedded as a custom section.\n", ""),
        ours=(1, "", "Parse error\n"),
        reason="malformed_signature",
        written={"out": embedded(b"", M[8:])},
    ),
    "attaching the signature of another file": Difference(
        arguments="attach -i x -o out -S sig",
        files={"x": PARTS, "sig": M_PAYLOAD},
        published=(0, "Signature is now embedded as a custom section.\n", ""),
        ours=(1, "", "Usage error: x: the signature is not of this file; ..."),
        reason="unfit",
        written={"out": embedded(M_PAYLOAD, PARTS[8:])},
    ),
    "detaching what is no signature": Difference(
        arguments="detach -i x -o out -S out.sig",
        files={"x": embedded(b"junk", M[8:])},
        published=(0, "Signature is now detached.\n", ""),
        ours=(1, "", "Parse error\n"),
        reason="malformed_signature",
        written={"out": M, "out.sig": b"junk"},
    ),
    "detaching an empty signature": Difference(
        arguments="detach -i x -o out -S out.sig",
        files={"x": embedded(b"", M[8:])},
        published=(0, "Signature is now detached.\n", ""),
        ours=(1, "", "Parse error\n"),
        reason="malformed_signature",
        written={"out": M, "out.sig": b""},
    ),
    "detaching one of two signatures": Difference(
        arguments="detach -i x -o out -S out.sig",
        files={"x": M_SIGNED + STRAY},
        published=(0, "Signature is now detached.\n", ""),
        ours=(1, "", "Parse error\n"),
        reason="malformed_signature",
        written={"out": M + STRAY, "out.sig": M_PAYLOAD},
    ),
}
KEYS = {"k1": K1.compact(), "p1": K1.public.compact(), "k2": K2.compact(), "p2": K2.public.compact()}
"""The key files of all of these commands."""


def same(expected: Result, found: Result) -> bool:
    """Tells whether a result is the expected one."""
    if expected[2].endswith("..."):
        return found[:2] == expected[:2] and found[2].startswith(expected[2][:-3])
    return found == expected


def without_delimiters(data: bytes) -> bytes:
    """Returns a file with `D` for all bytes of delimiters of 16 bytes."""
    return re.sub(rb"\x00\x24\x13signature_delimiter.{16}", delimiter(b"D" * 16), data, flags=re.DOTALL)
