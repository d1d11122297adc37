"""Secrets that were sent, in whatever comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from wasm_oci import redaction
from wasm_oci.errors import RegistryError
from wasm_oci.outcome import error_document, say, write_text
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
        (f"{TOKEN}{TOKEN}", "******"),
        ("http://pa55.example/pa5", "http://***.example/pa5"),
        (f"İ {TOKEN}", "İ ***"),
        ("a b ab", "a b ab"),
    ],
)
def test_secrets_are_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


def test_a_common_word_does_not_change_a_result() -> None:
    assert redacted_result(f"pa55 {TOKEN[:9]} {TOKEN}") == f"pa55 {TOKEN[:9]} ***"


def test_what_reaches_the_user_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    error = RegistryError(f"redirected to {TOKEN}.example", where=f"h/{TOKEN}", hint=f"check {TOKEN}")
    say(str(error), f"raw {TOKEN}")
    write_text(f"annotation {TOKEN}\n")
    out, err = capsys.readouterr()
    assert TOKEN not in f"{out}{err}{error}{error_document(error)}"
