"""A component whose file changes once its signatures were read: what is sent is what they were found in, or nothing whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.artifacts import component, key, layout_of, signed_image
from fakes.wasm import COMPONENT, MODULE, custom
from wasm_oci.errors import SignatureError
from wasm_oci.limits import LIMITS
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.signatures import check_signatures
from wasm_oci.wasm.sections import PREAMBLE_SIZE
from wasm_oci.wasmsign.content_check import ContentCheck
from wasm_oci.wasmsign.section import read_signature
from wasm_oci.wasmsign.signature import SignatureRecord, message

LARGE = LIMITS.checked_early + 2 * LIMITS.chunk


def another_signature(folder: Path, padding: int) -> tuple[bytes, bytes]:
    """The signature is damaged, and what it is of stays as it is."""
    wasm = signed_image(folder, padding=padding).wasm
    end = len(wasm) - len(component(padding=padding)) + PREAMBLE_SIZE
    return wasm, wasm[: end - 1] + bytes([wasm[end - 1] ^ 1]) + wasm[end:]


def a_signature_where_there_was_none(folder: Path, padding: int) -> tuple[bytes, bytes]:
    del folder
    rest = component(padding=padding)[PREAMBLE_SIZE:]
    return COMPONENT + custom("signaturf", b"\1" * 9) + rest, COMPONENT + custom("signature", b"\1" * 9) + rest


def another_kind_of_file(folder: Path, padding: int) -> tuple[bytes, bytes]:
    del folder
    wasm = component(padding=padding)
    return wasm, MODULE[:PREAMBLE_SIZE] + wasm[PREAMBLE_SIZE:]


def another_content_of_several_sets(folder: Path, padding: int) -> tuple[bytes, bytes]:
    """The signature is one of two contents, the first of which is there when it is read; what is sent is a third."""
    wasm = signed_image(folder, padding=padding).wasm
    data = read_signature(folder / "out.wasm")
    assert data
    other = (bytes(32),)
    second = key(2)
    record = SignatureRecord(key_id=second.public.key_id, signature=second.sign(message(other)))
    payload = data.add(other, record).encode()
    signed = COMPONENT + custom("signature", payload) + component(padding=padding)[PREAMBLE_SIZE:]
    assert len(signed) > len(wasm)
    return signed, signed.replace(b"hello", b"jello")


CHANGES = pytest.mark.parametrize(
    "change", [another_signature, a_signature_where_there_was_none, another_kind_of_file, another_content_of_several_sets]
)


@CHANGES
@pytest.mark.parametrize("padding", [0, LARGE])
def test_what_is_sent_is_what_the_signatures_were_found_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path, int], tuple[bytes, bytes]], padding: int
) -> None:
    read, sent = change(tmp_path / "made", padding)
    assert len(read) == len(sent)
    artifact = load_artifact(layout_of(tmp_path / "layout", sent).folder)
    assert artifact.component
    file = artifact.component.path
    file.write_bytes(read)
    finish = ContentCheck.finish

    def finish_later(check: ContentCheck) -> None:
        file.write_bytes(sent)
        finish(check)

    monkeypatch.setattr(ContentCheck, "finish", finish_later)
    with pytest.raises(SignatureError) as raised:
        take_all(check_signatures(artifact).content, file, sent)
    assert raised.value.reason == "content_changed"


def take_all(content: ContentCheck | None, file: Path, now: bytes) -> None:
    """Takes what a destination is given, from the file as it is now."""
    got = 0
    file.write_bytes(now)
    try:
        for piece in content.pieces() if content else ():
            got += len(piece)
    finally:
        assert got < len(now)
