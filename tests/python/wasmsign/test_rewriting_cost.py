"""Splitting, detaching, attaching and verifying in part: memory does not grow with the file."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.signing import K1, M_SIGNED
from fakes.wasm import MODULE, custom, section
from wasm_oci.keys import ed25519
from wasm_oci.limits import MIB
from wasm_oci.wasm.varint import encode_u32
from wasm_oci.wasmsign.detach import attach_file, detach_file
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.split import split_file
from wasm_oci.wasmsign.verify import verify_file

NAME = SectionPattern("name")
LARGE = 48 * MIB


def peak_of(action: Callable[[], object]) -> int:
    ed25519.verifier(K1.public.raw)
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def large_section(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(MODULE + custom("other", b"x") + b"\x0b" + encode_u32(LARGE))
        stream.truncate(stream.tell() + LARGE)


def many_sections(path: Path) -> None:
    path.write_bytes(MODULE + (section(1, b"x" * 20) + custom("name", b"y" * 150) + b"\x02\x81\x80\x00z") * 3_000)


@pytest.mark.parametrize("make", [large_section, many_sections])
def test_memory_is_small(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path, signature = tmp_path / "m.wasm", tmp_path / "m.sig"
    make(path)
    size = path.stat().st_size
    assert peak_of(lambda: split_file(path, path, NAME)) < 2 * MIB
    sign_file(path, path, K1, key_id=None)
    assert peak_of(lambda: verify_file(path, [K1.public], pattern=NAME)) < 2 * MIB
    assert peak_of(lambda: detach_file(path, path, signature)) < 2 * MIB
    assert peak_of(lambda: verify_file(path, [K1.public], pattern=NAME, signature=signature.read_bytes())) < 2 * MIB
    assert peak_of(lambda: attach_file(path, path, signature)) < 6 * MIB
    assert path.stat().st_size > size * 0.9


def test_names_that_do_not_match_and_hostile_expressions_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "m.wasm"
    path.write_bytes(MODULE + section(1, b"") + custom("a" * 50_000, b""))
    assert split_file(path, path, SectionPattern("(a+)+$b")).added == (1, 3)


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        ("split -i m -o o", "cryptography urllib3 re2"),
        ("split -i m -o o -s name", "cryptography urllib3"),
        ("detach -i signed -o o -S s", "cryptography urllib3 re2"),
        ("attach -i m -o o -S sig", "cryptography urllib3 re2"),
        ("verify -i signed -K p1", "urllib3 re2"),
        ("verify_matrix -i signed -K p1", "urllib3 re2"),
    ],
)
def test_nothing_is_imported_that_is_not_needed(tmp_path: Path, arguments: str, absent: str) -> None:
    plain, payload = MODULE + M_SIGNED[-19:], M_SIGNED[20:-19]
    for name, data in {"m": plain, "signed": M_SIGNED, "sig": payload, "p1": K1.public.compact()}.items():
        (tmp_path / name).write_bytes(data)
    code = (
        f"import sys; sys.path[:] = {sys.path!r}; from wasm_oci.wasmsign2.program import main; code = main({arguments.split()!r}); "
        f"print([name for name in {absent.split()!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("[]\n")
