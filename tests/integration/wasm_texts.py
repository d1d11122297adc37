"""Draws modules and components in the text format, with imports and exports in every form that wasm-tools parses."""

from __future__ import annotations

import random
from collections.abc import Iterator

_DEPTH = 3
_FUNCTIONS = ("(func)", '(func (param "a" string) (result u32))', '(func (param "x" (list u8)) (result (option string)))')
_NAMES = (
    "name{}",
    "space:package{}/interface",
    "space:package/interface{}@1.2.3",
    "space:package/interface{}@0.3.0-rc.1",
    "unlocked-dep=<space:package{}>",
    "unlocked-dep=<space:package{}@{{>=1.2.3 <2.0.0}}>",
    "locked-dep=<space:package{}@1.2.3>",
    "url=<https://example.com/{}>",
    "integrity=<sha256-{:064}>",
)
_INTERFACES = 4
"""How many of the names may be exported; the first ones."""
_MODULE_TYPE = '(core module (import "a" "b" (func)) (export "c" (memory 1)))'
_COMPONENT_TYPE = '(component (import "inner" (func)) (export "outer" (instance (export "f" (func)))))'
_CORE_NAMES = ("env", "", "wasi_snapshot_preview1", "é", "a/b", '\\"', "\\1b[31m", "\\e2\\80\\ae", "日本語", "x" * 200)
_CORE_TYPES = (
    "(func)",
    "(func (param i32 i64 f32 f64 v128) (result funcref))",
    "(func (param (ref null extern) (ref func)))",
    "(table 1 funcref)",
    "(table 1 20000 externref)",
    "(table i64 1 5000000000 (ref null func))",
    "(table 0 (ref null i31))",
    "(memory 1)",
    "(memory 1 65536)",
    "(memory 1 2 shared)",
    "(memory i64 1 70000)",
    "(memory 1 2 (pagesize 1))",
    "(global i32)",
    "(global (mut i64))",
    "(global (mut (ref null any)))",
    "(global v128)",
    "(tag)",
    "(tag (param i32 f64))",
)


def module_text(draw: random.Random, head: str = "module") -> str:
    """Returns a core module with some imports, no two of one name: a component must not hold such a module."""
    names = draw.sample([(module, name) for module in _CORE_NAMES for name in _CORE_NAMES], draw.randrange(8))
    imports = [f'(import "{module}" "{name}" {draw.choice(_CORE_TYPES)})' for module, name in names]
    return f'({head} {" ".join(imports)} (func (export "run")) (memory 1))'


def component_text(draw: random.Random, head: str = "component", depth: int = 0) -> str:
    """Returns a component; most of what it imports, and some of what is in it, it exports."""
    items: list[str] = []
    for number in range(draw.randrange(1, 9)):
        items += _imported(draw, number)
    for number in range(draw.randrange(3) if depth < _DEPTH else 0):
        name = f"$inner{number}"
        if draw.random() < 0.5:
            items.append(module_text(draw, f"core module {name}"))
            items.append(f'(export "inner{number}" (core module {name}))')
        else:
            items.append(component_text(draw, f"component {name}", depth + 1))
            items.append(f'(export "inner{number}" (component {name}))')
    return f"({head} {' '.join(items)})"


def _imported(draw: random.Random, number: int) -> Iterator[str]:
    """Yields an import, with what it needs before it, and maybe an export of it; a value must be used."""
    sort = draw.choice(("func", "instance", "type", "value", "component", "core module"))
    name, names = f"$i{number}", _NAMES if sort == "instance" else _NAMES[:1]
    imported = draw.choice(names).format(number)
    if sort == "type":
        yield f"(type $t{number} (list u{8 << draw.randrange(4)}))"
        bound = draw.choice(("(sub resource)", f"(eq $t{number})"))
        yield f'(import "{imported}" (type {name} {bound}))'
    else:
        yield f'(import "{imported}" {_described(draw, sort, name)})'
    if sort == "value" or draw.random() < 0.6:
        exported = draw.choice(_NAMES[: _INTERFACES if sort == "instance" else 1]).format(f"-out{number}")
        yield f'(export "{exported}" ({sort} {name}))'


def _described(draw: random.Random, sort: str, name: str) -> str:
    if sort == "value":
        return f"(value {name} {draw.choice(('string', 'u32', 'bool', 'f64', 'char'))})"
    described = {
        "func": draw.choice(_FUNCTIONS),
        "instance": '(instance (export "f" (func)) (export "t" (type (sub resource))))',
        "component": _COMPONENT_TYPE,
        "core module": _MODULE_TYPE,
    }[sort]
    return described.replace(f"({sort}", f"({sort} {name}", 1)
