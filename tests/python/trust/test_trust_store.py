"""Trust stores: every form of a key, every member, and every refusal with its place."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.signing import K1, K2, KEY_ID_1, M_SIGNED, P256_PEM, SPKI_1, SSH_LINE_1
from wasm_oci.errors import KeyFormatError, LimitError, UsageError, WasmOciError
from wasm_oci.jsontext import pretty
from wasm_oci.keys import pem
from wasm_oci.keys.any_key import parse_any_public_keys
from wasm_oci.keys.key import PublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.trust.request import TrustRequest
from wasm_oci.trust.timestamps import parse_timestamp, timestamp_text
from wasm_oci.trust.trust import Trust, TrustedKey, verify_trusted
from wasm_oci.trust.trust_store import bundled, document_of, load_trust_store, parse_trust_store

COMPACT_1 = base64.b64encode(K1.public.compact()).decode()
DER_1 = pem.unarmoured(SPKI_1.decode(), where="", public=True)[1]


def parsed(text: str) -> tuple[TrustedKey, ...]:
    return parse_trust_store(text.encode(), bundled({}, "", where="t"), where="t")


@pytest.mark.parametrize(
    ("key", "key_format"),
    [
        (SSH_LINE_1, "openssh"),
        (f"{SSH_LINE_1} someone@example.org", "openssh"),
        (base64.b64encode(K1.public.raw).decode(), "compact"),
        (base64.b64encode(K1.public.compact()).decode(), "compact"),
        (f'"{COMPACT_1[:20]}\\n  {COMPACT_1[20:]}\\n"', "compact"),
        (base64.b64encode(DER_1).decode(), "pem"),
        ("|\n" + "".join(f"      {line}\n" for line in SPKI_1.decode().splitlines()), "pem"),
    ],
    ids=["openssh", "comment", "raw", "compact", "lines", "der", "pem"],
)
def test_a_key_is_written_in_any_form_and_keeps_it(key: str, key_format: str) -> None:
    (found,) = parsed(f"keys:\n  - name: one\n    public_key: {key}\n")
    assert found == TrustedKey(name="one", public=K1.public)
    assert isinstance(found.public, PublicKey)
    assert (found.public.format, found.public.comment) == (key_format, "")
    (again,) = parse_trust_store(pretty(document_of((found,))), bundled({}, "", where="t"), where="t")
    assert (again, again.public.format) == (found, key_format)


def test_a_p256_key_is_listed_for_statements_and_signs_no_wasm(tmp_path: Path) -> None:
    (public,) = parse_any_public_keys(P256_PEM.encode(), where="cosign.pub")
    inline = "".join(f"      {line}\n" for line in P256_PEM.splitlines())
    (found,) = parsed(f"keys:\n  - name: cosign\n    public_key: |\n{inline}    revoked: true\n    key_id: {public.key_id.hex()}\n")
    assert found == TrustedKey(name="cosign", public=public, revoked=True)
    assert parse_trust_store(pretty(document_of((found,))), bundled({}, "", where="t"), where="t") == (found,)
    module = tmp_path / "m.wasm"
    module.write_bytes(M_SIGNED)
    with pytest.raises(UsageError, match="none of the trusted keys is an Ed25519 key"):
        verify_trusted(module, Trust.of_store([found], at=None))
    both = Trust.of_store([found, TrustedKey(name="one", public=K1.public)], at=None)
    assert verify_trusted(module, both).keys == (K1.public,)


def test_a_file_of_a_p256_key_is_trusted_for_statements_only(tmp_path: Path) -> None:
    (tmp_path / "cosign.pub").write_text(P256_PEM)
    request = TrustRequest(
        public_keys=(tmp_path / "cosign.pub",), trusted_keys=None, threshold=1, split_regex=None, openssh=False, at=None, ignore_time=False
    )
    trust = request.trust(for_statements=True)
    assert trust is not None
    assert trust.keys == parse_any_public_keys(P256_PEM.encode(), where="")
    with pytest.raises(KeyFormatError, match="of type ECDSA; Ed25519 is needed"):
        request.trust()


@pytest.mark.parametrize(
    "text", ["canary-51fe", "canary 51fe", "ssh-rsa canary", base64.b64encode(b"canary 51fe " * 4).decode(), '"\\0canary"']
)
def test_what_is_no_public_key_is_not_shown(text: str) -> None:
    """It may be a secret in the wrong place."""
    with pytest.raises(
        KeyFormatError, match=r"t: keys\[0\].public_key: this is not a public key; write an Ed25519 key as OpenSSH line"
    ) as caught:
        parsed(f"keys:\n  - name: one\n    public_key: {text}\n")
    assert "canary" not in str(caught.value)
    assert text[:10] not in str(caught.value)


def test_all_members_and_the_normal_form(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/two.public").write_bytes(K2.public.compact())
    path = tmp_path / "trust.yaml"
    path.write_text(
        f"""keys:
  - name: zwei
    public_key_file: keys/two.public
    not_before: 2026-01-01
    not_after: 2026-12-31
    revoked: true
    development: true
    comment: "two\\nlines"
  - {{name: //a:b, public_key: "{SSH_LINE_1}", key_id: {KEY_ID_1.hex()}, not_after: 2027-06-30T12:00:00Z, revoked: false}}
"""
    )
    keys = load_trust_store(path)
    assert keys == (
        TrustedKey(
            name="zwei",
            public=K2.public,
            not_before=datetime(2026, 1, 1, tzinfo=UTC),
            not_after=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
            revoked=True,
            comment="two\nlines",
            development=True,
        ),
        TrustedKey(name="//a:b", public=K1.public, not_after=datetime(2027, 6, 30, 12, tzinfo=UTC)),
    )
    text = pretty(document_of(keys))
    assert document_of(keys)["keys"][0] == {
        "name": "//a:b",
        "key_id": KEY_ID_1.hex(),
        "public_key": SSH_LINE_1,
        "not_after": "2027-06-30T12:00:00Z",
    }
    again = parse_trust_store(text, bundled({}, "", where="t"), where="t")
    assert again == keys[::-1]
    assert pretty(document_of(again)) == text


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


KEY = f"public_key: {SSH_LINE_1}"
SSH_LINE_2 = K2.public.openssh().decode()
TWO = base64.b64encode(K2.public.raw).decode()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("keyz: []", "t: keyz: unknown member 'keyz'; did you mean keys?"),
        ("{}", "t: keys: the member is missing; add keys"),
        ("keys: []", "t: keys: fewer than 1 entries; write at least 1"),
        ("keys: {a: b}", "t: keys: expected a list, not an object"),
        ("schemaVersion: 2\nkeys: []", "t: schemaVersion: unknown value 2; use 1"),
        ("keys: [a]", "t: keys[0]: expected an object, not 'a'; write `member: value` lines"),
        (
            f"keys: [{{name: a, {KEY}, not_afer: 2026-01-01}}]",
            "keys[0].not_afer: unknown member 'not_afer'; did you mean not_after?",
        ),
        (f"keys: [{{name: a, {KEY}, zzz: 1}}]", "t: keys[0].zzz: unknown member 'zzz'; the members are name, public_key, "),
        (f"keys: [{{{KEY}}}]", "t: keys[0].name: the member is missing; add name"),
        (f"keys: [{{name: 2027, {KEY}}}]", "t: keys[0].name: expected text, not 2027; write it in quotation marks"),
        (f"keys: [{{name: 'a b', {KEY}}}]", "t: keys[0].name: 'a b' is not a key's name"),
        (f"keys: [{{name: 'a|b', {KEY}}}]", "'a|b' is not a key's name"),
        (f"keys: [{{name: 'r\u0435lease', {KEY}}}]", "'r\\u0435lease' is not a key's name; use ASCII letters"),
        (f"keys:\n- name: a\n  {KEY}\n   revoked:true", "t: line 3: the value goes on in the next line without quotation marks"),
        (f"keys:\n- name: a\n  {KEY}\n   revoked\uff1a true", "t: line 3: the value goes on in the next line without quotation marks"),
        (
            f"keys:\n- name: a\n  public_key: |\n    {SSH_LINE_1}\n    revoked: true",
            "keys[0].public_key: there is other text beside the key; write the OpenSSH line or the PEM block alone",
        ),
        ("keys:\n- name: a\n  public_key: |\n" + indented(f"revoked: true\n{SPKI_1.decode()}"), "there is other text beside the key"),
        ("keys:\n- name: a\n  public_key: |\n" + indented(f"{SPKI_1.decode()}revoked: true"), "there is other text beside the key"),
        (f"keys: [{{name: a, public_key: '# {SSH_LINE_1}'}}]", "there is other text beside the key"),
        (f"keys: [{{name: 'a,b', {KEY}}}]", "'a,b' is not a key's name"),
        (f"keys: [{{name: '', {KEY}}}]", "t: keys[0].name: fewer than 1 characters"),
        (f"keys: [{{name: {'n' * 129}, {KEY}}}]", "t: keys[0].name: more than 128 characters"),
        ("keys: [{name: a}]", "t: keys[0]: exactly one of public_key and public_key_file is needed"),
        (f"keys: [{{name: a, {KEY}, public_key_file: b}}]", "exactly one of public_key and public_key_file"),
        ("keys: [{name: a, public_key: [b]}]", "t: keys[0].public_key: expected text, not a list"),
        ("keys: [{name: a, public_key: 7357}]", "t: keys[0].public_key: expected text, not a number"),
        ("keys: [{name: a, public_key:}]", "t: keys[0].public_key: expected text, not null"),
        ("keys: [{name: a, public_key: hello there}]", "t: keys[0].public_key: "),
        ("keys: [{name: a, public_key: aGVsbG8=}]", "t: keys[0].public_key: "),
        ("keys: [{name: a, public_key: ''}]", "t: keys[0].public_key: this is not a public key"),
        (f"keys: [{{name: a, public_key: {base64.b64encode(K1.compact()).decode()}}}]", "t: keys[0].public_key: this is a secret key"),
        (
            f"keys:\n- name: a\n  public_key: |\n    {SSH_LINE_1}\n    {K2.public.openssh().decode()}",
            "keys[0].public_key: it holds 2 keys",
        ),
        ("keys: [{name: a, public_key_file: b.pub}]", "b.pub is not among the srcs"),
        (
            f"keys: [{{name: a, {KEY}, not_after: 2026-02-30}}]",
            "keys[0].not_after: 2026-02-30 does not exist; correct the date or time",
        ),
        (
            f"keys: [{{name: a, {KEY}, not_before: tomorrow}}]",
            "keys[0].not_before: 'tomorrow' is not a date or time; write 2027-12-31 or",
        ),
        (f"keys: [{{name: a, {KEY}, not_before: 2026}}]", "t: keys[0].not_before: expected text, not 2026"),
        (f"keys: [{{name: a, {KEY}, not_after:}}]", "t: keys[0].not_after: expected text, not null; write it in quotation marks, or leave"),
        (
            f"keys: [{{name: a, {KEY}, not_before: 2026-03-02, not_after: 2026-03-01}}]",
            "keys[0].not_after: the key would never be valid",
        ),
        (f"keys: [{{name: a, {KEY}, revoked: yes}}]", "t: keys[0].revoked: expected true or false, not 'yes'; write true or false"),
        (f"keys: [{{name: a, {KEY}, revoked: 'true'}}]", "t: keys[0].revoked: expected true or false, not 'true'"),
        (f"keys: [{{name: a, {KEY}, revoked:}}]", "t: keys[0].revoked: expected true or false, not null"),
        (f"keys: [{{name: a, {KEY}, development: 1}}]", "t: keys[0].development: expected true or false, not 1"),
        (f'keys: [{{name: a, {KEY}, comment: "a\\tb"}}]', "t: keys[0].comment: the comment is not plain text"),
        (f"keys: [{{name: a, {KEY}, comment: {'c' * 1001}}}]", "t: keys[0].comment: more than 1000 characters"),
        (f"keys: [{{name: a, {KEY}, key_id: abc}}]", f"t: keys[0].key_id: the key's id is {KEY_ID_1.hex()}"),
        (f"keys: [{{name: a, {KEY}}}, {{name: a, public_key: {TWO}}}]", "t: keys[1].name: the name a is there twice, in keys[0] too"),
        (
            f"keys: [{{name: a, {KEY}}}, {{name: b, {KEY}}}]",
            f"keys[1].public_key: the key {KEY_ID_1.hex()} is there twice, in keys[0] too",
        ),
    ],
)
def test_refusals(text: str, problem: str) -> None:
    with pytest.raises(WasmOciError) as caught:
        parsed(text)
    assert problem in str(caught.value)
    assert caught.value.exit_code == 2
    assert caught.value.hint or "secret" in problem


def test_too_many_keys() -> None:
    with pytest.raises(LimitError, match="t: keys: more than 1024 entries"):
        parsed("keys: [" + "a," * (LIMITS.trusted_keys + 1) + "]")


def test_a_named_file_is_read_beside_the_store(tmp_path: Path) -> None:
    path = tmp_path / "trust.yaml"
    path.write_text("keys: [{name: a, public_key_file: gone.pub}]")
    with pytest.raises(UsageError, match=r"gone\.pub: cannot read the public key"):
        load_trust_store(path)
    (tmp_path / "gone.pub").write_bytes(K1.public.openssh() + K2.public.openssh())
    with pytest.raises(WasmOciError, match=r"trust\.yaml: keys\[0\]\.public_key_file: it holds 2 keys"):
        load_trust_store(path)


@pytest.mark.parametrize(("name", "made"), [("../keys/a.pub", False), ("made.pub", True)])
def test_a_build_reads_listed_files_only_and_marks_what_it_made(name: str, made: bool) -> None:
    files = {"keys/a.pub": (K1.public.openssh(), False), "pkg/made.pub": (K1.public.openssh(), True)}
    text = f"keys: [{{name: a, public_key_file: {name}}}]".encode()
    (key,) = parse_trust_store(text, bundled(files, "pkg", where="t"), where="t")
    assert key == TrustedKey(name="a", public=K1.public, development=made)


@pytest.mark.parametrize(
    ("text", "last", "timestamp"),
    [
        ("2026-11-25", False, "2026-11-25T00:00:00Z"),
        ("2026-11-25", True, "2026-11-25T23:59:59Z"),
        ("9999-12-31", True, "9999-12-31T23:59:59Z"),
        ("0001-01-01", False, "0001-01-01T00:00:00Z"),
        ("2026-11-25t06:07:08z", True, "2026-11-25T06:07:08Z"),
    ],
)
def test_timestamps(text: str, last: bool, timestamp: str) -> None:
    assert timestamp_text(parse_timestamp(text, where="t", last=last)) == timestamp


@pytest.mark.parametrize(
    "text", ["", "2026-1-1", "2026-11-25T06:07Z", "2026-11-25 06:07:08Z", "2026-11-25T06:07:08+01:00", "2026-11-25\n", "٢٠٢٦-11-25"]
)
def test_other_forms_are_no_timestamps(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date or time"):
        parse_timestamp(text, where="t")


@pytest.mark.parametrize("text", ["0000-01-01", "2026-11-31", "2026-11-25T24:00:00Z", "2026-11-25T23:59:60Z"])
def test_timestamps_that_do_not_exist(text: str) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        parse_timestamp(text, where="t")
