"""Verification needs no network: the built program in a network namespace without an interface, for every verdict.

Bazel makes the namespace for this test (tag block-network); the first test says so if it did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from peers import call, wasm_oci

from fakes.differences import DIFFERENCES
from fakes.signing import K1, K2, M_PAYLOAD, M_PAYLOAD_WITH_ID, M_SIGNED, M_SIGNED_TWICE, PARTS_SIGNED, M, delimiter, signed
from fakes.wasm import custom
from wasm_oci.keys.key import SecretKey

TAIL = custom("tail", b"not signed")


def with_payload(payload: bytes) -> bytes:
    return M[:8] + custom("signature", payload) + M[8:]


def changed(data: bytes, position: int) -> bytes:
    place = position % len(data)
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file, what a verifier is told about it, and how it is refused."""

    data: bytes
    reason: str
    words: str
    options: str = "-K key.public"
    signature: bytes = b""
    store: str = "comment: trusted"
    """What the list of trusted keys says of `first`, which is K1; its other key is K2."""
    where: str = "a.wasm"


def of(secret: SecretKey) -> str:
    return secret.public.openssh().decode().strip()


DETACHED, IN_PART, LISTED = "-K key.public -S a.sig", "-K key.public --split-regex name", "--trusted-keys trusted.yaml"
NAME_PART = custom("name", b"\0\4\3foo") + delimiter(bytes(16))

REFUSED = {
    "no signature": Refused(data=M, reason="unsigned", words="the file is not signed"),
    "another key": Refused(data=M_SIGNED, reason="no_trusted_key", words="none of the given keys signed it", options="-K other.public"),
    "changed content": Refused(data=changed(M_SIGNED_TWICE, -1), reason="content_changed", words="the content is not what was signed"),
    "a part changed": Refused(data=changed(PARTS_SIGNED, -39), reason="content_changed", words="the part of sections 3 to 4"),
    "cut off after a delimiter": Refused(
        data=PARTS_SIGNED[: -len(NAME_PART)], reason="content_changed", words="parts of what was signed are missing"
    ),
    "content after the last delimiter": Refused(data=PARTS_SIGNED + TAIL, reason="content_changed", words="came after all that was signed"),
    "a delimiter removed": Refused(
        data=PARTS_SIGNED[: -len(delimiter(bytes(16)))], reason="content_changed", words="section 3 (custom section 'name') changed"
    ),
    "bytes left over in the signature": Refused(
        data=with_payload(M_PAYLOAD_WITH_ID + b"\0"), reason="malformed_signature", words="1 byte is left over"
    ),
    "a signature that ends too early": Refused(
        data=with_payload(M_PAYLOAD_WITH_ID[:-1]), reason="malformed_signature", words="it ends too early"
    ),
    "another version": Refused(
        data=with_payload(b"\2" + M_PAYLOAD_WITH_ID[1:]), reason="unsupported_version", words="has specification version 2"
    ),
    "a second signature": Refused(
        data=M_SIGNED_TWICE + custom("signature", M_PAYLOAD_WITH_ID),
        reason="malformed_signature",
        words="there is one more signature section",
    ),
    "no WebAssembly": Refused(data=b"\x7fELF" + bytes(60), reason="malformed_module", words="neither a WebAssembly module nor a component"),
    "a file cut off inside a section": Refused(data=M_SIGNED_TWICE[:-1], reason="malformed_module", words="but the file ends at byte"),
    "in part, without a delimiter": Refused(data=M_SIGNED, reason="not_split", words="the file has no delimiters", options=IN_PART),
    "in part, without a section that matches": Refused(
        data=DIFFERENCES["no part that matches"].files["x"],
        reason="not_split",
        words="no section matches 'other'",
        options="-K key.public --split-regex other",
    ),
    "in part, a matching part changed": Refused(
        data=changed(PARTS_SIGNED, -39), reason="content_changed", words="the part of sections 3 to 4", options=IN_PART
    ),
    "detached, changed content": Refused(
        data=changed(M, -1), reason="content_changed", words="the content is not what was signed", options=DETACHED, signature=M_PAYLOAD
    ),
    "detached, another key": Refused(
        data=M,
        reason="no_trusted_key",
        words="none of the given keys signed it",
        options="-K other.public -S a.sig",
        signature=M_PAYLOAD_WITH_ID,
    ),
    "detached, a malformed signature file": Refused(
        data=M,
        reason="malformed_signature",
        words="it ends too early",
        options=DETACHED,
        signature=M_PAYLOAD[:-1],
        where="a.sig",
    ),
    "detached, no signature file": Refused(
        data=M,
        reason="malformed_signature",
        words="cannot read the signature file",
        options="-K key.public -S absent.sig",
        where="absent.sig",
    ),
    "a revoked key": Refused(data=M_SIGNED, reason="key_revoked", words="key first is revoked", options=LISTED, store="revoked: true"),
    "an expired key": Refused(
        data=M_SIGNED, reason="key_expired", words="key first expired after 2020-12-31", options=LISTED, store="not_after: 2020-12-31"
    ),
    "a key of the future": Refused(
        data=M_SIGNED,
        reason="key_not_yet_valid",
        words="key first is not valid before 2999-01-01T00:00:00Z",
        options=LISTED,
        store="not_before: 2999-01-01",
    ),
    "too few keys": Refused(
        data=M_SIGNED,
        reason="threshold",
        words="1 of the 2 required trusted keys signed it",
        options=LISTED + " --threshold 2",
    ),
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
    refused = REFUSED[case]
    (tmp_path / "a.wasm").write_bytes(refused.data)
    (tmp_path / "a.sig").write_bytes(refused.signature)
    (tmp_path / "key.public").write_bytes(K1.public.compact())
    (tmp_path / "other.public").write_bytes(K2.public.compact())
    keys = f"[{{name: first, public_key: {of(K1)}, {refused.store}}}, {{name: second, public_key: {of(K2)}}}]"
    (tmp_path / "trusted.yaml").write_text(f"keys: {keys}\n")
    done = call(wasm_oci(), "verify", "-i", "a.wasm", *refused.options.split(), "--output", "json", cwd=tmp_path)
    assert done.code == 4, done
    assert done.json["error"]["reason"] == refused.reason
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"wasm_oci: {refused.where}: ")
    assert refused.words in line
    assert "; " in line, "it says what to do next"
