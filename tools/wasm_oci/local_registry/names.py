"""Names of repositories and tags (distribution specification, "Pulling manifests"), and their folders."""

from __future__ import annotations

import re
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_MAX_NAME = 255

_OF_A_LAYOUT = frozenset({"blobs", "index.json", "oci-layout"})
_OF_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


def is_repository(name: str) -> bool:
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def parse_digest(text: str) -> Digest | None:
    """Returns the digest that `text` is, or None where it is none."""
    try:
        return Digest.parse(text)
    except FormatError:
        return None


def folder_of(root: Path, name: str) -> Path:
    """Returns the layout folder of a valid repository name: its own path below `root`.

    A component that a layout or Windows needs for itself gets `_` in front, with which no component begins.
    """
    parts = name.split("/")
    return root.joinpath(*(f"_{part}" if _is_reserved(part) else part for part in parts))


def name_of(root: Path, folder: Path) -> str:
    """The inverse of `folder_of`."""
    return "/".join(part.removeprefix("_") for part in folder.relative_to(root).parts)


def _is_reserved(part: str) -> bool:
    return part in _OF_A_LAYOUT or _OF_WINDOWS.fullmatch(part) is not None
