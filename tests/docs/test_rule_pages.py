"""The decoder and the renderer of the rule reference, against messages made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_pages.markdown import index, page
from rule_pages.module_info import Message, parse_module


def varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*encoded, number))


def text(number: int, value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def origin(name: str) -> bytes:
    return text(1, name) + text(2, "@rules_wasm_oci//wasm/private/signing:sign.bzl")


def rule(name: str = "wasm_sign", doc: str = "Signs. Twice.", attributes: tuple[bytes, ...] = ()) -> bytes:
    fields = text(1, name) + text(2, doc) + text(4, origin(name))
    return text(1, fields + b"".join(text(3, attribute) for attribute in attributes))


def module(*parts: bytes) -> Message:
    return parse_module(b"".join(parts))


def test_a_rule_becomes_a_table_of_its_attributes() -> None:
    keys = text(1, "keys") + text(2, "The\n  key | pair.\n\nOr not.") + number(3, 3) + number(4, 1) + text(5, text(1, "WasmKeyInfo"))
    kind = text(1, "kind") + text(2, "Where it goes.") + number(3, 4) + text(6, '"a"') + text(9, "a") + text(9, "b")
    written = page("sign", [("@rules_wasm_oci//wasm:defs.bzl", module(rule(attributes=(keys, kind))))])

    assert 'load("@rules_wasm_oci//wasm:defs.bzl", "wasm_sign")' in written
    assert "Source: [wasm/private/signing/sign.bzl](../../wasm/private/signing/sign.bzl)" in written
    assert "| `keys` | label | **mandatory** | The key \\| pair.<br><br>Or not. Needs `WasmKeyInfo`. |" in written
    assert '| `kind` | string | `"a"` | Where it goes. One of `"a"`, `"b"`. |' in written


def test_a_private_rule_shows_no_load_line() -> None:
    assert "load(" not in page("sign", [("@rules_wasm_oci//wasm/private/signing:sign.bzl", module(rule()))])


def test_test_and_run_rules_say_so() -> None:
    fields = text(1, "wasm_run") + text(4, origin("wasm_run"))
    label = "@rules_wasm_oci//wasm:defs.bzl"
    assert "\nA build rule." in page("run", [(label, module(text(1, fields)))])
    assert "\nFor `bazel run`." in page("run", [(label, module(text(1, fields + number(7, 1))))])
    assert "\nA test rule." in page("run", [(label, module(text(1, fields + number(6, 1) + number(7, 1))))])


def test_a_macro_a_provider_and_an_extension_have_their_tables() -> None:
    name = text(1, "name") + text(2, "Its name.") + number(4, 1)
    kwargs = text(1, "kwargs") + text(2, "The rest.")
    macro = text(3, text(1, "keygen") + text(2, name) + text(2, kwargs) + text(3, "Makes keys.") + text(6, origin("keygen")))
    provider = text(2, text(1, "Info") + text(3, text(1, "size") + text(2, "int: bytes.")) + text(4, origin("Info")))
    tag = text(1, "toolchain") + text(2, "One of your own.")
    extension = text(7, text(1, "tools") + text(2, "Tools.") + text(3, tag) + text(4, origin("tools")))
    written = page("all", [("@rules_wasm_oci//wasm:defs.bzl", module(macro, provider, extension))])

    assert "| `name` | **mandatory** | Its name. |\n| `**kwargs` |  | The rest. |" in written
    assert "| `size` | int: bytes. |" in written
    assert 'use_extension("@rules_wasm_oci//wasm:defs.bzl", "tools")' in written
    assert "### tools.toolchain\n\nOne of your own." in written


def test_text_is_the_same_from_bazel_7_and_from_later_versions() -> None:
    for doc in ("sha256:…", "Größe", "plain"):
        seen_by_bazel_7 = doc.encode().decode("latin-1")
        assert module(rule(doc=seen_by_bazel_7)) == module(rule(doc=doc))
        assert module(rule(doc=doc))["rules"][0]["doc"] == doc


def test_the_index_links_every_symbol_with_its_first_sentence() -> None:
    written = index([("@rules_wasm_oci//wasm:defs.bzl", module(rule()))], [("sign", module(rule()))])
    assert "| [`wasm_sign`](sign.md#wasm_sign) | Signs. | [wasm/private/signing/sign.bzl](../../wasm/private/signing/sign.bzl) |" in written


def test_a_symbol_without_a_page_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"wasm_new of @x//:defs\.bzl is on no page; add it to docs/BUILD\.bazel"):
        index([("@x//:defs.bzl", module(rule(), rule("wasm_new")))], [("sign", module(rule()))])


def test_a_page_without_symbols_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"sign: @x//:defs\.bzl exports none of the symbols"):
        page("sign", [("@x//:defs.bzl", module())])


def test_unknown_fields_are_passed_over() -> None:
    assert module(text(12, "later"), number(300, 7), rule()) == module(rule())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a", "truncated"),
        (b"\x0a\x05abc", "truncated"),
        (b"\x0b\x00", "unknown wire type"),
        (b"\xff" * 11, "too long"),
        (number(1, 5), "a number where"),
        (text(1, number(1, 5)), "a number where"),
        (text(1, text(3, text(3, "x"))), "bytes where"),
    ],
)
def test_what_is_no_such_message_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_module(data)


def test_a_stale_file_is_named_with_the_command_that_updates_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sync import check, update

    generated, committed = tmp_path / "generated.md", tmp_path / "docs" / "page.md"
    generated.write_text("new\n")
    committed.parent.mkdir()
    committed.write_text("old\n")
    assert check(generated, committed, "//docs:update") == 1
    shown = capsys.readouterr().err
    assert "-old\n+new\n" in shown
    assert "bazel run //docs:update" in shown

    assert update([f"{generated}=docs/page.md"], tmp_path) == 0
    assert check(generated, committed, "//docs:update") == 0


def test_an_example_is_shown_without_what_only_the_page_needs() -> None:
    example = 'load("//a:b.bzl", "sign")\n\nsign(name = "x")\n\nexports_files(["BUILD.bazel"])\n'
    written = page("sign", [("@rules_wasm_oci//wasm:defs.bzl", module(rule()))], example)
    assert '\n# sign\n\n```starlark\nload("//a:b.bzl", "sign")\n\nsign(name = "x")\n```\n' in written
    assert "exports_files" not in written


def test_an_attribute_that_only_macros_set_is_not_shown() -> None:
    hidden, name = text(1, "written_as") + number(3, 4), text(1, "name") + number(3, 1)
    written = page("sign", [("@rules_wasm_oci//wasm:defs.bzl", module(rule(attributes=(name, hidden))))])
    assert "A unique name for this target." in written
    assert "written_as" not in written
