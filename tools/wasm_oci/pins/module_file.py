"""The tags `oci_wasm.pull` of a MODULE.bazel, and edits of their digests that leave everything else as it is.

What module files may hold of Starlark is also Python (Starlark specification, "Lexical elements" and "Expressions").
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import file_type, read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.wording import did_you_mean, shown_value

MODULE_FILE = "MODULE.bazel"
_EXTENSION = re.compile(r"(?:@@?[\w.+~-]*)?//wasm:extensions\.bzl")
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("digest", "image", "lock", "name", "policy", "tag", "trusted_keys"), str),
    "public_keys": list,
    "threshold": int,
    "verify": bool,
}
_NOUNS = {str: "a text in quotation marks", list: "a list of labels", int: "a whole number", bool: "True or False"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """Where the digest is, or goes: the bytes from `start` to `end` become `before`, the quoted digest and `after`."""

    start: int
    end: int
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullTag:
    """One component that the module pulls. Labels are files below the root of the workspace."""

    name: str
    where: str
    """The tag, for messages."""
    image: str
    tag: str
    """Empty without one."""
    digest: Digest | None
    lock: Path | None
    policy: Path | None
    public_keys: tuple[Path, ...]
    trusted_keys: Path | None
    threshold: int
    verify: bool
    edit: _Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFile:
    """A module file as it was read."""

    path: Path
    data: bytes
    pulls: tuple[PullTag, ...]

    def with_digests(self, digests: Mapping[str, Digest]) -> bytes:
        """Returns the file with these digests, each under the name of its tag."""
        data = self.data
        for pull in sorted(self.pulls, key=lambda each: each.edit.start, reverse=True):
            if pull.name in digests:
                edit = pull.edit
                data = data[: edit.start] + f'{edit.before}"{digests[pull.name]}"{edit.after}'.encode() + data[edit.end :]
        return data


def find_module_file(folder: Path) -> Path:
    """Returns the MODULE.bazel of a folder or of the nearest one above; raises UsageError where there is none."""
    for each in (folder, *folder.parents):
        if file_type(each / MODULE_FILE) is not None:
            return each / MODULE_FILE
    raise UsageError(f"there is no {MODULE_FILE} here or above", where=str(folder), hint="name the file, or change to the workspace")


def read_module_file(path: Path) -> ModuleFile:
    """Raises UsageError and LimitError for a file that cannot be read, FormatError for tags that are not written with literals."""
    data = read_bounded(path, LIMITS.config_file, what="module file")
    root = find_module_file(path.absolute().parent).parent
    pulls = tuple(_pulls(data, root, str(path)))
    if not pulls:
        hint = 'write oci_wasm = use_extension("@rules_wasm_oci//wasm:extensions.bzl", "wasm") and oci_wasm.pull(…)'
        raise UsageError("it pulls no component", where=str(path), hint=hint)
    names = [pull.name for pull in pulls]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise FormatError(f"two tags have the name {twice!r}", where=str(path), hint="give each another name")
    return ModuleFile(path=path, data=data, pulls=pulls)


def _pulls(data: bytes, root: Path, where: str) -> Iterator[PullTag]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python may refuse one day
            tree = ast.parse(data.decode())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
        line = f", line {err.lineno}" if isinstance(err, SyntaxError) and err.lineno else ""
        raise FormatError(f"this is not Starlark{line}", where=where, hint="correct the file; `bazel mod graph` says more") from err
    if re.search(rb"\r(?!\n)", data):
        raise FormatError("a line ends with a carriage return alone", where=where, hint="end lines with a line feed")
    variables = set[str]()
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if _is_extension(value):
                variables.add(name)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="pull")) as call) if name in variables:
                yield _pull(call, data, root, f"{where}: line {call.lineno}: {name}.pull")


def _is_extension(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="use_extension"), args=[ast.Constant(value=str(label)), ast.Constant(value="wasm")]):
            return _EXTENSION.fullmatch(label) is not None
    return False


def _pull(call: ast.Call, data: bytes, root: Path, where: str) -> PullTag:
    values = {each.arg: _value(each, where) for each in call.keywords if each.arg}
    if call.args or len(values) != len(call.keywords):
        raise FormatError("arguments must have names, each once", where=where, hint="write name = …, image = …")
    for needed in ("name", "image"):
        if not values.get(needed):
            raise FormatError(f"{needed} is missing", where=where, hint=f"add {needed} = …")
    where = f"{where}(name = {values['name']!r})"

    def file(name: str) -> Path | None:
        return _file(values[name], root, f"{where}: {name}") if values.get(name) else None

    digest = values.get("digest")
    return PullTag(
        name=values["name"],
        where=where,
        image=values["image"],
        tag=values.get("tag", ""),
        digest=Digest.parse(digest, where=where) if digest else None,
        lock=file("lock"),
        policy=file("policy"),
        public_keys=tuple(_file(label, root, f"{where}: public_keys") for label in values.get("public_keys", ())),
        trusted_keys=file("trusted_keys"),
        threshold=values.get("threshold", 1),
        verify=values.get("verify", True),
        edit=_edit(call, data),
    )


def _value(argument: ast.keyword, where: str) -> Any:
    """Returns a literal; raises FormatError for an attribute that there is not, or another expression."""
    name = argument.arg or ""
    if name not in _KINDS:
        hint = did_you_mean(name, _KINDS) or f"the attributes are {', '.join(sorted(_KINDS))}"
        raise FormatError(f"unknown attribute {name[:80]!r}", where=where, hint=hint)
    try:
        value = ast.literal_eval(argument.value)
    except (ValueError, TypeError, RecursionError, MemoryError):
        value = None
    kind = _KINDS[name]
    if type(value) is not kind or (isinstance(value, list) and not all(isinstance(each, str) for each in value)):
        raise FormatError(f"{name} is not written as {_NOUNS[kind]}", where=where, hint="write it without variables and operators")
    return value


def _file(label: object, root: Path, where: str) -> Path:
    """Returns the file of a label of this module; raises UsageError for one of another."""
    text = str(label)
    package, colon, target = text.removeprefix("@@").removeprefix("@").removeprefix("//").partition(":")
    own = text.startswith(("//", "@//", "@@//", ":")) or not text.startswith("@")
    if not colon:
        package, target = (package, package.rpartition("/")[2]) if "//" in text else ("", package)
    parts = Path(package, target).parts
    if not own or not target or "//" in package or ".." in parts or Path(package, target).is_absolute():
        hint = "name a file of this module, such as //:release.pub"
        raise UsageError(f"{shown_value(text)} is not a file of this module, which can be read without a build", where=where, hint=hint)
    return root.joinpath(*parts)


def _edit(call: ast.Call, data: bytes) -> _Edit:
    """The digest's own place, else the one before `image`, on a line of its own where that has one."""
    line_end = "\r\n" if b"\r\n" in data else "\n"
    starts = [0, *(match.end() for match in re.finditer(rb"\n", data))]
    arguments = {each.arg: each for each in call.keywords}
    if found := arguments.get("digest"):
        value = found.value
        end_line, end = value.end_lineno or value.lineno, value.end_col_offset or value.col_offset
        return _Edit(start=starts[value.lineno - 1] + value.col_offset, end=starts[end_line - 1] + end)
    image = arguments["image"]
    place = starts[image.lineno - 1] + image.col_offset
    earlier = [call.lineno, *(each.lineno for each in call.keywords if each.col_offset < image.col_offset)]
    after = ", " if image.lineno in earlier else f",{line_end}" + " " * image.col_offset
    return _Edit(start=place, end=place, before="digest = ", after=after)
