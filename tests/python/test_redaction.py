"""Secrets that were sent, in whatever comes back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from wasm_oci import redaction
from wasm_oci.errors import RegistryError
from wasm_oci.outcome import Outcome, error_document, say, write_document, write_lines
from wasm_oci.redaction import conceal, redacted, redacted_result

TOKEN = "ghp_0123456789abcdefABCDEF"


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(redaction, "_sent", set())
    conceal(TOKEN, "pa55", "ab", "")
    yield


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing of it", "nothing of it"),
        (f"you sent {TOKEN}.", "you sent ***."),
        (f"http://{TOKEN.lower()}.example/", "http://***.example/"),
        (f"cut off: {TOKEN[:9]}", "cut off: ***"),
        (f"cut off: {TOKEN[:9]}..., '{TOKEN[:8]}'", "cut off: ***..., '***'"),
        (f"{TOKEN[:20]} begins alike", f"{TOKEN[:20]} begins alike"),
        (f"{TOKEN}{TOKEN}", "******"),
        ("http://pa55.example/pa5", "http://***.example/pa5"),
        (f"İ {TOKEN}", "İ ***"),
        ("a b ab", "a b ab"),
    ],
)
def test_secrets_are_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_a_host_that_begins_like_a_password_is_shown() -> None:
    conceal("registry-2024")
    assert redacted("registry.example/hello: the registry refused registry-2024") == "registry.example/hello: the registry refused ***"


@pytest.mark.parametrize("secret", ["pass word/1?", "p\u00e4ss+word", "pa/ss=word"])
def test_a_secret_is_hidden_in_every_encoding(secret: str) -> None:
    conceal(secret)
    data = secret.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert redacted(f"<{encode(data).decode().rstrip('=')}").startswith("<***")
        assert redacted(f"<{encode(data + b':more').decode()}").startswith("<***")
    for text in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        assert redacted(f"<{text}>") == "<***>"


SPELLINGS = {
    "Python's repr": r"""'a&"b<c>\'d/e%f+g h\\i'""",
    "Python's HTML": r"a&amp;&quot;b&lt;c&gt;&#x27;d/e%f+g h\i",
    "Go's and PHP's HTML": r"a&amp;&#34;b&lt;c&gt;&#39;d/e%f+g h\i",
    "PHP's HTML": r"a&amp;&quot;b&lt;c&gt;&#39;d/e%f+g h\i",
    "HTML text": r"""a&amp;"b&lt;c&gt;'d/e%f+g h\i""",
    "Go's JSON": r"""a\u0026\"b\u003cc\u003e'd/e%f+g h\\i""",
    "PHP's JSON": r"""a&\"b<c>'d\/e%f+g h\\i""",
    "Go's PathEscape": "a&%22b%3Cc%3E%27d%2Fe%25f+g%20h%5Ci",
    "Go's URL.String": "a&%22b%3Cc%3E%27d/e%25f+g%20h%5Ci",
    "encodeURIComponent": "a%26%22b%3Cc%3E'd%2Fe%25f%2Bg%20h%5Ci",
    "encodeURI": "a&%22b%3Cc%3E'd/e%25f+g%20h%5Ci",
    "lower-case hexadecimal digits": "a%26%22b%3cc%3e%27d%2fe%25f%2bg%20h%5ci",
    "hexadecimal": "612622623c633e27642f6525662b6720685c69",
}


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
def test_a_secret_is_hidden_as_other_languages_write_it(text: str) -> None:
    conceal("a&\"b<c>'d/e%f+g h\\i")
    assert redacted(f"<{text}>").replace("'", "") == "<***>"


@pytest.mark.parametrize(
    "secret",
    ["S3cr3t-Pass'word-xyz", 'S3cr3t-Pass"word-xyz', "S3cr3t-Pass...word-xyz", "S3cr3t-P\u00e4ss\u2026word-xyz", "S3cr3t-\u0130stanbul"],
)
def test_a_secret_that_looks_cut_off_is_hidden_whole(secret: str) -> None:
    conceal(secret)
    assert redacted(f"you sent {secret}, which is wrong") == "you sent ***, which is wrong"


def test_a_common_word_does_not_change_a_result() -> None:
    assert redacted_result(f"pa55 {TOKEN[:9]} {TOKEN}") == f"pa55 {TOKEN[:9]} ***"


@pytest.mark.parametrize("password", ["a", "0", "256", "sha256", "abcabc"])
@pytest.mark.parametrize("digest", [f"sha256:{'abc0256f' * 8}", f"sha512:{'abcabc01' * 16}"])
def test_a_short_password_does_not_change_a_digest(password: str, digest: str) -> None:
    conceal(password)
    error = RegistryError(f"the content has digest {digest}", where=f"h/r@{digest}")
    assert str(error).count(digest) == 2
    assert error_document(error)["error"]["message"] == f"the content has digest {digest}"
    assert redacted(f"{digest} xabcabcx{digest}").count(digest) == 2


def test_a_short_password_beside_a_digest_is_hidden() -> None:
    digest = f"sha256:{'ab55' * 16}"
    assert redacted(f"pa55 {digest} pa55{digest}") == f"*** {digest} ***{digest}"


@pytest.mark.parametrize("secret", ['quoted"secret"1234', "back\\slash\\1234", "geheim-\u00e4\u00f6\u00fc-1234", "tab\tand\U0001f511-1234"])
def test_a_secret_is_hidden_as_json_spells_it(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    conceal(secret)
    write_document(Outcome(document={"annotation": f"<{secret}>"}), "json")
    assert '"<***>"' in capsys.readouterr().out


@pytest.mark.parametrize(
    "secret", ["schemaVersion", '": "sha256:', '",\\n  "digest', "sha256:abab"], ids=["version", "value", "member", "digest"]
)
def test_a_secret_that_looks_like_json_changes_no_structure(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    conceal(secret)
    document = {"digest": f"sha256:{'ab' * 32}", "size": 1, "tags": ["v1"], "nested": {"note": None, "text": f"<{TOKEN}>"}}
    write_document(Outcome(document=document), "json")
    expected = {"schemaVersion": 1, **document, "nested": {"note": None, "text": "<***>"}}
    assert json.loads(capsys.readouterr().out) == expected


def test_a_secret_with_a_character_that_is_escaped_is_hidden_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    conceal("pass\tword\u200b-0123")
    write_document(Outcome(lines=["found pass\tword\u200b-0123 here"]), "text")
    say("found pass\tword\u200b-0123 here")
    assert capsys.readouterr() == ("found *** here\n", "found *** here\n")


def test_what_reaches_the_user_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    error = RegistryError(f"redirected to {TOKEN}.example", where=f"h/{TOKEN}", hint=f"check {TOKEN}")
    say(str(error), f"raw {TOKEN}")
    write_lines([f"annotation {TOKEN}"])
    out, err = capsys.readouterr()
    assert TOKEN not in f"{out}{err}{error}{error_document(error)}"
