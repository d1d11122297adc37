"""What a detached signature will cover, known before there is a key."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fakes.signing import C_SIGNED, K1, M, detached, padded, random_module
from fakes.wasm import COMPONENT
from wasm_oci.cli.main import main
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.wasmsign.sign import normalise_file


@pytest.mark.parametrize("seed", range(40))
def test_it_is_what_detached_signing_writes(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    wasm, path = random_module(rng, rng.randrange(12)), tmp_path / "in.wasm"
    path.write_bytes(wasm)
    normalise_file(path, path)
    assert path.read_bytes() == detached(tmp_path, wasm, K1)[0]
    assert detached(tmp_path, path.read_bytes(), K1)[0] == path.read_bytes()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    source.write_bytes(COMPONENT + b"\1" + padded(3, 5) + b"abc")
    assert main(["normalise", "-i", str(source), "-o", str(output)]) == 0
    assert output.read_bytes() == COMPONENT + b"\1\3abc"
    assert capsys.readouterr().out == f"Normalised: {output}\n"


@pytest.mark.parametrize(
    ("content", "kind", "problem"),
    [(C_SIGNED, FormatError, "holds a signature already"), (M[:-1], FormatError, "in.wasm"), (None, UsageError, "cannot read")],
)
def test_nothing_is_written_for_what_cannot_be_signed_so(
    content: bytes | None, kind: type[Exception], problem: str, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.wasm", tmp_path / "out.wasm"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(kind, match=problem):
        normalise_file(source, output)
    assert not output.exists()
