"""What the functional scripts of the published program expect of it, expected of ours."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fakes.signing import random_module
from fakes.wasm import MODULE, custom, section
from wasm_oci.wasmsign2 import program as wasmsign2

SAMPLE = MODULE + section(1, b"\x01\x60\0\0") + section(3, b"\x01\0") + section(10, b"\x01\x02\0\x0b")
SAMPLE += custom(".debug_info", b"debug") + custom("name", b"\0\4\3foo") + custom("producers", b"\0")


class Scripts:
    """Runs commands as the scripts do: words with `/` or a dot in them are files."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def run(self, command: str) -> tuple[bool, str]:
        """Returns whether it succeeded, and all that it printed."""
        code = wasmsign2.main(command.split())
        captured = self._capsys.readouterr()
        return code == 0, captured.out + captured.err

    def good(self, *commands: str) -> None:
        for command in commands:
            assert self.run(command)[0], command

    def bad(self, *commands: str) -> None:
        for command in commands:
            assert not self.run(command)[0], command


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scripts:
    monkeypatch.chdir(tmp_path)
    Path("test.wasm").write_bytes(SAMPLE)
    runner = Scripts(capsys)
    runner.good("keygen -k secret.key -K public.key", *(f"keygen -k key{n}.sk -K key{n}.pk" for n in (1, 2, 3)))
    return runner


def size(name: str) -> int:
    return Path(name).stat().st_size


def test_keygen(scripts: Scripts) -> None:
    assert (size("secret.key"), size("public.key")) == (65, 33)
    before = Path("secret.key").read_bytes(), Path("public.key").read_bytes()
    assert Path("key1.sk").read_bytes() != before[0]
    scripts.good("keygen -k secret.key -K public.key")
    assert Path("secret.key").read_bytes() != before[0]
    assert Path("public.key").read_bytes() != before[1]
    scripts.bad("keygen -K public3.key", "keygen -k secret3.key")


def test_sign_and_verify(scripts: Scripts) -> None:
    scripts.good("sign -k secret.key -i test.wasm -o signed.wasm", "verify -i signed.wasm -K public.key")
    assert size("signed.wasm") > size("test.wasm")
    scripts.bad("verify -i signed.wasm -K key1.pk", "verify -i test.wasm -K public.key")
    scripts.good("sign -k secret.key -K public.key -i test.wasm -o with_id.wasm", "verify -i with_id.wasm -K public.key")
    assert "signature" in scripts.run("-v sign -k secret.key -i test.wasm -o verbose.wasm")[1]
    scripts.bad("sign -k secret.key -i absent.wasm -o out.wasm", "sign -k absent.key -i test.wasm -o out.wasm")


def test_several_signatures(scripts: Scripts) -> None:
    scripts.good("sign -k key1.sk -i test.wasm -o signed1.wasm", "sign -k key2.sk -i signed1.wasm -o signed2.wasm")
    scripts.good("verify -i signed2.wasm -K key1.pk", "verify -i signed2.wasm -K key2.pk")
    scripts.bad("verify -i signed2.wasm -K key3.pk")
    scripts.good("sign -k key3.sk -i signed2.wasm -o signed3.wasm", *(f"verify -i signed3.wasm -K key{n}.pk" for n in (1, 2, 3)))
    assert size("signed1.wasm") < size("signed2.wasm") < size("signed3.wasm")


def test_detach_and_attach(scripts: Scripts) -> None:
    scripts.good("sign -k secret.key -i test.wasm -o signed.wasm", "detach -i signed.wasm -o plain.wasm -S signature.bin")
    assert 0 < size("signature.bin") < size("signed.wasm")
    assert size("plain.wasm") < size("signed.wasm")
    scripts.good("verify -i plain.wasm -K public.key -S signature.bin")
    scripts.bad("verify -i plain.wasm -K public.key")
    scripts.good("attach -i plain.wasm -o again.wasm -S signature.bin", "verify -i again.wasm -K public.key")
    assert size("again.wasm") == size("signed.wasm")
    scripts.good("sign -k secret.key -i test.wasm -o module.wasm -S direct.bin", "verify -i module.wasm -K public.key -S direct.bin")
    scripts.bad("detach -i signed.wasm -o out.wasm", "attach -i plain.wasm -o out.wasm")


@pytest.mark.parametrize("expression", ["name", "^[.]debug", "debug|name"])
def test_split(scripts: Scripts, expression: str) -> None:
    scripts.good(f"split -i test.wasm -o split.wasm -s {expression}")
    assert Path("split.wasm").read_bytes() != SAMPLE
    scripts.good("show -i split.wasm", "sign -k secret.key -i split.wasm -o signed.wasm", "verify -i signed.wasm -K public.key")
    scripts.good(
        f"verify -i signed.wasm -K public.key -s {expression}", f"verify_matrix -i signed.wasm -K public.key key1.pk -s {expression}"
    )


def test_splits_in_a_chain(scripts: Scripts) -> None:
    scripts.good("split -i test.wasm -o chain1.wasm -s first_pattern", "split -i chain1.wasm -o chain2.wasm -s second_pattern")
    scripts.good("split -i chain2.wasm -o chain3.wasm -s name", "sign -k secret.key -i chain3.wasm -o signed.wasm")
    scripts.good(*(f"verify -i signed.wasm -K public.key -s {expression}" for expression in ("first_pattern", "second_pattern", "name")))


def test_show(scripts: Scripts) -> None:
    scripts.good("sign -k secret.key -i test.wasm -o signed.wasm", "show -i test.wasm", "-v show -i test.wasm")
    assert "signature" in scripts.run("show -i signed.wasm")[1]
    Path("invalid.wasm").write_text("not a wasm file")
    scripts.bad("show -i absent.wasm", "show -i invalid.wasm")


def test_verify_matrix(scripts: Scripts) -> None:
    scripts.good("sign -k key1.sk -i test.wasm -o signed1.wasm", "sign -k key2.sk -i signed1.wasm -o signed2.wasm")
    done, text = scripts.run("verify_matrix -i signed2.wasm -K key1.pk key2.pk key3.pk")
    assert done
    assert "Valid public keys" in text
    assert "Valid" not in scripts.run("verify_matrix -i signed2.wasm -K key3.pk")[1].replace("No valid", "")
    scripts.bad("verify_matrix -i signed2.wasm")


def test_the_same_for_a_component_of_many_sections(scripts: Scripts) -> None:

    Path("c.wasm").write_bytes(random_module(random.Random(12), 40))
    scripts.good(
        "split -i c.wasm -o c.wasm -s name",
        "sign -k key1.sk -i c.wasm -o c.wasm",
        "sign -k key2.sk -K key2.pk -i c.wasm -o c.wasm",
        "detach -i c.wasm -o c.wasm -S c.sig",
        "verify -i c.wasm -K key1.pk -S c.sig -s name",
        "attach -i c.wasm -o c.wasm -S c.sig",
        "verify -i c.wasm -K key2.pk",
    )
