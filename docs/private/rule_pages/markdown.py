"""Turns decoded ModuleInfo messages into the Markdown pages of the rule reference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

Message = dict[str, Any]

KINDS = ("rules", "functions", "providers", "extensions")
_TYPES = {
    1: "name",
    2: "int",
    3: "label",
    4: "string",
    5: "list of strings",
    6: "list of ints",
    7: "list of labels",
    8: "bool",
    9: "dict: label → string",
    10: "dict: string → string",
    11: "dict: string → list of strings",
    12: "output",
    13: "list of outputs",
    14: "dict: string → label",
    15: "dict: string → list of labels",
}
_HEADER = "<!-- Generated: edit the .bzl file, then run `bazel run //docs:update`. -->\n"

_EXPORTS = '\nexports_files(["BUILD.bazel"])\n'


def symbols(module: Message) -> list[tuple[str, Message]]:
    """All documented symbols of a module, with the kind of each, in the order of their names."""
    found = [(kind, symbol) for kind in KINDS for symbol in module[kind]]
    return sorted(found, key=lambda item: str(item[1]["name"]).lower())


def source_of(symbol: Message) -> str:
    """Path of the file that defines a symbol, from the root of the repository."""
    label = str(symbol["origin"]["file"])
    package, _, name = label.partition("//")[2].partition(":")
    return f"{package}/{name}"


def page(title: str, parts: Sequence[tuple[str, Message]], example: str = "") -> str:
    """One page about the symbols of some modules, each with the label of the file that it was extracted from.

    `example` is the text of a BUILD file that uses them.
    """
    sections = []
    for label, module in parts:
        entries = symbols(module)
        if not entries:
            raise ValueError(f"{title}: {label} exports none of the symbols of this page")
        sections += [_SECTIONS[kind](symbol, label) for kind, symbol in entries]
    shown = f"```starlark\n{_without_exports(example)}```\n\n" if example else ""
    return _HEADER + f"# {title}\n\n{shown}" + "\n".join(sections)


def _without_exports(example: str) -> str:
    """The text without its last line, if that only makes it readable for this page."""
    return example.removesuffix(_EXPORTS)


def index(modules: Sequence[tuple[str, Message]], pages: Sequence[tuple[str, Message]]) -> str:
    """The table of all symbols of `modules` (label, module), with links to `pages` (title, module).

    Raises ValueError if a symbol is on no page.
    """
    page_of = {symbol["name"]: title for title, module in pages for _, symbol in symbols(module)}
    lines = [_HEADER + "# Rule reference"]
    for label, module in modules:
        lines += [f"\n## `{label}`\n", "| symbol | what it is | source |", "|---|---|---|"]
        for _, symbol in symbols(module):
            name = symbol["name"]
            if name not in page_of:
                raise ValueError(f"{name} of {label} is on no page; add it to docs/BUILD.bazel")
            link = f"[`{name}`]({page_of[name]}.md#{name.lower()})"
            lines.append(f"| {link} | {_cell(_first_sentence(symbol['doc']))} | {_source_link(symbol)} |")
    return "\n".join(lines) + "\n"


def _first_sentence(doc: str) -> str:
    paragraph = " ".join(doc.strip().split("\n\n")[0].split())
    return re.split(r"(?<=\.) ", paragraph)[0]


def _cell(text: str) -> str:
    paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
    return "<br><br>".join(paragraphs).replace("|", "\\|")


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`" if text else ""


def _source_link(symbol: Message) -> str:
    path = source_of(symbol)
    return f"[{path}](../../{path})"


def _heading(symbol: Message, load_from: str) -> str:
    name = symbol["name"]
    public = f'```starlark\nload("{load_from}", "{name}")\n```\n\n' if "/private" not in load_from else ""
    return f"## {name}\n\n{public}{symbol['doc'].strip()}\n\nSource: {_source_link(symbol)}\n"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(columns)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _default(item: Message) -> str:
    return "**mandatory**" if item["mandatory"] else _code(item["default"])


def _attribute_doc(attribute: Message) -> str:
    doc = _cell(attribute["doc"]) or ("A unique name for this target." if attribute["name"] == "name" else "")
    if attribute["values"]:
        doc += " One of " + ", ".join(_code(f'"{value}"') for value in attribute["values"]) + "."
    groups = [" and ".join(_code(name) for name in group["names"]) for group in attribute["providers"] if group["names"]]
    if groups:
        doc += " Needs " + ", or ".join(groups) + "."
    return doc.strip()


def _attributes(attributes: list[Message]) -> str:
    """The table of attributes; one without documentation is set by macros, not by users."""
    shown = [item for item in attributes if item["doc"] or item["name"] == "name"]
    rows = [(_code(item["name"]), _TYPES.get(item["type"], "?"), _default(item), _attribute_doc(item)) for item in shown]
    return _table(("attribute", "type", "default", "meaning"), rows)


def _rule(rule: Message, load_from: str) -> str:
    kind = "A test rule." if rule["test"] else "For `bazel run`." if rule["executable"] else "A build rule."
    names = [name for name in rule["provides"].get("names", []) if name != "DefaultInfo"]
    provides = " Provides " + ", ".join(_code(name) for name in names) + "." if names else ""
    return "\n".join([_heading(rule, load_from), kind + provides + "\n", _attributes(rule["attributes"])])


def _function(function: Message, load_from: str) -> str:
    rows = []
    for parameter in function["parameters"]:
        name = "**kwargs" if parameter["name"] == "kwargs" else parameter["name"]
        rows.append((_code(name), _default(parameter), _cell(parameter["doc"])))
    parts = [_heading(function, load_from), _table(("argument", "default", "meaning"), rows)]
    if function["returns"].get("doc"):
        parts.append(f"Returns {function['returns']['doc'].strip()}\n")
    return "\n".join(parts)


def _provider(provider: Message, load_from: str) -> str:
    rows = [(_code(field["name"]), _cell(field["doc"])) for field in provider["fields"]]
    return "\n".join([_heading(provider, load_from), _table(("field", "meaning"), rows)])


def _extension(extension: Message, load_from: str) -> str:
    doc = f'```starlark\n{extension["name"]} = use_extension("{load_from}", "{extension["name"]}")\n```'
    source = f"Source: {_source_link(extension)}\n"
    parts = [f"## {extension['name']}\n\n{doc}\n\n{extension['doc'].strip()}\n\n{source}"]
    for tag in extension["tags"]:
        parts += [f"### {extension['name']}.{tag['name']}\n\n{tag['doc'].strip()}\n", _attributes(tag["attributes"])]
    return "\n".join(parts)


_SECTIONS = {"rules": _rule, "functions": _function, "providers": _provider, "extensions": _extension}
