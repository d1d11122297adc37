"""Commands of `wasmsign2` and what the published program, 0.2.8, answered; tests/interop asks it again."""

from __future__ import annotations

from fakes.differences import MATRIX, NO_KEY, NOT_IN_PART, NOT_VALID, VALID, Result
from fakes.signing import K1, K2, M_PAYLOAD, M_SIGNED, M_SIGNED_TWICE, PARTS, PARTS_SIGNED, M
from fakes.wasm import MODULE, custom
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes

BOTH = (
    "Valid public keys:\n"
    f'  - PublicKey {{ [{K2.public.raw.hex()}] - key_id: Some("[{K2.public.key_id.hex()}]") }}\n'
    f'  - PublicKey {{ [{K1.public.raw.hex()}] - key_id: Some("[{K1.public.key_id.hex()}]") }}\n'
)
SHORT = SignatureData(sets=(SignedHashes(hashes=(bytes(32),), signatures=(SignatureRecord(key_id=b"", signature=bytes(5)),)),)).encode()
FILES = {
    "m": M,
    "empty.wasm": MODULE,
    "signed": M_SIGNED,
    "twice": M_SIGNED_TWICE,
    "parts": PARTS_SIGNED,
    "plain": PARTS,
    "plain.sig": PARTS_SIGNED[21 : 8 - len(PARTS)],
    "other": PARTS_SIGNED.replace(b"\3foo", b"\3bar"),
    "short": MODULE + custom("signature", SHORT) + M[8:],
    "unreadable": PARTS_SIGNED + b"\x01\x05",
    "text": b"no wasm at all",
    "sig": M_PAYLOAD,
    "k1": K1.compact(),
    "p1": K1.public.compact(),
    "p2": K2.public.compact(),
    "p.ssh": b"# x\nssh-ed25519 AAAA\n" + K2.public.openssh() + K1.public.openssh() + K2.public.openssh(),
    "none.ssh": b"ssh-rsa AAAA nobody\n",
}


def refused(text: str) -> Result:
    return 1, "", f"{text}\n"


VERIFIED = {
    "verify -i parts -K p1 -s name": VALID,
    "verify -i parts -K p1 -s ^none$": VALID,
    "verify -i parts -K p1 --split=": VALID,
    "verify -i plain -S plain.sig -K p1 -sname": VALID,
    "verify -i other -K p1 -s ^none$": VALID,
    "verify -i other -K p1 -s name": NOT_IN_PART,
    "verify -i parts -K p2 -s name": NOT_VALID,
    "verify -i m -K p1 -s name": refused("No signatures found"),
    "verify -i empty.wasm -K p1 -s name": refused("Parse error"),
    "verify -i short -K p1 -s name": refused("Ed25519 signature function error"),
    "verify -i unreadable -K p1 -s name": refused("I/O error"),
    "verify -i unreadable -K p1": NOT_VALID,
    "verify -i text -K p1 -s name": refused("Unsupported module type"),
    "verify -i absent -K p1 -s name": refused("I/O error"),
    "verify -i parts -K absent -s (": refused("Invalid argument"),
    "verify -i parts -s name": refused("Usage error: Missing public key file"),
    "verify_matrix -i signed -K p1": MATRIX,
    "verify_matrix -i signed -K p1 p1 p2": MATRIX,
    "verify_matrix -K p1 p2 -i parts": MATRIX,
    "verify_matrix -i parts --public-keys p2 p1 -s name": MATRIX,
    "verify_matrix -i other --public-keys p2 p1 -s ^none$": MATRIX,
    "verify_matrix -i other --public-keys p2 p1 -s name": NO_KEY,
    "verify_matrix -i other -K p1": NO_KEY,
    "verify_matrix -i twice -K p2 p1": (0, BOTH, ""),
    "verify_matrix -i twice -ZK p.ssh": (0, BOTH, ""),
    "verify_matrix -i twice -Z -K p.ssh absent": (0, BOTH, ""),
    "verify_matrix -i twice -Z -K none.ssh": NOT_VALID,
    "verify_matrix -i m -Z -K none.ssh": refused("No signatures found"),
    "verify_matrix -i signed -K p2": NOT_VALID,
    "verify_matrix -i m -K p2": refused("No signatures found"),
    "verify_matrix -i empty.wasm -K p2": refused("Parse error"),
    "verify_matrix -i short -K p2 p1": refused("Ed25519 signature function error"),
    "verify_matrix -i unreadable -K p2 p1": refused("I/O error"),
    "verify_matrix -i absent -K p2": refused("I/O error"),
    "verify_matrix -i signed -K p1 absent": refused("I/O error"),
    "verify_matrix -i signed -K p1 -": refused("I/O error"),
    "verify_matrix -i signed -K p1 k1": refused("Unsupported key type"),
    "verify_matrix -i signed -K p1 -s (": refused("Invalid argument"),
    "verify_matrix -i signed": refused("Usage error: Missing public key files"),
    "verify_matrix -i signed -s name": refused("Usage error: Missing public key files"),
}
WRONG = (
    "verify_matrix -i signed -K",
    "verify_matrix -i signed -K p1 -K p2",
    "verify_matrix -i signed -Kp1 p2",
    "verify_matrix -i signed --public-keys=p1 p2",
    "verify_matrix -i signed -K -- p1",
    "verify_matrix -i signed -K p1 -S sig",
    "verify -i signed -K p1 p2",
    "verify -i signed -K p1 -- more",
    "split -i m",
    "detach -i m -o out",
    "attach -i m -o out",
    "attach -i m -S sig",
)
"""Command lines with exit code 2."""
