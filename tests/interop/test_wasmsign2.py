"""The published wasmsign2 and ours: the same bytes, and each accepts and refuses what the other does."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from peers import EXAMPLE, call, image_file, public_key

from fakes.commands import FILES, VERIFIED, WRONG
from fakes.differences import DIFFERENCES, KEYS, without_delimiters
from fakes.signing import K1, K2, M
from wasm_oci.cli.main import main
from wasm_oci.wasmsign2 import program as wasmsign2

PUBLISHED = os.environ["WASMSIGN2"]
OPENSSH_PUBLIC = public_key("oci_openssh_keys", "id_ed25519.pub")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A key pair in files; `options` say of which form they are."""

    secret: Path
    public: Path
    options: tuple[str, ...] = ()


def make_keys(maker: str, folder: Path) -> Keys:
    """A pair made by the published program, by our drop-in, by `wasm_oci keygen`, or the example's OpenSSH one."""
    secret, public = folder / "secret", folder / "public"
    pair = ["-k", str(secret), "-K", str(public)]
    if maker == "theirs":
        assert call(PUBLISHED, "keygen", *pair).code == 0
    elif maker == "ours":
        assert wasmsign2.main(["keygen", *pair]) == 0
    elif maker == "wasm_oci":
        assert main(["keygen", *pair]) == 0
    else:
        return Keys(secret=OPENSSH_PUBLIC.with_suffix(""), public=OPENSSH_PUBLIC, options=("-Z",))
    return Keys(secret=secret, public=public)


@pytest.fixture(params=["theirs", "ours", "wasm_oci", "openssh"])
def any_keys(request: pytest.FixtureRequest, tmp_path: Path) -> Keys:
    return make_keys(request.param, tmp_path)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return make_keys("theirs", tmp_path)


def sign(who: str, source: Path, keys: Keys, *, with_id: bool, detached: bool) -> tuple[bytes, bytes]:
    """Signs with one of the three programs; returns the output and the detached signature."""
    output, signature = (source.with_suffix(f".{who}.{end}") for end in ("wasm", "sig"))
    arguments = ["sign", "-i", str(source), "-o", str(output), "-k", str(keys.secret), *keys.options]
    arguments += (["-K", str(keys.public)] if with_id else []) + (["-S", str(signature)] if detached else [])
    run = {
        "theirs": lambda: call(PUBLISHED, *arguments).code,
        "ours": lambda: wasmsign2.main(arguments),
        "wasm_oci": lambda: main(arguments),
    }
    assert run[who]() == 0
    return output.read_bytes(), signature.read_bytes() if detached else b""


def codes(wasm: Path, keys: Keys, signature: Path | None = None) -> tuple[int, int, int]:
    """Exit codes of verify: theirs, ours, and of `wasm_oci`."""
    arguments = ["verify", "-i", str(wasm), "-K", str(keys.public), *keys.options]
    arguments += ["-S", str(signature)] if signature else []
    return call(PUBLISHED, *arguments).code, wasmsign2.main(arguments), main(arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Both:
    """Two folders of the same files, in which both programs run the same commands."""

    theirs: Path
    ours: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def write(self, name: str, data: bytes) -> None:
        for folder in (self.theirs, self.ours):
            (folder / name).write_bytes(data)

    def run(self, command: str, *outputs: str) -> str:
        """Both must print the same and write the same bytes; returns what they print."""
        done = call(PUBLISHED, *command.split(), cwd=self.theirs)
        self.monkeypatch.chdir(self.ours)
        self.capsys.readouterr()
        code = wasmsign2.main(command.split())
        ours = self.capsys.readouterr()
        assert (code, sorted(ours.out.splitlines()), ours.err) == (done.code, sorted(done.stdout.splitlines()), done.stderr), command
        assert code == 0 and done.stdout, command
        assert " verify" in f" {command}" or ours.out == done.stdout, command
        for name in outputs:
            mine, yours = (without_delimiters((folder / name).read_bytes()) for folder in (self.ours, self.theirs))
            assert mine == yours, command
            if command.startswith("split"):
                self.write(name, (self.theirs / name).read_bytes())
        return done.stdout


@pytest.fixture
def both(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Both:
    pair = Both(theirs=tmp_path / "theirs", ours=tmp_path / "ours", capsys=capsys, monkeypatch=monkeypatch)
    for folder in (pair.theirs, pair.ours):
        folder.mkdir()
        for name, data in KEYS.items():
            (folder / name).write_bytes(data)
    return pair


EXPRESSIONS = ("^name$", "o|^$", "nothing")
SOME_SECTION = b"\1\0"
"""Ours verifies no file in part of which no part is looked at."""


@pytest.mark.parametrize("tenth", range(10))
def test_two_hundred_files_have_the_same_bytes(both: Both, tenth: int) -> None:
    """Each is signed by one key without its id and by one with it, embedded and detached; two of three are split first."""
    for seed in range(20 * tenth, 20 * tenth + 20):
        expression = EXPRESSIONS[seed // 3 % 3] if seed % 3 else ""
        both.write("in", generated(seed) + (SOME_SECTION if expression else b""))
        if expression:
            both.run(f"split -i in -o in -s {expression}", "in")
            both.run(f"split -i in -o in -s {expression}", "in")
        both.run("sign -i in -o once -k k1", "once")
        both.run("sign -i once -o twice -k k2 -K p2", "twice")
        both.run("sign -i in -o plain -k k2 -K p2 -S plain.sig", "plain", "plain.sig")
        both.run("detach -i twice -o bare -S twice.sig", "bare", "twice.sig")
        assert (both.ours / "bare").read_bytes() == (both.ours / "plain").read_bytes()
        both.run("attach -i bare -o again -S twice.sig", "again")
        assert (both.ours / "again").read_bytes() == (both.ours / "twice").read_bytes()
        both.run("show -i twice")
        both.run("-v show -i twice")
        both.run("verify -i once -K p1")
        both.run("verify -i twice -K p2")
        both.run("verify -i plain -K p2 -S plain.sig")
        assert both.run("verify_matrix -i twice -K p1 p2").count("PublicKey") == 2
        if expression:
            both.run(f"verify -i twice -K p1 -s {expression}")
            both.run(f"verify -i plain -K p2 -S plain.sig -s {expression}")
            assert both.run(f"verify_matrix -i once -K p1 p2 -s {expression}").count("PublicKey") == 1


@pytest.mark.parametrize("command", VERIFIED)
def test_the_published_program_prints_what_is_recorded(tmp_path: Path, command: str) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    done = call(PUBLISHED, *command.split(), cwd=tmp_path)
    code, out, err = VERIFIED[command]
    assert (done.code, sorted(done.stdout.splitlines()), done.stderr) == (code, sorted(out.splitlines()), err)


@pytest.mark.parametrize("command", WRONG)
def test_the_published_program_takes_these_for_wrong_arguments(tmp_path: Path, command: str) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    assert call(PUBLISHED, *command.split(), cwd=tmp_path).code == 2


@pytest.mark.parametrize("who", ["theirs", "ours"])
def test_wasm_oci_accepts_what_both_sign(keys: Keys, tmp_path: Path, who: str) -> None:
    source = tmp_path / "in.wasm"
    for seed in range(20):
        source.write_bytes(generated(seed))
        for detached in (False, True):
            signed = sign(who, source, keys, with_id=True, detached=detached)
            assert sign("wasm_oci", source, keys, with_id=True, detached=detached) == signed, f"seed {seed}"
            signature = source.with_suffix(f".{who}.sig") if detached else None
            assert codes(source.with_suffix(f".{who}.wasm"), keys, signature) == (0, 0, 0), f"seed {seed}"


@pytest.mark.parametrize("detached", [False, True], ids=["embedded", "detached"])
def test_any_key_file_works_in_every_program(any_keys: Keys, tmp_path: Path, detached: bool) -> None:
    source = tmp_path / "in.wasm"
    source.write_bytes((EXAMPLE / "hello.wasm").read_bytes())
    theirs = sign("theirs", source, any_keys, with_id=True, detached=detached)
    for who in ("ours", "wasm_oci"):
        assert sign(who, source, any_keys, with_id=True, detached=detached) == theirs
    assert codes(source.with_suffix(".theirs.wasm"), any_keys, source.with_suffix(".theirs.sig") if detached else None) == (0, 0, 0)


def test_keys_made_anew_are_of_the_same_form(tmp_path: Path) -> None:
    made = []
    for maker in ("theirs", "ours", "wasm_oci"):
        (tmp_path / maker).mkdir()
        keys = make_keys(maker, tmp_path / maker)
        secret, public = keys.secret.read_bytes(), keys.public.read_bytes()
        assert secret[33:] == public[1:]
        made.append((len(secret), secret[0], len(public), public[0]))
    assert made == [(65, 0x81, 33, 0x01)] * 3


def test_a_second_signature_is_the_same_too(keys: Keys, tmp_path: Path) -> None:
    secret, public = keys.secret, keys.public
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


IMAGES = ["hello_oci_signed_image", "hello_oci_detached_image", "hello_oci_openssh_signed_image"]


def image_parts(image: str) -> tuple[Path, Keys, Path | None]:
    """The component of an image, its public key and its detached signature."""
    keys = make_keys("openssh", Path()) if "openssh" in image else Keys(secret=Path(), public=public_key())
    return image_file(image, "oci.wasm"), keys, image_file(image, "signature.sig") if "detached" in image else None


@pytest.mark.parametrize("image", IMAGES)
def test_images_of_the_example_verify(image: str) -> None:
    wasm, keys, signature = image_parts(image)
    detached = ["-S", str(signature)] if signature else []
    done = call(PUBLISHED, "verify", "-i", wasm, "-K", keys.public, *keys.options, *detached)
    assert (done.code, done.stdout) == (0, "Signature is valid.\n")
    assert codes(wasm, keys, signature) == (0, 0, 0)


@pytest.mark.parametrize("image", IMAGES)
def test_another_key_is_refused_by_all(image: str, tmp_path: Path) -> None:
    wasm, keys, signature = image_parts(image)
    stranger = make_keys("ours", tmp_path)
    if keys.options:
        assert main(["keygen", "-k", str(tmp_path / "id"), "-K", str(tmp_path / "id.pub"), "--format", "openssh"]) == 0
        stranger = Keys(secret=tmp_path / "id", public=tmp_path / "id.pub", options=keys.options)
    assert codes(wasm, stranger, signature) == (1, 1, 4)


@pytest.mark.parametrize("image", IMAGES)
def test_flipped_bytes_are_refused_by_all(image: str, tmp_path: Path) -> None:
    wasm, keys, signature = image_parts(image)
    data = bytearray(wasm.read_bytes())
    draw = random.Random(image)
    flipped = tmp_path / "flipped.wasm"
    # Embedded, the first of these are in the signature section.
    for offset in (*range(8, 48), *draw.sample(range(48, len(data)), 40), len(data) - 1):
        data[offset] ^= 1 << draw.randrange(8)
        flipped.write_bytes(data)
        assert codes(flipped, keys, signature) == (1, 1, 4), f"offset {offset}"
        data = bytearray(wasm.read_bytes())


def test_show_and_errors_have_the_same_texts(keys: Keys, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret, public = keys.secret, keys.public
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


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_the_published_program_does_where_ours_differs(tmp_path: Path, name: str) -> None:
    case = DIFFERENCES[name]
    for file, data in {**KEYS, **case.files}.items():
        (tmp_path / file).write_bytes(data)
    before = {path.name for path in tmp_path.iterdir()}
    done = call(PUBLISHED, *case.arguments.split(), cwd=tmp_path)
    assert (done.code, done.stdout, done.stderr) == case.published
    written = {path.name: without_delimiters(path.read_bytes()) for path in tmp_path.iterdir() if path.name not in before}
    assert written == {file: without_delimiters(data) for file, data in case.written.items()}


def test_the_published_program_signs_with_a_wrong_public_half(tmp_path: Path) -> None:
    for file, data in {**KEYS, "x": M, "half": K1.compact()[:33] + K2.public.raw}.items():
        (tmp_path / file).write_bytes(data)
    assert call(PUBLISHED, "sign", "-i", "x", "-o", "out", "-k", "half", cwd=tmp_path).code == 0
    for key in ("p1", "p2"):
        assert call(PUBLISHED, "verify", "-i", "out", "-K", key, cwd=tmp_path).code == 1
