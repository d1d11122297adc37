"""The drop-in `wasmsign2`: what is printed here was printed by the published program, 0.2.8, for the same files."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from fakes.signing import (
    K1,
    K2,
    KEY_ID_1,
    KEY_ID_2,
    M_PAYLOAD,
    M_PAYLOAD_WITH_ID,
    M_SIGNED,
    M_SIGNED_TWICE,
    PARTS_SIGNED,
    PKCS8_1,
    SPKI_1,
    C,
    M,
    delimiter,
    pem,
    signed,
)
from fakes.wasm import MODULE, custom, section
from wasm_oci.keys.key import load_public_key, load_secret_key
from wasm_oci.wasmsign.signature import SignatureData, SignatureRecord, SignedHashes
from wasm_oci.wasmsign2 import program as wasmsign2

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    contents = {
        "m.wasm": M,
        "signed.wasm": M_SIGNED,
        "k1": K1.compact(),
        "p1": K1.public.compact(),
        "k1.ssh": K1.openssh(),
        "p1.ssh": b"# x\nssh-ed25519 AAAA\n" + K1.public.openssh() + K2.public.openssh(),
        "k2": K2.compact(),
        "p2": K2.public.compact(),
        "sig": M_PAYLOAD,
        "empty": b"",
        "short": K1.compact()[:-1],
        "short.public": K1.public.compact()[:-1],
        "half": K1.compact()[:33] + K2.public.raw,
        "key.pem": PKCS8_1,
        "rsa.pem": pem("RSA PRIVATE KEY", base64.b64encode(bytes.fromhex("301b020100" + "020101" * 8)).decode()),
        "broken.ssh": pem("OPENSSH PRIVATE KEY", base64.b64encode(b"openssh-key-v1\0").decode()),
        "spki.pem": SPKI_1,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = wasmsign2.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_keygen(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert run(capsys, "keygen", "-k", "s", "-K", "p") == (0, "Secret key saved to [s]\nPublic key saved to [p]\n", "")
        assert load_secret_key(Path("s")).public == load_public_key(Path("p"))
        assert (Path("s").stat().st_size, Path("p").stat().st_size) == (65, 33)
        assert stat.S_IMODE(Path("s").stat().st_mode) == 0o600
    assert run(capsys, "keygen", "-k", "t", "-K", "no/p") == (1, "", "I/O error\n")
    assert not Path("t").exists()


NAMES = ("types", "imports", "functions", "table", "memory", "global", "exports", "start", "elements", "code", "data")
SHOWN = {
    "all ids": (
        MODULE + b"".join(section(number, b"") for number in range(1, 14)),
        "".join(f"{index}:\t{name} section\n" for index, name in enumerate(NAMES)) + "11:\tsection id#12\n12:\tsection id#13\n",
    ),
    "component": (C, "0:\tcustom section: [name]\n"),
    "empty": (MODULE, ""),
    "odd name": (MODULE + custom("a\x1b\x7f\x00\t\u00fc", b""), "0:\tcustom section: [a\\x1b\\x7f\\x00\t\u00fc]\n"),
    "signed": (M_SIGNED, "0:\tcustom section: [signature]\n1:\ttypes section\n2:\tcustom section: [name]\n"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_show(files: Path, capsys: Capture, name: str) -> None:
    data, text = SHOWN[name]
    (files / "x.wasm").write_bytes(data)
    assert run(capsys, "show", "-i", "x.wasm") == (0, text, "")


SHOW_VERBOSE = """0:\tcustom section: [signature]
- specification version: 0x01
- content_type: 0x01
- hash function: 0x01 (SHA-256)
- (hashes,signatures) set:
  - hashes:
    - [235e61013d06ccde1ce0ed59356fcee14fc145180c18fac06544d272bde47641]
  - signatures:
    - [f4aca7c442362ceac4f44d09f78d2ccf995f314e4eaf19bae69ea48546ad9e18950e0b33c00e97f19ec69cda4b29f6dc698a8842169ebad3d42424409b140303] (no key id)
    - [e32aa449bff138f26442c4a7761c4b718986ee460f408b21a4f00856d77e9f50556605a857096f2de979f7b072d3fe2fa9fff76a68fc09b5f2dfe87f57a52f03] (key id: [1b3e7ee50e0b7c24934a4e01])

1:\ttypes section
2:\tcustom section: [name]
"""  # noqa: E501


def test_show_verbose(files: Path, capsys: Capture) -> None:
    (files / "x.wasm").write_bytes(M_SIGNED_TWICE)
    assert run(capsys, "-v", "show", "--input-file", "x.wasm") == (0, SHOW_VERBOSE, "")
    (files / "x.wasm").write_bytes(MODULE + custom("signature", b"\x02") + delimiter(b"\xab\xcd"))
    text = "0:\tundecodable signature header\n1:\tcustom section: [signature_delimiter]\n- delimiter: [abcd]\n\n"
    assert run(capsys, "-v", "show", "-i", "x.wasm") == (0, text, "")


def test_sign(files: Path, capsys: Capture) -> None:
    text = "* Signed module structure:\n\n0:\tcustom section: [signature]\n1:\ttypes section\n2:\tcustom section: [name]\n"
    assert run(capsys, "sign", "-i", "m.wasm", "-o", "out", "-k", "k1") == (0, text, "")
    assert Path("out").read_bytes() == M_SIGNED
    assert run(capsys, "sign", "-i", "out", "-o", "out", "-k", "k2", "-K", "p2") == (0, text, "")
    assert Path("out").read_bytes() == M_SIGNED_TWICE
    assert run(capsys, "-v", "sign", "-iout", "-o=out", "--secret-key=k1.ssh", "-ZK", "p1.ssh")[0] == 0
    assert KEY_ID_1 in Path("out").read_bytes()


def test_sign_verbose_shows_the_signature(files: Path, capsys: Capture) -> None:
    code, out, _ = run(capsys, "-v", "sign", "-i", "signed.wasm", "-o", "out", "-k", "k2", "-K", "p2")
    assert (code, out) == (0, f"* Signed module structure:\n\n{SHOW_VERBOSE}")


def test_sign_detached(files: Path, capsys: Capture) -> None:
    text = "* Signed module structure:\n\n0:\ttypes section\n1:\tcustom section: [name]\n"
    assert run(capsys, "sign", "-i", "m.wasm", "-o", "out", "-k", "k1", "-K", "p1", "-S", "out.sig") == (0, text, "")
    assert (Path("out").read_bytes(), Path("out.sig").read_bytes()) == (M, M_PAYLOAD_WITH_ID)


def test_debug_says_what_is_signed_and_why_it_is_refused(files: Path, capsys: Capture) -> None:
    assert "Signed 7761736d736967010101235e6101" in run(capsys, "-d", "sign", "-i", "m.wasm", "-o", "out", "-k", "k1")[2]
    assert "the file is not signed" in run(capsys, "-d", "verify", "-i", "m.wasm", "-K", "p1")[2]


def test_a_misplaced_signature_section_is_dropped_with_a_line(files: Path, capsys: Capture) -> None:
    Path("x").write_bytes(M + custom("signature", b"stray"))
    code, _, err = run(capsys, "sign", "-i", "x", "-o", "out", "-k", "k1")
    assert (code, err) == (0, "The signature section was not the first module section\n")
    assert Path("out").read_bytes() == M_SIGNED


SIGN_REFUSED = {
    "absent input": (["-i", "absent", "-k", "k1"], "I/O error"),
    "folder": (["-i", ".", "-k", "k1"], "I/O error"),
    "short input": (["-i", "empty", "-k", "k1"], "I/O error"),
    "not wasm": (["-i", "sig", "-k", "k1"], "Unsupported module type"),
    "absent key": (["-i", "m.wasm", "-k", "absent"], "I/O error"),
    "empty key": (["-i", "m.wasm", "-k", "empty"], "I/O error"),
    "public key": (["-i", "m.wasm", "-k", "p1"], "Unsupported key type"),
    "short key": (["-i", "m.wasm", "-k", "short"], "Ed25519 signature function error"),
    "PEM": (["-i", "m.wasm", "-k", "key.pem"], "Unsupported key type"),
    "PEM with -Z": (["-i", "m.wasm", "-Z", "-k", "key.pem"], "Parse error"),
    "RSA with -Z": (["-i", "m.wasm", "-Z", "-k", "rsa.pem"], "Unsupported key type"),
    "broken with -Z": (["-i", "m.wasm", "-Z", "-k", "broken.ssh"], "Parse error"),
    "binary with -Z": (["-i", "m.wasm", "-Z", "-k", "k1"], "I/O error"),
    "secret as public": (["-i", "m.wasm", "-k", "k1", "-K", "k1"], "Unsupported key type"),
    "short public": (["-i", "m.wasm", "-k", "k1", "-K", "short.public"], "Ed25519 signature function error"),
    "SPKI with -Z": (["-i", "m.wasm", "-Z", "-k", "k1.ssh", "-K", "spki.pem"], "Parse error"),
    "twice": (["-i", "signed.wasm", "-k", "k1"], "Duplicate signature"),
}


@pytest.mark.parametrize("name", SIGN_REFUSED)
def test_sign_refused_in_the_same_words(files: Path, capsys: Capture, name: str) -> None:
    arguments, text = SIGN_REFUSED[name]
    assert run(capsys, "sign", "-o", "out", *arguments) == (1, "", f"{text}\n")
    assert not Path("out").exists()


MALFORMED = {
    "truncated section": (MODULE + b"\x01\x05a", "I/O error"),
    "truncated size": (MODULE + b"\x01\x80", "I/O error"),
    "long size": (MODULE + b"\x01" + b"\x80" * 5 + b"\0", "Parse error"),
    "section id": (MODULE + b"\x80\0", "Parse error"),
    "name": (MODULE + b"\0\3\2\xff\xff", "UTF-8 error"),
    "name too long": (MODULE + b"\0\2\5a", "I/O error"),
    "preamble": (b"\0asm\2\0\0\0", "Unsupported module type"),
    "size of 5 GiB": (MODULE + b"\x01\x80\x80\x80\x80\x14", "I/O error"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files(files: Path, capsys: Capture, name: str) -> None:
    data, text = MALFORMED[name]
    Path("x").write_bytes(data)
    for command in (["show"], ["sign", "-o", "out", "-k", "k1"], ["verify", "-K", "p1"]):
        assert run(capsys, *command, "-i", "x") == (1, "", f"{text}\n")
    assert not Path("out").exists()


SIGNATURES = {
    "other version": (b"\x02" + M_PAYLOAD[1:], "Parse error", "Parse error"),
    "other content type": (b"\x01\x02" + M_PAYLOAD[2:], "Parse error", "Parse error"),
    "other hash function": (b"\x01\x01\x02" + M_PAYLOAD[3:], "Incompatible signature version", "Parse error"),
    "cut off": (M_PAYLOAD[:-1], "Parse error", "Parse error"),
    "65 sets": (b"\x01\x01\x01\x41", "Parse error", "Parse error"),
    "no sets": (b"\x01\x01\x01\x00", "Parse error", "No valid signatures"),
    "short signature": (
        SignatureData(sets=(SignedHashes(hashes=(bytes(32),), signatures=(SignatureRecord(key_id=b"", signature=bytes(5)),)),)).encode(),
        "Parse error",
        "Ed25519 signature function error",
    ),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_sections_that_cannot_be_used(files: Path, capsys: Capture, name: str) -> None:
    payload, when_signed, when_verified = SIGNATURES[name]
    Path("x").write_bytes(MODULE + custom("signature", payload) + M[8:])
    assert run(capsys, "sign", "-i", "x", "-o", "out", "-k", "k2") == (1, "", f"{when_signed}\n")
    assert not Path("out").exists()
    assert run(capsys, "verify", "-i", "x", "-K", "p1") == (1, "", f"{when_verified}\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-i", "signed.wasm", "-K", "p1"], ""),
        (["-i", "signed.wasm", "-ZK", "p1.ssh"], ""),
        (["-i", "m.wasm", "-K", "p1", "-S", "sig"], ""),
        (["-i", "signed.wasm", "-K", "p2"], "No valid signatures"),
        (["-i", "m.wasm", "-K", "p1"], "No signatures found"),
        (["-i", "signed.wasm", "-K", "p1", "-S", "sig"], "No valid signatures"),
        (["-i", "m.wasm", "-K", "p1", "-S", "m.wasm"], "Parse error"),
        (["-i", "m.wasm", "-K", "p1", "-S", "absent"], "I/O error"),
        (["-i", "absent", "-K", "p1"], "I/O error"),
        (["-i", "signed.wasm"], "Usage error: Missing public key file"),
        (["-i", "signed.wasm", "-K", "k1"], "Unsupported key type"),
        (["-i", "signed.wasm", "-K", "spki.pem"], "Unsupported key type"),
        (["-i", "signed.wasm", "-Z", "-K", "spki.pem"], "Parse error"),
        (["-i", "signed.wasm", "-K", "absent"], "I/O error"),
    ],
)
def test_verify(files: Path, capsys: Capture, arguments: list[str], text: str) -> None:
    expected = (1, "", f"{text}\n") if text else (0, "Signature is valid.\n", "")
    assert run(capsys, "verify", *arguments) == expected


def test_verify_an_empty_module(files: Path, capsys: Capture) -> None:
    Path("x").write_bytes(MODULE)
    assert run(capsys, "verify", "-i", "x", "-K", "p1") == (1, "", "Parse error\n")


def test_verify_skips_algorithms_that_it_does_not_know(files: Path, capsys: Capture) -> None:
    other = SignatureRecord(key_id=KEY_ID_2, signature=b"?", algorithm=3)
    sets = (SignedHashes(hashes=(bytes(32),), signatures=(other,)),)
    Path("x").write_bytes(MODULE + custom("signature", SignatureData(sets=sets).encode()) + M[8:])
    assert run(capsys, "verify", "-i", "x", "-K", "p1") == (1, "", "No valid signatures\n")


STRICTER = {
    "cut off after a delimiter": PARTS_SIGNED[:-51],
    "left-over byte": MODULE + custom("signature", M_PAYLOAD + b"x") + M[8:],
}


@pytest.mark.parametrize("name", STRICTER)
def test_refused_where_the_published_program_says_valid(files: Path, capsys: Capture, name: str) -> None:
    Path("x").write_bytes(STRICTER[name])
    assert run(capsys, "verify", "-i", "x", "-K", "p1") == (1, "", "No valid signatures\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-i", "m.wasm", "-k", "k1", "-K", "p2"], "does not belong to the secret key"),
        (["-i", "m.wasm", "-k", "half"], "does not belong to the secret half"),
        (["-i", "signed.wasm", "-k", "k2", "-S", "out.sig"], "Signature already attached"),
        (["-i", "parts", "-k", "k2"], "Too many hashes (max: 64)"),
    ],
)
def test_signing_what_could_not_verify_is_refused(files: Path, capsys: Capture, arguments: list[str], text: str) -> None:
    Path("parts").write_bytes(MODULE + delimiter(b"x") * 65)
    code, out, err = run(capsys, "sign", "-o", "out", *arguments)
    assert (code, out) == (1, "")
    assert text in err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ("sign -i m.wasm -k k1 -o k1", "k1"),
        ("sign -i m.wasm -k k1 -o link", "link"),
        ("sign -i m.wasm -k k1 -o hard", "hard"),
        ("sign -i m.wasm -k k1 -o out -S ./k1", "k1"),
        ("sign -i m.wasm -k k1 -K p1 -o p1", "p1"),
        ("keygen -k k1 -K ../{folder}/k1", "../{folder}/k1"),
        ("keygen -k same -K ./same", "same"),
    ],
)
def test_no_output_takes_the_place_of_a_key(files: Path, capsys: Capture, arguments: str, output: str) -> None:
    """The published program writes over it."""
    Path("link").symlink_to("k1")
    Path("hard").hardlink_to("k1")
    before = {path.name: path.read_bytes() for path in files.iterdir()}
    code, out, err = run(capsys, *arguments.format(folder=files.name).split())
    text = f"Usage error: {output.format(folder=files.name)}: this key file would be overwritten; name another output\n"
    assert (code, out, err) == (1, "", text)
    assert {path.name: path.read_bytes() for path in files.iterdir()} == before


def test_every_flipped_byte_is_refused(files: Path, capsys: Capture) -> None:
    data = signed(files, M, K1)
    for index in range(len(data)):
        flipped = bytearray(data)
        flipped[index] ^= 4
        Path("x").write_bytes(flipped)
        assert run(capsys, "verify", "-i", "x", "-K", "p1")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["bogus"], "error: unrecognized subcommand"),
        (["help", "bogus"], "error: unrecognized subcommand"),
        (["show"], "error: one or more required arguments were not provided"),
        (["sign", "-i", "x"], "error: one or more required arguments were not provided"),
        (["show", "-v"], "error: unexpected argument found"),
        (["--verbose", "show", "-i", "m.wasm"], "error: unexpected argument found"),
        (["-x"], "error: unexpected argument found"),
        (["show", "-i", "m.wasm", "more"], "error: unexpected argument found"),
        (["show", "--input", "m.wasm"], "error: unexpected argument found"),
        (["verify", "-i", "m.wasm", "-K", "p1", "-K", "p2"], "error: an argument cannot be used with one or more"),
        (["-v", "-v", "show", "-i", "m.wasm"], "error: an argument cannot be used with one or more"),
        (["show", "-i"], "error: one of the values isn't valid for an argument"),
        (["sign", "-i", "-o", "x", "-k", "k1"], "error: one of the values isn't valid for an argument"),
        (["sign", "--ssh=yes"], "error: unexpected value for an argument found"),
    ],
)
def test_wrong_arguments(files: Path, capsys: Capture, arguments: list[str], text: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(text)


def test_no_subcommand(capsys: Capture) -> None:
    for arguments in ([], ["-v"], ["-vd"]):
        assert run(capsys, *arguments) == (1, "", "Usage error: No subcommand specified\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-h"], "Exit codes: 0 done, 1 any error, 2 wrong arguments."),
        (["help"], "keygen"),
        (["help", "sign"], "-S, --signature-file <signature_file>"),
        (["verify", "--help"], "Verify that a key signed all of a module"),
        (["-V"], "wasmsign2-cli 0.2.8"),
        (["--version"], "drop-in of rules_wasm_oci"),
        (["--help"], "Usage: wasmsign2"),
    ],
)
def test_help(capsys: Capture, arguments: list[str], text: str) -> None:
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert text in out
