"""Files as wsc (sigil) signs them: a number of certificates behind each signature, and sections that it appends later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.signing import K1, K2, M_HASH, M_PAYLOAD, M_SIGNED, M
from fakes.wasm import custom
from wasm_oci.cli.main import main
from wasm_oci.errors import SignatureError
from wasm_oci.wasm.rewrite import custom_section
from wasm_oci.wasm.varint import encode_u32
from wasm_oci.wasmsign.detach import attach_file, detach_file
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.signature import parse_signature
from wasm_oci.wasmsign.verify import verify_file
from wasm_oci.wasmsign2 import program as wasmsign2

BY_WSC = bytes.fromhex(
    "0061736d010000000076097369676e6174757265010101016701235e61013d06ccde1ce0ed59356fcee14fc145180c18fac06544d272bde47641014400"
    "0140f4aca7c442362ceac4f44d09f78d2ccf995f314e4eaf19bae69ea48546ad9e18950e0b33c00e97f19ec69cda4b29f6dc698a8842169ebad3d42424"
    "409b14030300010401600000000b046e616d65000403666f6f"
)
"""M signed by K1, without a key id, and with the number 0."""
TRAILED = BY_WSC[20 : -len(M) + 8]
APPENDED = ("wsc.transformation.attestation", "wsc.build.provenance")


def with_certificates(tail: bytes) -> bytes:
    """M signed by K1, with this behind the signature."""

    def sized(data: bytes) -> bytes:
        return encode_u32(len(data)) + data

    record = b"\0\x01" + sized(parse_signature(M_PAYLOAD).records[0].signature) + tail
    payload = b"\x01\x01\x01\x01" + sized(b"\x01" + bytes.fromhex(M_HASH) + b"\x01" + sized(record))
    return M[:8] + custom_section(b"signature", payload) + M[8:]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "m.wasm").write_bytes(BY_WSC)
    return tmp_path / "m.wasm"


def test_no_certificates(path: Path) -> None:
    assert with_certificates(b"\0") == BY_WSC
    assert verify_file(path, [K1.public]).key == K1.public
    assert wasmsign2.main(["verify", "-i", str(path), "-K", str(public(path))]) == 0


def public(path: Path) -> Path:
    (path.parent / "k1").write_bytes(K1.public.compact())
    return path.parent / "k1"


def test_the_number_is_kept_by_whatever_writes_the_signature_again(path: Path, tmp_path: Path) -> None:
    assert parse_signature(TRAILED).encode() == TRAILED
    sign_file(path, path, K1, key_id=None)
    assert path.read_bytes() == BY_WSC
    sign_file(path, path, K2, key_id=K2.public.key_id)
    assert verify_file(path, [K1.public, K2.public]).keys == (K1.public, K2.public)
    assert TRAILED[-66:] in path.read_bytes()
    signature = tmp_path / "m.sig"
    path.write_bytes(BY_WSC)
    detach_file(path, path, signature)
    assert (path.read_bytes(), signature.read_bytes()) == (M, TRAILED)
    assert verify_file(path, [K1.public], signature=TRAILED).key == K1.public
    attach_file(path, path, signature)
    assert path.read_bytes() == BY_WSC


def test_the_drop_in_writes_what_the_published_program_writes(path: Path, tmp_path: Path) -> None:
    (tmp_path / "k2").write_bytes(K2.compact())
    outputs = []
    for data in (BY_WSC, M_SIGNED):
        path.write_bytes(data)
        assert wasmsign2.main(["sign", "-i", str(path), "-o", str(tmp_path / "out"), "-k", str(tmp_path / "k2")]) == 0
        outputs.append((tmp_path / "out").read_bytes())
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize("tail", [b"\x01", b"\x01\x03\x30\x01\x00", b"\x10", b"\x80\x01"])
def test_certificates_are_not_supported(path: Path, tail: bytes) -> None:
    path.write_bytes(with_certificates(tail))
    with pytest.raises(SignatureError, match="certificates are not supported; sign the file again with a key") as caught:
        verify_file(path, [K1.public])
    assert caught.value.reason == "unsupported_version"


@pytest.mark.parametrize("tail", [b"\0\0", b"\0x", b"\x80\0", b"\x80"])
def test_nothing_else_may_follow(path: Path, tail: bytes) -> None:
    path.write_bytes(with_certificates(tail))
    with pytest.raises(SignatureError, match="the signature is malformed") as caught:
        verify_file(path, [K1.public])
    assert caught.value.reason == "malformed_signature"


def test_what_wsc_appends_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(BY_WSC + b"".join(custom(name, b"{}") for name in (*APPENDED, APPENDED[0])))
    assert main(["inspect", str(path), "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["appended"] == list(APPENDED)
    assert main(["inspect", str(path)]) == 0
    assert f"  appended     {', '.join(APPENDED)} (by wsc, after signing: no signature covers them)\n" in capsys.readouterr().out
    with pytest.raises(SignatureError, match=f"here {', '.join(APPENDED)}: verify the file from before that") as caught:
        verify_file(path, [K1.public])
    assert caught.value.reason == "content_changed"
    path.write_bytes(BY_WSC)
    assert main(["inspect", str(path)]) == 0
    assert "appended" not in capsys.readouterr().out
