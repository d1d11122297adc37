"""Memory does not grow with the file, nor with what a file declares; heavy imports wait until they are needed."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.signing import K1
from fakes.wasm import MODULE, custom, section
from wasm_oci.errors import LimitError, SignatureError, UsageError
from wasm_oci.limits import MIB
from wasm_oci.wasm.varint import encode_u32
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.verify import verify_file
from wasm_oci.wasmsign2 import program as wasmsign2


def peak_of(action: Callable[[], object]) -> int:
    """Bytes that `action` has allocated at most at any time."""
    K1.sign(b"what is imported once does not count")
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def sparse_module(path: Path, size: int) -> None:
    """One section of `size` zero bytes, which takes no room on most file systems."""
    with path.open("wb") as stream:
        stream.write(MODULE + b"\x0a" + encode_u32(size))
        stream.truncate(stream.tell() + size)


def test_memory_is_small_for_a_large_file(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    sparse_module(source, 64 * MIB)
    assert peak_of(lambda: sign_file(source, output, K1, key_id=None)) < 4 * MIB
    assert peak_of(lambda: verify_file(output, [K1.public])) < 2 * MIB
    assert output.stat().st_size > 64 * MIB


def test_memory_is_small_for_many_sections(tmp_path: Path) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(MODULE + (section(1, b"x" * 20) + custom("name", b"y" * 150) + b"\x02\x81\x80\x00z") * 10_000)
    assert peak_of(lambda: sign_file(source, output, K1, key_id=None)) < 6 * MIB
    assert peak_of(lambda: verify_file(output, [K1.public])) < 2 * MIB


@pytest.mark.parametrize("command", ["show -i in.wasm", "sign -i in.wasm -o out.wasm -k k1", "split -i in.wasm -o out.wasm -s [^x]"])
def test_what_is_printed_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Each line is written when it is made: those of long names, and those of delimiters with much data."""
    monkeypatch.chdir(tmp_path)
    Path("k1").write_bytes(K1.compact())
    names = custom("\x01" * 100_000, b"") * 20
    Path("in.wasm").write_bytes(MODULE + names + custom("signature_delimiter", bytes(4 * MIB + 100)) * 3 + section(1, b"x"))
    with Path("lines").open("w") as lines:
        monkeypatch.setattr(sys, "stdout", lines)
        assert peak_of(lambda: wasmsign2.main(["-v", *command.split()])) < 5 * MIB
    text = Path("lines").read_text()
    assert text.count("\\x01") == 2_000_000
    assert text.count(f"- delimiter: [{'00' * (4 * MIB + 100)}]\n") == 3
    assert "\n\n23:\ttypes section\n" in text or "\n\n24:\ttypes section\n" in text


def test_a_declared_size_allocates_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in.wasm"
    for data in (
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x00\xff\xff\xff\xff\x0f\xff\xff\xff\xff\x0f",
        custom("signature", b"")[:-10] + b"\xff\x7f",
    ):
        source.write_bytes(MODULE + data)

        def attempt() -> None:
            with pytest.raises(SignatureError):
                verify_file(source, [K1.public])

        assert peak_of(attempt) < MIB


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    source = tmp_path / "in.wasm"
    with source.open("wb") as stream:
        stream.write(MODULE)
        stream.truncate((4 << 30) + 1)
    with pytest.raises(LimitError, match="larger than"):
        sign_file(source, tmp_path / "out.wasm", K1, key_id=None)
    with pytest.raises(SignatureError, match="larger than") as caught:
        verify_file(source, [K1.public])
    assert caught.value.reason == "malformed_module"
    assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["wasm_oci.cli.main", "--help"],
        ["wasm_oci.cli.main", "sign", "--help"],
        ["wasm_oci.cli.main", "verify", "--help"],
        ["wasm_oci.cli.main", "keygen", "--help"],
        ["wasm_oci.wasmsign2.program", "--help"],
        ["wasm_oci.wasmsign2.program", "show", "-i", "m.wasm"],
    ],
)
def test_cryptography_is_not_imported_for_what_needs_none(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "m.wasm").write_bytes(MODULE + custom("name", b""))
    module, *rest = arguments
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; code = main({rest!r}); "
        "assert 'cryptography' not in sys.modules and 'urllib3' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_full_disk_is_one_error_and_no_file(tmp_path: Path) -> None:
    source = tmp_path / "in.wasm"
    source.write_bytes(MODULE + section(1, b"x"))

    class Full:
        public = K1.public

        def sign(self, message: bytes) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(UsageError, match="No space left on device"):
        sign_file(source, tmp_path / "out.wasm", Full(), key_id=None)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wasm"]
