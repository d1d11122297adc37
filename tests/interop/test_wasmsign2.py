"""The published wasmsign2 and ours: the same bytes, and each accepts and refuses what the other does."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from peers import call, image_file, public_key

from wasm_oci.cli import wasmsign2
from wasm_oci.cli.main import main

PUBLISHED = os.environ["WASMSIGN2"]
MODULE, COMPONENT = b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"


def leb(number: int, padding: int = 0) -> bytes:
    """Unsigned LEB128, with `padding` bytes that say nothing."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number | (0x80 if padding else 0))
    out += b"\x80" * (padding - 1) + b"\0" if padding else b""
    return bytes(out)


def generated(seed: int) -> bytes:
    """A module or component of 0 to 50 sections with odd LEBs and nested components."""
    draw = random.Random(seed)
    out = bytearray(draw.choice((MODULE, COMPONENT)))
    for _ in range(draw.randrange(51) if seed else 0):
        payload = draw.randbytes(draw.choice((0, 1, 5, 127, 128, 300)))
        section = draw.randrange(13)
        if section == 0:
            name = draw.choice((b"name", b"producers", "ünï".encode(), b""))
            payload = leb(len(name), draw.choice((0, 0, 1))) + name + payload
        elif section == 4:
            payload = COMPONENT + payload
        out += bytes([section]) + leb(len(payload), draw.choice((0, 0, 0, 1, 2))) + payload
    return bytes(out)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    secret, public = folder / "secret", folder / "public"
    assert call(PUBLISHED, "keygen", "-k", secret, "-K", public).code == 0
    return secret, public


@pytest.mark.parametrize("detached", [False, True], ids=["embedded", "detached"])
@pytest.mark.parametrize("with_id", [False, True], ids=["no-id", "key-id"])
def test_the_same_bytes_for_the_same_key(keys: tuple[Path, Path], tmp_path: Path, detached: bool, with_id: bool) -> None:
    secret, public = keys
    source = tmp_path / "in.wasm"
    for seed in range(50):
        source.write_bytes(generated(seed))
        results = []
        for who in ("theirs", "ours"):
            output, signature = tmp_path / f"{who}.wasm", tmp_path / f"{who}.sig"
            arguments = ["sign", "-i", str(source), "-o", str(output), "-k", str(secret)]
            arguments += (["-K", str(public)] if with_id else []) + (["-S", str(signature)] if detached else [])
            if who == "theirs":
                assert call(PUBLISHED, *arguments).code == 0, f"seed {seed}"
            else:
                assert wasmsign2.main(arguments) == 0, f"seed {seed}"
            results.append((output.read_bytes(), signature.read_bytes() if detached else b""))
        assert results[0] == results[1], f"seed {seed}"
        check = ["verify", "-i", str(tmp_path / "theirs.wasm"), "-K", str(public)]
        check += ["-S", str(tmp_path / "theirs.sig")] if detached else []
        assert call(PUBLISHED, *check).code == 0, f"seed {seed}"
        assert wasmsign2.main(check) == 0, f"seed {seed}"
        assert main(check) == 0, f"seed {seed}"


def test_a_second_signature_is_the_same_too(keys: tuple[Path, Path], tmp_path: Path) -> None:
    secret, public = keys
    other_secret, other_public = tmp_path / "s2", tmp_path / "p2"
    assert wasmsign2.main(["keygen", "-k", str(other_secret), "-K", str(other_public)]) == 0
    source = tmp_path / "in.wasm"
    source.write_bytes(generated(7))
    once, theirs, ours = (tmp_path / name for name in ("once.wasm", "theirs.wasm", "ours.wasm"))
    assert call(PUBLISHED, "sign", "-i", source, "-o", once, "-k", secret, "-K", public).code == 0
    again = ["sign", "-i", str(once), "-k", str(other_secret), "-K", str(other_public)]
    assert call(PUBLISHED, *again, "-o", theirs).code == 0
    assert wasmsign2.main([*again, "-o", str(ours)]) == 0
    assert theirs.read_bytes() == ours.read_bytes()
    for key in (public, other_public):
        assert call(PUBLISHED, "verify", "-i", ours, "-K", key).code == 0


@pytest.mark.parametrize("image", ["hello_oci_signed_image", "hello_oci_detached_image", "hello_oci_openssh_signed_image"])
def test_images_of_the_example_verify_with_the_published_program(image: str, tmp_path: Path) -> None:
    wasm = image_file(image, "oci.wasm")
    openssh = "openssh" in image
    key = public_key("oci_openssh_keys", "id_ed25519.pub") if openssh else public_key()
    options = (["-Z"] if openssh else []) + (["-S", str(image_file(image, "signature.sig"))] if "detached" in image else [])
    good = call(PUBLISHED, "verify", "-i", wasm, "-K", key, *options)
    assert (good.code, good.stdout) == (0, "Signature is valid.\n")
    flipped = tmp_path / "flipped.wasm"
    data = bytearray(wasm.read_bytes())
    data[-1] ^= 1
    flipped.write_bytes(data)
    bad = call(PUBLISHED, "verify", "-i", flipped, "-K", key, *options)
    assert bad.code == 1
    stranger = tmp_path / "stranger"
    assert wasmsign2.main(["keygen", "-k", str(tmp_path / "x"), "-K", str(stranger)]) == 0
    if not openssh:
        assert call(PUBLISHED, "verify", "-i", wasm, "-K", stranger, *options).code == 1


def test_show_and_errors_have_the_same_texts(keys: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret, public = keys
    source, signed, junk, cut = (tmp_path / name for name in ("in.wasm", "signed.wasm", "junk.wasm", "cut.wasm"))
    source.write_bytes(generated(11))
    junk.write_bytes(b"no wasm at all")
    cut.write_bytes(source.read_bytes()[:-1])
    assert wasmsign2.main(["sign", "-i", str(source), "-o", str(signed), "-k", str(secret), "-K", str(public)]) == 0
    cases = [
        ["show", "-i", str(source)],
        ["show", "-i", str(signed)],
        ["-v", "show", "-i", str(signed)],
        ["show", "-i", str(junk)],
        ["show", "-i", str(cut)],
        ["show", "-i", str(tmp_path / "missing")],
        ["verify", "-i", str(signed), "-K", str(public)],
        ["verify", "-i", str(source), "-K", str(public)],
        ["verify", "-i", str(junk), "-K", str(public)],
        ["verify", "-i", str(signed), "-K", str(secret)],
        ["verify", "-i", str(signed)],
    ]
    for arguments in cases:
        theirs = call(PUBLISHED, *arguments)
        capsys.readouterr()
        code = wasmsign2.main(arguments)
        ours = capsys.readouterr()
        assert (code, ours.out) == (theirs.code, theirs.stdout), arguments
        assert ours.err == theirs.stderr or code == 2, arguments
