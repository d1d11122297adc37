"""Names for the files of a build action in errors: the attribute and the label, in place of a path of an execution root.

The rules put a pair `--shown-as=TEXT`, `--shown-file=PATH` for each file on the command line of an action; nobody types them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wasm_oci.errors import UsageError, WasmOciError

_AS, _FILE = "--shown-as=", "--shown-file="


def split_names(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Returns the arguments without the pairs, and the text for each path; raises UsageError if half of a pair is missing."""
    texts = [each.removeprefix(_AS) for each in arguments if each.startswith(_AS)]
    paths = [each.removeprefix(_FILE) for each in arguments if each.startswith(_FILE)]
    if len(texts) != len(paths):
        raise UsageError(f"{len(texts)} texts name {len(paths)} files", where="--shown-as", hint="give each --shown-file its --shown-as")
    return [each for each in arguments if not each.startswith((_AS, _FILE))], dict(zip(paths, texts, strict=True))


def named(error: WasmOciError, names: Mapping[str, str]) -> WasmOciError:
    """Returns the error, in whose message each path of `names` is now its text."""
    if names:
        paths = "|".join(re.escape(path) for path in sorted(names, key=len, reverse=True))
        pattern = re.compile(rf"(?<![\w/.-])(?:{paths})(?![\w/-]|\.\w)")
        error.what, error.where, error.hint = (
            pattern.sub(lambda match: names[match[0]], text) for text in (error.what, error.where, error.hint)
        )
    return error
