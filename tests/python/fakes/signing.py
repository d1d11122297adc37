"""Keys and files of the wasmsign2 format whose bytes are known: each was reproduced by the published program."""

from __future__ import annotations

import random
from pathlib import Path

from fakes.wasm import COMPONENT, MODULE, custom, section
from wasm_oci.keys.key import PublicKey, SecretKey
from wasm_oci.wasmsign.sign import sign_file

K1 = SecretKey(
    seed=bytes(range(0x20)),
    public=PublicKey(raw=bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")),
)
K2 = SecretKey(
    seed=bytes(range(0x20, 0x40)),
    public=PublicKey(raw=bytes.fromhex("29acbae141bccaf0b22e1a94d34d0bc7361e526d0bfe12c89794bc9322966dd7")),
)
KEY_ID_1 = bytes.fromhex("a87b10d4934d3a04633a3faf")
KEY_ID_2 = bytes.fromhex("1b3e7ee50e0b7c24934a4e01")
SSH_LINE_1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def pem(label: str, body: str) -> bytes:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


PKCS8_1 = pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
SPKI_1 = pem("PUBLIC KEY", "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")
P256_PEM = pem(
    "PUBLIC KEY",
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjlM7b6C/e0YluzBmfAH7YH75+Lio\nD+9bMAYocDGHsqNz6x294DMYNm0Gn4Om9ZAAU8c2M8sEGyHFXhqGwfQAtA==",
).decode()
P256_SECRET = pem(
    "PRIVATE KEY",
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAehRANCAASOUztvoL97RiW7MGZ8Aftgfvn4uKgP\n71swBihwMYeyo3PrHb3gMxg2bQafg6b1kABTxzYzywQbIcVeGobB9AC0",
)
"""The pair of P-256 whose secret number is 7."""

M = bytes.fromhex("0061736d01000000010401600000000b046e616d65000403666f6f")
M_HASH = "235e61013d06ccde1ce0ed59356fcee14fc145180c18fac06544d272bde47641"
M_SIGNED = bytes.fromhex(
    "0061736d010000000075097369676e6174757265010101016601235e61013d06ccde1ce0ed59356fcee14fc145180c18fac06544d272bde476410143"
    "000140f4aca7c442362ceac4f44d09f78d2ccf995f314e4eaf19bae69ea48546ad9e18950e0b33c00e97f19ec69cda4b29f6dc698a8842169ebad3d4"
    "2424409b140303010401600000000b046e616d65000403666f6f"
)
M_SIGNED_SHA256 = "7e07cd62725c565cb40d738fbb84c512afb7eb18f5daf1af53e71e3e82965402"
M_PAYLOAD = M_SIGNED[20:-19]
M_PAYLOAD_WITH_ID = bytes.fromhex(M_PAYLOAD.hex().replace("6601", "7201", 1).replace("43000140", f"4f0c{KEY_ID_1.hex()}0140", 1))
M_SIGNED_WITH_ID_SHA256 = "651dbedb57bf9c9cd3369c021aa5367c00a9e7c51b615f4eba8fec905c4a0050"
"""Of M signed by K1 with its key id."""
M_SIGNED_TWICE = bytes.fromhex(
    "0061736d0100000000c601097369676e617475726501010101b60101235e61013d06ccde1ce0ed59356fcee14fc145180c18fac06544d272bde47641"
    "0243000140f4aca7c442362ceac4f44d09f78d2ccf995f314e4eaf19bae69ea48546ad9e18950e0b33c00e97f19ec69cda4b29f6dc698a8842169eba"
    "d3d42424409b1403034f0c1b3e7ee50e0b7c24934a4e010140e32aa449bff138f26442c4a7761c4b718986ee460f408b21a4f00856d77e9f50556605"
    "a857096f2de979f7b072d3fe2fa9fff76a68fc09b5f2dfe87f57a52f03010401600000000b046e616d65000403666f6f"
)
"""M signed by K1 without key id, then by K2 with key id."""
C = bytes.fromhex("0061736d0d000100000b046e616d65000403666f6f")
C_SIGNED = bytes.fromhex(
    "0061736d0d0001000075097369676e6174757265010101016601448995b1706b342113d018b01163e93e2be61ddb3bebaf0db8e423f757a3807e0143"
    "0001401d5336e9965e4663880464ebcc435a6c2ac49559f446eb943b125494a33de14d6341003f8fc79c547da790b7ec9b0447364d12eb310a0cfd18"
    "4e9bf53a542d00000b046e616d65000403666f6f"
)
PARTS_SIGNED = bytes.fromhex(
    "0061736d01000000009601097369676e61747572650101010186010211f74241ca32b17ce497ef1933f78ff7c197fb65c1d55084fe77fe8420d61a0b"
    "a35d3dc6a29cd3812c3e087e579cd192ff7d9cc357d6d308f5fae7f4a7a7b9130143000140272906e4d5614114dc196f1f8d24d8e0ed8c4f2702565b"
    "46ca9ed9f587bc7d2f92e8ad938e44bb66c6dbef1ad100af7283bdec183df7d8705f1e4f4b5154dd000104016000000024137369676e61747572655f"
    "64656c696d69746572101112131415161718191a1b1c1d1e1f000b046e616d65000403666f6f0024137369676e61747572655f64656c696d69746572"
    "202122232425262728292a2b2c2d2e2f"
)
"""A module of two parts, each with a delimiter after it."""
PARTS = PARTS_SIGNED[:8] + PARTS_SIGNED[8 + 3 + 0x96 :]
EMPTY_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
EMPTY_SIGNATURE = bytes.fromhex(
    "525106a0cba83edf010ba8e5c33878e3c5748f9ef8f9157bd0994d644f92441331e78ffee5bf9a1c1b8cc32112fb12a556c49000e8848ed6974a545096e3e00d"
)


def signed(folder: Path, wasm: bytes, *keys: SecretKey, key_id: bool = True) -> bytes:
    """Returns `wasm` with an embedded signature of each key."""
    path = folder / "to_sign.wasm"
    path.write_bytes(wasm)
    for key in keys:
        sign_file(path, path, key, key_id=key.public.key_id if key_id else None)
    return path.read_bytes()


def detached(folder: Path, wasm: bytes, key: SecretKey) -> tuple[bytes, bytes]:
    """Returns the normalised file and its signature."""
    path, signature = folder / "to_sign.wasm", folder / "to_sign.sig"
    path.write_bytes(wasm)
    sign_file(path, path, key, key_id=key.public.key_id, signature_file=signature)
    return path.read_bytes(), signature.read_bytes()


def padded(number: int, size: int) -> bytes:
    """Returns a LEB128 number in `size` bytes, more than it needs."""
    digits = [number >> 7 * index & 0x7F for index in range(size)]
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def delimiter(data: bytes) -> bytes:
    return custom("signature_delimiter", data)


def random_module(rng: random.Random, sections: int) -> bytes:
    """Returns a module or component with sections of many kinds, some with padded numbers, some delimiters."""
    parts = [rng.choice((MODULE, COMPONENT))]
    for _ in range(sections):
        data = rng.randbytes(rng.choice((0, 1, 16, 120, 127, 128, 400)))
        match rng.randrange(5):
            case 0:
                parts.append(bytes((rng.randrange(1, 128),)) + padded(len(data), 5) + data)
            case 1:
                name = padded(4, rng.randrange(1, 6)) + b"name"
                parts.append(b"\0" + padded(len(name + data), rng.randrange(2, 6)) + name + data)
            case 2:
                parts.append(delimiter(rng.randbytes(16)))
            case 3:
                parts.append(custom(rng.choice(("", "producers", "\u00fc\u4e16", "n" * 200)), data))
            case _:
                parts.append(section(rng.randrange(1, 128), data))
    return b"".join(parts)
