"""Key files made to deceive: keys hidden in comments, keys for which everybody can sign, secrets where none belongs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from fakes.signing import K1, K2, PKCS8_1, SPKI_1, M
from wasm_oci.cli.main import main
from wasm_oci.errors import FormatError, KeyFormatError
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey, parse_public_keys, parse_secret_key
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes
from wasm_oci.wasmsign2 import program as wasmsign2

LINE_1, LINE_2 = (key.public.openssh().decode().strip() for key in (K1, K2))
ONE_LINE_PEM = SPKI_1.decode().replace("\n", "")
HIDDEN = {
    "PEM in a comment": f"{LINE_2} bob {ONE_LINE_PEM}",
    "PEM behind a hash": f"# {ONE_LINE_PEM}\n{LINE_2}",
}
LINE_ENDS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("case", HIDDEN)
def test_a_comment_holds_no_key(case: str) -> None:
    assert parse_public_keys(HIDDEN[case].encode(), where="key") == (K2.public,)


@pytest.mark.parametrize("text", [f"{LINE_2} bob{{}}{LINE_1}", f"# old{{}}{LINE_1}\n{LINE_2}"], ids=["after a key", "behind a hash"])
@pytest.mark.parametrize("end", LINE_ENDS, ids=ascii)
def test_a_line_that_only_some_programs_see_is_refused(text: str, end: str) -> None:
    with pytest.raises(FormatError, match=r"^key: line 1: .* ends a line for some programs only"):
        parse_public_keys(text.format(end).encode(), where="key")


@pytest.mark.parametrize("text", [f"{LINE_2}\n{SPKI_1.decode()}", f"{SPKI_1.decode()}{LINE_2}\n"])
def test_a_block_and_lines_are_not_one_key(text: str) -> None:
    with pytest.raises(KeyFormatError, match="PEM block and OpenSSH lines"):
        parse_public_keys(text.encode(), where="key")


SMALL_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "ec" + "ff" * 30 + "7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]
NOT_CANONICAL = ["ed" + "ff" * 30 + "7f", "ee" + "ff" * 30 + "7f", "ff" * 31 + "7f", "ff" * 32]


def flipped(text: str) -> bytes:
    """The same y with the other sign of x."""
    raw = bytearray.fromhex(text)
    raw[31] ^= 0x80
    return bytes(raw)


@pytest.mark.parametrize("raw", [*map(bytes.fromhex, SMALL_ORDER + NOT_CANONICAL), *map(flipped, SMALL_ORDER)], ids=bytes.hex)
def test_keys_for_which_everybody_can_sign(raw: bytes) -> None:
    assert ed25519.is_weak(raw)
    line = b"ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + raw)
    for data in (b"\x01" + raw, line, bytes.fromhex("302a300506032b6570032100") + raw):
        with pytest.raises(KeyFormatError, match="weak public key: anyone can sign for it") as caught:
            parse_public_keys(data, where="weak.public")
        assert (caught.value.reason, caught.value.where) == ("weak_key", "weak.public")


def test_a_forged_signature_of_a_weak_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """R is the identity and S is 0: OpenSSL takes that for the identity as a key, whatever the message."""
    monkeypatch.chdir(tmp_path)
    weak = bytes.fromhex(SMALL_ORDER[1])
    record = SignatureRecord(key_id=b"", signature=weak + bytes(32))
    payload = SignatureData(sets=(SignedHashes(hashes=(b"\0" * 32,), signatures=(record,)),)).encode()
    Path("m.wasm").write_bytes(M)
    Path("m.sig").write_bytes(payload)
    Path("weak.public").write_bytes(b"\x01" + weak)
    assert main(["verify", "-i", "m.wasm", "-S", "m.sig", "-K", "weak.public"]) == 2
    assert wasmsign2.main(["verify", "-i", "m.wasm", "-S", "m.sig", "-K", "weak.public"]) == 1
    assert "Signature is valid" not in capsys.readouterr().out


@pytest.mark.parametrize("number", range(50))
def test_real_keys_are_not_weak(number: int) -> None:
    assert not ed25519.is_weak(ed25519.public_of(bytes([number]) * 32))


BODY = PKCS8_1.splitlines()[1]
SECRETS = {
    "base64 of a compact key": base64.b64encode(K1.compact()),
    "base64 of a seed": base64.b64encode(K1.seed),
    "a seed in hexadecimal": K1.seed.hex().encode(),
    "PEM without its first line": BODY + b"\n-----END PRIVATE KEY-----\n",
    "PEM that lost a dash": b"-----BEGIN PRIVATE KEY----\n" + BODY + b"\n-----END PRIVATE KEY-----\n",
    "PEM with its key in the first line": b"-----BEGIN " + BODY + b"-----\n",
    "a passphrase": b"correct-horse-battery",
}


@pytest.mark.parametrize("case", SECRETS)
@pytest.mark.parametrize("parse", [parse_public_keys, parse_secret_key])
def test_what_is_no_key_is_not_shown(parse: object, case: str) -> None:
    data = SECRETS[case]
    with pytest.raises(KeyFormatError) as caught:
        parse(data, where="key")  # type: ignore[operator]  # two functions of one shape
    shown = str(caught.value)
    text = data.decode()
    assert not [text[at : at + 8] for at in range(len(text) - 8) if text[at : at + 8] in shown and "PRIVATE" not in text[at - 8 : at + 8]]


def test_an_encrypted_key_of_another_size_is_not_decrypted() -> None:
    import warnings

    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        key = generate_private_key(65537, 2048)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))
    asked: list[str] = []

    def passphrase(where: str) -> bytes:
        asked.append(where)
        return b"passphrase"

    with pytest.raises(KeyFormatError, match="not supported"):
        parse_secret_key(der, where="rsa", passphrase=passphrase)
    assert asked == []


def test_the_error_of_a_weak_key_is_raised_wherever_one_is_made() -> None:
    with pytest.raises(KeyFormatError, match="placeholder"):
        PublicKey(raw=bytes(32))
