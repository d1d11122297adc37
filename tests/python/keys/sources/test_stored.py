"""Keys in files, variables and on stdin: each form signs, everything else is named, and no secret is in any message."""

from __future__ import annotations

import base64
import io
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from fakes.signing import K1, K2, PKCS8_1
from wasm_oci.errors import KeyFormatError, LimitError, UsageError, WasmOciError
from wasm_oci.keys.key import PublicKey
from wasm_oci.keys.signer import Signer
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import open_signer
from wasm_oci.keys.sources.source import KINDS, KeySource
from wasm_oci.limits import LIMITS

NONE = PassphraseSource(environ={})
DER = bytes.fromhex("302e020100300506032b657004220420") + K1.seed
TEXTS = {
    "PEM": PKCS8_1,
    "OpenSSH": K1.openssh(),
    "base64 of compact": base64.b64encode(K1.compact()),
    "base64 of DER": base64.b64encode(DER),
    "base64 of a seed": base64.b64encode(K1.seed) + b"\n",
    "base64 of PEM": base64.encodebytes(PKCS8_1),
    "base64 of OpenSSH": base64.encodebytes(K1.openssh()),
    "PEM after a blank line": b"\n" + PKCS8_1,
}


def open_env(text: bytes, public: PublicKey | None = None) -> Signer:
    environ = {"SIGNING_KEY": os.fsdecode(text)}
    return open_signer(KeySource(kind="env", ref="SIGNING_KEY"), public=public, passphrase=NONE, environ=environ)


@pytest.mark.parametrize("name", TEXTS)
def test_every_form_in_a_variable(name: str) -> None:
    signer = open_env(TEXTS[name], K1.public)
    assert signer.public == K1.public
    assert signer.sign(b"m") == K1.sign(b"m")


@pytest.mark.parametrize("data", [*TEXTS.values(), K1.compact(), DER])
def test_every_form_on_stdin(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(data)))
    assert open_signer(KeySource(kind="stdin"), public=None, passphrase=NONE).public == K1.public


@pytest.mark.parametrize("data", [PKCS8_1, K1.openssh(), K1.compact(), DER])
def test_every_form_in_a_file(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(data)
    assert open_signer(KeySource(kind="file", ref=str(tmp_path / "key")), public=None, passphrase=NONE).public == K1.public


def test_a_file_below_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_bytes(K1.compact())
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KeySource(kind="file", ref="~/key").path == tmp_path / "key"
    assert open_signer(KeySource(kind="file", ref="~/key"), public=None, passphrase=NONE).public == K1.public


def test_another_key_than_the_public_one() -> None:
    with pytest.raises(KeyFormatError, match="does not belong to the secret key") as caught:
        open_env(PKCS8_1, K2.public)
    assert (caught.value.reason, caught.value.where) == ("key_mismatch", "env SIGNING_KEY")


REFUSED: dict[str, tuple[bytes, type[WasmOciError], str]] = {
    "empty": (b"", UsageError, "the variable SIGNING_KEY is not set"),
    "blank": (b" \n", UsageError, "the variable SIGNING_KEY is not set"),
    "a word": (b"hunter2hunter2", KeyFormatError, "not a secret key"),
    "a sentence": (b"hunter2: the password!", KeyFormatError, "this is not a secret key"),
    "hexadecimal": (K1.seed.hex().encode(), KeyFormatError, "not a secret key"),
    "short seed": (base64.b64encode(K1.seed[:-1]), KeyFormatError, "not a secret key"),
    "public": (base64.b64encode(K1.public.compact()), KeyFormatError, "this is a public key"),
    "public of OpenSSH": (K1.public.encoded("openssh"), KeyFormatError, "this is a public key; the secret key is needed here"),
    "cut compact": (base64.b64encode(K1.compact()[:-3]), KeyFormatError, "has 65 bytes, not 62"),
    "wrong half": (base64.b64encode(K1.compact()[:33] + K2.public.raw), KeyFormatError, "does not belong to the secret half"),
    "blanks and a mark": (b"A" + b" " * (LIMITS.key_file - 2) + b"!", KeyFormatError, "this is not a secret key"),
    "too long": (b"A" * (LIMITS.key_file + 1), LimitError, "larger than"),
    "not UTF-8": (b"\xff\xfe", KeyFormatError, "this is not a secret key"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_without_the_secret(name: str) -> None:
    data, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message) as caught:
        open_env(data)
    assert caught.value.where == "env SIGNING_KEY"
    shown = str(caught.value) + repr(caught.value.__cause__)
    assert "hunter2" not in shown
    assert base64.b64encode(K1.seed).decode()[:16] not in shown
    assert K1.seed.hex()[:16] not in shown


def test_nothing_on_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    source = KeySource(kind="stdin")
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal, os.fdopen(master, "rb"):
        for stdin, message in (
            (terminal, "no secret key is piped in"),
            (None, "no secret key is piped in"),
            (SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO()), "stdin is empty"),
            (SimpleNamespace(isatty=lambda: False, buffer=io.BytesIO(b"A" * (LIMITS.key_file + 2))), "larger than"),
            (SimpleNamespace(isatty=lambda: False, buffer=SimpleNamespace(read=failing)), "stdin cannot be read"),
        ):
            monkeypatch.setattr(sys, "stdin", stdin)
            with pytest.raises(WasmOciError, match=message):
                open_signer(source, public=None, passphrase=NONE)


def failing(size: int) -> bytes:
    raise OSError(5, "Input/output error")


SOURCES: dict[str, tuple[Callable[[], KeySource], str]] = {
    "unknown kind": (lambda: KeySource(kind="vault", ref="x"), "unknown key source 'vault'; use one of file, env"),
    "file without path": (lambda: KeySource(kind="file"), "key reference for file; give the path of a key file"),
    "file with NUL": (lambda: KeySource(kind="file", ref="a\0b"), "key reference for file"),
    "no variable": (lambda: KeySource(kind="env"), "give the name of a variable"),
    "a key, not its variable": (lambda: KeySource(kind="env", ref="hunter2+hunter2="), "key reference for env"),
    "a long key, not its variable": (lambda: KeySource(kind="env", ref="hunter2" * 12), "key reference for env"),
    "digit first": (lambda: KeySource(kind="env", ref="1A"), "key reference for env"),
    "no user": (lambda: KeySource(kind="keychain", ref="hunter2"), "give SERVICE/USER"),
    "empty user": (lambda: KeySource(kind="keychain", ref="hunter2/"), "give SERVICE/USER"),
    "blank command": (lambda: KeySource(kind="command", ref=" "), "give a program and its arguments"),
    "open quote": (lambda: KeySource(kind="command", ref="sign 'hunter2"), "give a program and its arguments"),
    "agent with reference": (lambda: KeySource(kind="ssh-agent", ref="hunter2"), "ssh-agent takes no reference"),
    "stdin with reference": (lambda: KeySource(kind="stdin", ref="hunter2"), "stdin takes no reference"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources_that_cannot_be(name: str) -> None:
    make, message = SOURCES[name]
    with pytest.raises(UsageError, match=message) as caught:
        make()
    assert "hunter2" not in str(caught.value)


def test_the_kinds_are_those_of_the_rules() -> None:
    assert KINDS == ("file", "env", "stdin", "keychain", "ssh-agent", "command")
