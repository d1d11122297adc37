"""Keys as editors, shells and CI services leave them: what is unambiguous is read, all else names the command that converts."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.signing import K1, K2, PKCS8_1, SPKI_1, SSH_LINE_1
from wasm_oci.errors import KeyFormatError
from wasm_oci.keys.key import OPENSSH, SecretKey, parse_public_keys, parse_secret_key
from wasm_oci.keys.key_errors import bare_key
from wasm_oci.keys.sources.stored import key_file_of

LINE_2 = K2.public.openssh().decode().strip()
PUBLICS = {
    "Latin-1": (f"{SSH_LINE_1} Müller\n".encode("latin-1"), r"M\xfcller"),
    "Windows": (f"{SSH_LINE_1} Müller… \r\n".encode("cp1252"), r"M\xfcller\x85"),
    "a control of Latin-1": (f"{SSH_LINE_1} a\x9b31m\n".encode("latin-1"), r"a\x9b31m"),
    "a comment line in Latin-1": (f"# für später\n{SSH_LINE_1}\n".encode("latin-1"), ""),
    "options": (f'from="*.example.org" {SSH_LINE_1} é'.encode("latin-1"), r"\xe9"),
    "UTF-16": (f"{SSH_LINE_1} Müller\r\n".encode("utf-16"), "Müller"),
    "UTF-16, big endian": (b"\xfe\xff" + f"{SSH_LINE_1} Müller\r\n".encode("utf-16-be"), "Müller"),
    "UTF-8": (f"{SSH_LINE_1} Müller".encode(), "Müller"),
    "escaped line ends are text": (f"{SSH_LINE_1} me\\n{LINE_2}\n".encode(), f"me\\n{LINE_2}"),
}


@pytest.mark.parametrize("name", PUBLICS)
def test_the_comment_of_a_public_key_may_be_of_any_encoding(name: str) -> None:
    data, comment = PUBLICS[name]
    (key,) = parse_public_keys(data, where="key.pub")
    assert (key, key.format, key.comment) == (K1.public, OPENSSH, comment)


@pytest.mark.parametrize(
    "data",
    [
        SPKI_1.replace(b"\n", b"\\n"),
        b'"' + SPKI_1.replace(b"\n", b"\\r\\n") + b'"\n',
        SPKI_1.decode().encode("utf-16"),
        SPKI_1.strip(),
    ],
)
def test_a_public_key_in_pem(data: bytes) -> None:
    assert parse_public_keys(data, where="key.pub") == (K1.public,)


SECRETS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "without the last line end": bytes.strip,
    "blanks around": lambda data: b" \t" + data + b"\n\n ",
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "blanks for line ends": lambda data: data.replace(b"\n", b" "),
    "escaped line ends": lambda data: data.replace(b"\n", b"\\n"),
    "escaped CRLF": lambda data: data.replace(b"\n", b"\\r\\n"),
    "quoted": lambda data: b'"' + data + b'"',
    "quoted and escaped": lambda data: b"'" + data.strip().replace(b"\n", b"\\n") + b"'\n",
    "quoted twice": lambda data: b"'\"" + data.strip() + b"\"'",
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "base64": base64.b64encode,
    "base64 in lines": base64.encodebytes,
    "base64 in quotation marks": lambda data: b'"' + base64.b64encode(data) + b'"',
    "base64 in escaped lines": lambda data: base64.encodebytes(data).replace(b"\n", b"\\n"),
    "base64 without padding": lambda data: base64.b64encode(data).rstrip(b"="),
    "base64 for URLs": base64.urlsafe_b64encode,
}
IN_FILES = [name for name in SECRETS if not name.startswith("base64")]


def stored(text: bytes) -> SecretKey:
    return parse_secret_key(key_file_of(text, where="env KEY"), where="env KEY")


@pytest.mark.parametrize("data", [PKCS8_1, K1.openssh()], ids=["PEM", "OpenSSH"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_key_of_a_variable(name: str, data: bytes) -> None:
    key = stored(SECRETS[name](data))
    assert (key.seed, key.public) == (K1.seed, K1.public)


@pytest.mark.parametrize("data", [PKCS8_1, K1.openssh()], ids=["PEM", "OpenSSH"])
@pytest.mark.parametrize("name", IN_FILES)
def test_a_secret_key_in_a_file(name: str, data: bytes) -> None:
    assert parse_secret_key(SECRETS[name](data), where="key").public == K1.public


@pytest.mark.parametrize("data", [bytes([0xFB, 0xFF, 0xFE]) * 10 + b"xy", K1.seed])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["base64", "for URLs"])
@pytest.mark.parametrize("padded", [True, False])
def test_a_seed_in_any_base64(data: bytes, encode: Callable[[bytes], bytes], padded: bool) -> None:
    text = encode(data) if padded else encode(data).rstrip(b"=")
    assert stored(text).seed == data


OTHERS = {
    "PuTTY": (
        b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n",
        "this is a PuTTY key; convert it with `puttygen KEY -O priv",
    ),
    "SSH2": (
        b'---- BEGIN SSH2 PUBLIC KEY ----\nComment: "x"\n',
        "a public key in SSH2 form; convert it with `ssh-keygen -i -f KEY",
    ),
    "minisign": (b"untrusted comment: minisign public key\nRWQ", "a key of minisign or signify; make an Ed25519 key"),
    "UTF-16 without a mark": (SPKI_1.decode().encode("utf-16-le"), "UTF-16 without a byte order mark; convert it with `iconv -f UTF-16LE"),
    "UTF-16BE without a mark": (
        SPKI_1.decode().encode("utf-16-be"),
        "UTF-16 without a byte order mark; convert it with `iconv -f UTF-16B",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_named_with_the_command_that_converts(name: str) -> None:
    data, message = OTHERS[name]
    for parse in (parse_public_keys, parse_secret_key):
        with pytest.raises(KeyFormatError) as caught:
            parse(data, where="key")
        assert message in str(caught.value)


BROKEN_LINE = SSH_LINE_1[:40].encode() + b"\xe9" + SSH_LINE_1[41:].encode()


@pytest.mark.parametrize("data", [b"\xff\xfe\x00\xd8", b"\xfe\xffa", b"\xc3\x28", BROKEN_LINE])
def test_what_is_not_text_is_not_a_key(data: bytes) -> None:
    for parse in (parse_public_keys, parse_secret_key):
        with pytest.raises(KeyFormatError):
            parse(data, where="key")


BARE = {
    "base64": base64.b64encode(K1.public.raw) + b"\n",
    "base64 without padding": base64.b64encode(K1.public.raw).rstrip(b"="),
    "base64 for URLs": base64.urlsafe_b64encode(bytes([0xFB, 0xFF]) * 16),
    "base64 in quotation marks": b'"' + base64.b64encode(K1.public.raw) + b'"',
    "bytes": b"\xa0" + K1.public.raw[1:],
    "PEM": b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(K1.public.raw) + b"\n-----END PUBLIC KEY-----\n",
}


@pytest.mark.parametrize("name", BARE)
def test_a_public_key_without_a_format_is_named_and_not_read(name: str) -> None:
    """Vault's transit engine shows keys so; a secret seed looks alike, so that it must not be taken for one, nor be shown."""
    with pytest.raises(KeyFormatError, match="these are 32 bytes without a key format") as caught:
        parse_public_keys(BARE[name], where="key.pub")
    assert r"`{ printf '0*0\005\006\003+ep\003!\000'; " in caught.value.hint
    assert BARE[name].decode("latin-1").strip().splitlines()[-2:][0] not in str(caught.value)


@pytest.mark.parametrize("reader", ["base64 -d KEY", "cat KEY", "grep -v -e ----- KEY | base64 -d"])
def test_the_command_that_makes_a_file_of_a_public_key(tmp_path: Path, reader: str) -> None:
    raw = K1.public.raw
    content = {"base64 -d KEY": base64.b64encode(raw), "cat KEY": raw}.get(reader, BARE["PEM"])
    (tmp_path / "KEY").write_bytes(content)
    command = bare_key("key", reader=reader).hint.partition("`")[2].rstrip("`")
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert parse_public_keys((tmp_path / "COPY.der").read_bytes(), where="key") == (K1.public,)


@pytest.mark.parametrize("blank", ["\xa0", "\u2003", "\u3000", "\u1680"])
@pytest.mark.parametrize(
    "form", ["{b}{line}", " {b}{line}", "{type}{b}{rest}", "{other}\n{b}{line}", "{b}# {line}\n{other}", "{other}\n{type}{b}{rest}"]
)
def test_a_blank_that_is_none_to_openssh_is_refused(blank: str, form: str) -> None:
    kind, rest = SSH_LINE_1.split(" ", 1)
    text = form.format(b=blank, line=SSH_LINE_1, type=kind, rest=rest, other=LINE_2)
    with pytest.raises(KeyFormatError, match=f"has U\\+{ord(blank):04X}, which looks like a space"):
        parse_public_keys(text.encode(), where="key.pub")


def test_a_comment_may_have_any_blanks() -> None:
    (key,) = parse_public_keys(f"{SSH_LINE_1} a\xa0b\u2003c\n".encode(), where="key.pub")
    assert key.comment.endswith("a\xa0b\u2003c")
