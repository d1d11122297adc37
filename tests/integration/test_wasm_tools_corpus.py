"""Hundreds of files that wasm-tools calls valid, and damaged copies: what is read of them is what wasm-tools prints."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from peers import call
from wasm_texts import component_text, module_text

from wasm_oci.errors import FormatError, LimitError
from wasm_oci.wasm.component import read_wasm_stream
from wasm_oci.wasm.externs import Extern
from wasm_oci.wasm.reach import Nested, read_nested

_Node = list["str | bytes | _Node"]
"""A list of the text format; strings are bytes."""
_Extern = tuple[str, str]
_Seen = tuple[tuple[int, ...], str, list[_Extern], list[_Extern]]
"""Path, kind, imports and exports, each with its kind."""
_TOKEN = re.compile(r'\(;.*?;\)|;;[^\n]*|"((?:[^"\\]|\\.)*)"|([()])|[^\s()";]+', re.DOTALL)
_ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F]+)\}|[0-9a-fA-F]{2}|.)")
_PLAIN = {"t": b"\t", "n": b"\n", "r": b"\r", '"': b'"', "'": b"'", "\\": b"\\"}
_COPIES = 2
"""Damaged copies of each file."""
_TRIES = 20


def _unescaped(text: str) -> bytes:
    found, end = b"", 0
    for match in _ESCAPE.finditer(text):
        found += text[end : match.start()].encode()
        found += chr(int(match[2], 16)).encode() if match[2] else _PLAIN.get(match[1]) or bytes.fromhex(match[1])
        end = match.end()
    return found + text[end:].encode()


def _parsed(text: str) -> _Node:
    stack: list[_Node] = [[]]
    for token in _TOKEN.finditer(text):
        if token[2] == "(":
            stack.append([])
        elif token[2] == ")":
            done = stack.pop()
            stack[-1].append(done)
        elif token[1] is not None:
            stack[-1].append(_unescaped(token[1]))
        elif not token[0].startswith(("(;", ";;")):
            stack[-1].append(token[0])
    (root,) = stack[0]
    assert isinstance(root, list)
    return root


def _extern(node: _Node) -> _Extern:
    names = [part.decode() for part in node if isinstance(part, bytes)]
    described = next(part for part in node if isinstance(part, list) and part[0] != "@name")
    return "/".join(names), "core module" if described[0] == "core" else str(described[0])


def _printed(node: _Node, path: tuple[int, ...] = ()) -> Iterator[_Seen]:
    """Yields a printed file, and all modules and components in it, each before what is inside."""
    lists = [part for part in node if isinstance(part, list)]
    is_module = node[0] in ("module", "core")
    imports = [_extern(part) for part in lists if part[0] == "import"]
    exports = [] if is_module else [_extern(part) for part in lists if part[0] == "export"]
    yield path, "module" if is_module else "component", imports, exports
    inside = [part for part in lists if part[0] == "component" or part[:2] == ["core", "module"]]
    for number, part in enumerate(inside):
        yield from _printed(part, (*path, number))


def _read(data: bytes) -> list[_Seen]:
    """What this repository reads of a file; raises FormatError or LimitError, and AssertionError where a section was passed over."""
    stream = BytesIO(data)
    wasm = read_wasm_stream(stream, where="corpus")
    files = [Nested(path=(), kind=wasm.kind, imported=wasm.imported, exported=wasm.exported, unknown=wasm.unknown)]
    files += read_nested(stream, where="corpus")
    assert not any(each.unknown for each in files)
    return [(each.path, each.kind.value, _externs(each.imported), _externs(each.exported)) for each in files]


def _externs(externs: tuple[Extern, ...]) -> list[_Extern]:
    return [(extern.name, extern.kind) for extern in externs]


class _Corpus:
    """Makes files with wasm-tools, and asks it about them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "file.wasm"
        self._source = folder / "source"
        self.seen: list[_Seen] = []
        self.valid = self.damaged_and_valid = self.refused = 0

    def parsed(self, text: str) -> bytes:
        """Returns the file that a text describes."""
        self._source.write_text(text)
        assert not (error := call("wasm-tools", "parse", self._source, "-o", self._file).stderr), f"{error}\n{text}"
        return self._file.read_bytes()

    def generated(self, draw: random.Random, *command: str) -> bytes:
        """Returns what one of the generators of wasm-tools makes of bytes; of some it makes nothing."""
        for _ in range(_TRIES):
            self._source.write_bytes(draw.randbytes(2000))
            if call("wasm-tools", *command, self._source, "-o", self._file).code == 0:
                return self._file.read_bytes()
        raise AssertionError(f"{command} made nothing of {_TRIES} inputs")

    def is_valid(self, data: bytes | bytearray) -> bool:
        self._file.write_bytes(data)
        return call("wasm-tools", "validate", "--features", "all", self._file).code == 0

    def compare(self, data: bytes) -> None:
        """Asserts that a valid file is read as wasm-tools prints it."""
        self._file.write_bytes(data)
        printed = list(_printed(_parsed(call("wasm-tools", "print", self._file).stdout)))
        assert _read(data) == printed
        self.seen += printed

    def check(self, data: bytes, draw: random.Random) -> None:
        """Asserts the same of a file and of those of its damaged copies that are still valid; others may be errors, and nothing else."""
        assert self.is_valid(data)
        self.valid += 1
        self.compare(data)
        for _ in range(_COPIES):
            damaged = bytearray(data)
            damaged[draw.randrange(8, len(data))] ^= 1 << draw.randrange(8)
            if self.is_valid(damaged):
                self.damaged_and_valid += 1
                self.compare(bytes(damaged))
                continue
            try:
                read_nested(BytesIO(damaged), where="damaged")
                read_wasm_stream(BytesIO(damaged), where="damaged")
            except (FormatError, LimitError):
                self.refused += 1

    def kinds(self, files: str) -> Counter[str]:
        """Returns how many imports and exports of each kind the files of a kind have."""
        return Counter(kind for _, what, imports, exports in self.seen if what == files for _, kind in (*imports, *exports))


@pytest.fixture
def corpus(tmp_path: Path) -> _Corpus:
    return _Corpus(tmp_path)


def test_drawn_components(corpus: _Corpus) -> None:
    for seed in range(200):
        draw = random.Random(seed)
        corpus.check(corpus.parsed(component_text(draw)), draw)
    assert corpus.valid == 200
    assert corpus.damaged_and_valid > 100
    assert corpus.refused > 40
    kinds = corpus.kinds("component")
    assert {kind for kind, count in kinds.items() if count > 100} == {"func", "instance", "type", "value", "component", "core module"}
    assert sum(len(path) >= 2 for path, *_ in corpus.seen) > 100
    assert max(len(path) for path, *_ in corpus.seen) >= 3


def test_drawn_modules(corpus: _Corpus) -> None:
    for seed in range(100):
        draw = random.Random(seed)
        corpus.check(corpus.parsed(module_text(draw)), draw)
    assert corpus.valid == 100
    assert corpus.damaged_and_valid > 20
    assert {kind for kind, count in corpus.kinds("module").items() if count > 50} == {"func", "table", "memory", "global", "tag"}


def test_modules_that_wasm_tools_generates(corpus: _Corpus) -> None:
    for seed in range(100):
        draw = random.Random(seed)
        corpus.check(corpus.generated(draw, "smith", "--min-imports", "3"), draw)
    assert corpus.valid == 100
    assert sum(corpus.kinds("module").values()) >= 300


def test_worlds_that_wasm_tools_generates(corpus: _Corpus) -> None:
    for seed in range(100):
        draw = random.Random(seed)
        corpus.check(corpus.generated(draw, "wit-smith"), draw)
    assert corpus.valid == 100
    assert corpus.kinds("component")["type"] >= 100
