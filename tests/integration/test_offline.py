"""Verification needs no network: the built program in a network namespace without an interface, for every verdict.

Bazel makes the namespace for this test (tag block-network); the first test says so if it did not.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from peers import call, wasm_oci

from fakes.signing import K1, K2, M_PAYLOAD_WITH_ID, M_SIGNED_TWICE, PARTS_SIGNED, M, delimiter, signed
from fakes.wasm import custom

TAIL = custom("tail", b"not signed")


def with_payload(payload: bytes) -> bytes:
    return M[:8] + custom("signature", payload) + M[8:]


def changed(data: bytes, position: int) -> bytes:
    return data[:position] + bytes((data[position] ^ 1,)) + data[position + 1 :]


REFUSED = {
    "no signature": (M, "unsigned", "the file is not signed"),
    "another key": (None, "no_trusted_key", "none of the given keys signed it"),
    "changed content": (changed(M_SIGNED_TWICE, len(M_SIGNED_TWICE) - 1), "content_changed", "the content"),
    "a part changed": (changed(PARTS_SIGNED, len(PARTS_SIGNED) - 39), "content_changed", "section"),
    "cut off after a delimiter": (PARTS_SIGNED[: -len(custom("name", b"\0\4\3foo") + delimiter(bytes(16)))], "content_changed", "missing"),
    "content after the last delimiter": (PARTS_SIGNED + TAIL, "content_changed", ""),
    "a delimiter removed": (PARTS_SIGNED[: -len(delimiter(bytes(16)))], "content_changed", ""),
    "bytes left over in the signature": (with_payload(M_PAYLOAD_WITH_ID + b"\0"), "malformed_signature", "left over"),
    "a signature that ends too early": (with_payload(M_PAYLOAD_WITH_ID[:-1]), "malformed_signature", "ends too early"),
    "another version": (with_payload(b"\2" + M_PAYLOAD_WITH_ID[1:]), "unsupported_version", "version 2"),
    "a second signature": (M_SIGNED_TWICE + custom("signature", M_PAYLOAD_WITH_ID), "malformed_signature", "one more signature section"),
    "no WebAssembly": (b"\x7fELF" + bytes(60), "malformed_module", "neither a WebAssembly module nor a component"),
    "a file cut off inside a section": (M_SIGNED_TWICE[:-1], "malformed_module", "the file ends"),
}


def test_there_is_no_interface() -> None:
    interfaces = [line.split(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:]]
    assert set(interfaces) <= {"lo"}


@pytest.mark.parametrize("detached", [False, True])
def test_a_signed_file_verifies(tmp_path: Path, detached: bool) -> None:
    public = tmp_path / "key.public"
    public.write_bytes(K1.public.compact())
    (tmp_path / "a.wasm").write_bytes(M if detached else signed(tmp_path, M, K1))
    (tmp_path / "a.sig").write_bytes(M_PAYLOAD_WITH_ID)
    signature: list[str | Path] = ["-S", tmp_path / "a.sig"] if detached else []
    done = call(wasm_oci(), "verify", "-i", tmp_path / "a.wasm", "-K", public, *signature)
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.parametrize("case", REFUSED)
def test_it_fails_closed_with_a_clear_line(tmp_path: Path, case: str) -> None:
    data, reason, words = REFUSED[case]
    public, wasm = tmp_path / "key.public", tmp_path / "a.wasm"
    public.write_bytes(K1.public.compact())
    wasm.write_bytes(signed(tmp_path, M, K2) if data is None else data)
    done = call(wasm_oci(), "verify", "-i", wasm, "-K", public, "--output", "json")
    assert done.code == 4
    assert json.loads(done.stdout)["error"]["reason"] == reason
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"wasm_oci: {wasm}: ")
    assert words in line
    assert "; " in line, "it says what to do next"
