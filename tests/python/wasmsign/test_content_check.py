"""Comparing a file with its signatures while its content passes by."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fakes.wasm import COMPONENT, custom
from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, SignatureError, WasmOciError
from wasm_oci.limits import LIMITS
from wasm_oci.wasm.sections import PREAMBLE_SIZE
from wasm_oci.wasmsign.content_check import ContentCheck, Covered
from wasm_oci.wasmsign.parts import Part, Stretch, read_parts

SIZES = pytest.mark.parametrize("padding", [0, 100, 3 * LIMITS.chunk])


def check_of(path: Path, content: bytes, *, hashes: tuple[bytes, ...] | None = None, digest: Digest | None = None) -> ContentCheck:
    """What a detached signature of `content`, or of `hashes`, says of the file at `path`."""
    path.write_bytes(content)
    if hashes is None:
        with path.open("rb") as stream:
            parts = read_parts(Stretch(stream=stream, start=PREAMBLE_SIZE, detached=True, where=""), None)
        hashes = tuple(part.digest for part in parts)
    covered = Covered(start=PREAMBLE_SIZE, detached=True, hashes=hashes, where="the signature")
    return ContentCheck(path, digest or Digest.of(content), len(content), [covered, covered], where="the component")


def component(padding: int) -> bytes:
    return COMPONENT + custom("a", bytes(padding)) + custom("b", b"end")


def given(check: ContentCheck) -> tuple[bytes, WasmOciError | None]:
    """What a consumer gets, and why no more."""
    content = b""
    try:
        for piece in check.pieces():
            content += piece
    except WasmOciError as err:
        return content, err
    return content, None


@SIZES
def test_the_content_passes_unchanged(tmp_path: Path, padding: int) -> None:
    content = component(padding)
    check = check_of(tmp_path / "x.wasm", content)
    assert given(check) == (content, None)
    check.finish()
    assert given(check) == (content, None)


@SIZES
def test_nobody_gets_the_whole_of_what_is_not_signed(tmp_path: Path, padding: int) -> None:
    content = component(padding)
    check = check_of(tmp_path / "x.wasm", content, hashes=(bytes(32),))
    got, error = given(check)
    assert isinstance(error, SignatureError)
    assert (error.reason, error.where, got == content[: len(got)], len(got) < len(content)) == (
        "content_changed",
        "the signature",
        True,
        True,
    )
    with pytest.raises(SignatureError):
        check.finish()


@SIZES
@pytest.mark.parametrize("change", [lambda data: data[:-1] + b"x", lambda data: data + b"x", lambda data: data[:-1]])
def test_nobody_gets_the_whole_of_what_is_damaged(tmp_path: Path, padding: int, change: object) -> None:
    content = component(padding)
    check = check_of(tmp_path / "x.wasm", content)
    (tmp_path / "x.wasm").write_bytes(change(content))  # type: ignore[operator]
    got, error = given(check)
    assert (type(error), len(got) < len(content)) == (DigestError, True)


@SIZES
def test_content_that_is_not_wasm_is_refused(tmp_path: Path, padding: int) -> None:
    _got, error = given(check_of(tmp_path / "x.wasm", component(padding) + b"\xff\xff", hashes=(bytes(32),)))
    assert isinstance(error, FormatError)


def test_what_follows_is_compared_again_until_a_content_of_the_digest_was_right(tmp_path: Path) -> None:
    """The first content has the right parts and another preamble; the second has the digest and other parts."""
    good = component(2 * LIMITS.chunk)
    other = component(2 * LIMITS.chunk)[:-1] + b"x"
    check = check_of(tmp_path / "x.wasm", good, digest=Digest.of(other))
    assert isinstance(given(check)[1], DigestError)
    (tmp_path / "x.wasm").write_bytes(other)
    assert isinstance(given(check)[1], SignatureError)


def test_a_consumer_that_goes_away_leaves_no_thread(tmp_path: Path) -> None:
    check = check_of(tmp_path / "x.wasm", component(20 * LIMITS.chunk))
    pieces = check.pieces()
    next(pieces)
    del pieces
    assert "content-check" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_nobody_waits_for_a_reader_that_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = component(20 * LIMITS.chunk)
    check = check_of(tmp_path / "x.wasm", content)

    def fail(*_anything: object) -> tuple[Part, ...]:
        raise MemoryError

    monkeypatch.setattr("wasm_oci.wasmsign.content_check.read_parts", fail)
    got, error = given(check)
    assert (type(error), len(got) < len(content)) == (SignatureError, True)
