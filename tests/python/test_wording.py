"""Sizes and long lines in words."""

from __future__ import annotations

import shlex

import pytest

from wasm_oci.wording import WIDTH, ShellCommand, Whole, fitted, fitted_parts, size_text, size_with_bytes


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
        (5 << 40, "5120.0 GiB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_rounded_size_has_the_exact_one_beside_it() -> None:
    assert [size_with_bytes(size) for size in (1, 1023, 115369)] == ["1 byte", "1023 bytes", "112.7 KiB (115369 bytes)"]


def test_lines() -> None:
    assert fitted("  short") == ["  short"]
    lines = fitted("  " + "word " * 100)
    assert max(map(len, lines)) <= WIDTH
    assert [line[:3] for line in lines] == ["  w", *["   "] * (len(lines) - 1)]
    assert " ".join(line.strip() for line in lines) == ("word " * 100).strip()
    assert fitted("x" * 500) == ["x" * 500]
    assert fitted("a\nPublished " + "b " * 100)[0].startswith("a\\nPublished b b")


def test_a_name_with_spaces_is_not_broken() -> None:
    name = "/my folder/" + "a b " * 30 + "c.wasm"
    lines = fitted(f"Verified: {name} (component), signed with " + "key " * 40, names=["Verified", name])
    assert lines[0].startswith(f"Verified: {name} (")
    assert max(map(len, lines)) <= WIDTH
    long = "b c" * 60
    assert f"      {long}" in fitted(f"  a {long} d", names=[long])


def test_an_error_is_broken_between_its_parts_first() -> None:
    where, what, hint = "/p/" + "d" * 100 + ":", "what happened " * 8 + ";", "do this"
    assert fitted_parts(["x:", where, what, hint]) == [f"x: {where}", f"    {what} {hint}"]
    assert fitted_parts(["x:", "w:", "what", hint]) == ["x: w: what do this"]
    lines = fitted_parts(["x:", where, "word " * 60 + ";", hint])
    assert " ".join(line.strip() for line in lines) == f"x: {where} " + "word " * 60 + f"; {hint}"
    assert max(map(len, lines)) <= WIDTH


def test_what_is_copied_stays_whole() -> None:
    assert fitted(Whole("ssh-ed25519 " + "a " * 200)) == ["ssh-ed25519 " + "a " * 200]
    command = "  next: wasm_oci pull " + "r" * 90 + " -o 'my " + "b" * 90 + " file' -K 'it'\"'\"'s mine'"
    lines = fitted(ShellCommand(command))
    assert shlex.split(" ".join(lines).replace("\\ ", "")) == shlex.split(command)
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert len(lines) > 1
