"""Sizes and long lines in words."""

from __future__ import annotations

import pytest

from wasm_oci.wording import WIDTH, fitted, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (115369, "112.7 KiB"),
        (5 << 20, "5.0 MiB"),
        (3 << 30, "3.0 GiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_lines() -> None:
    assert fitted("  short") == ["  short"]
    lines = fitted("  " + "word " * 100)
    assert max(map(len, lines)) <= WIDTH
    assert [line[:3] for line in lines] == ["  w", *["   "] * (len(lines) - 1)]
    assert " ".join(line.strip() for line in lines) == ("word " * 100).strip()
    assert fitted("x" * 500) == ["x" * 500]
    assert fitted("a\nPublished " + "b " * 100)[0].startswith("a\\nPublished b b")
