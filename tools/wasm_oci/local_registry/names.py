"""Names of repositories, tags and digests as they come in a path, and the folders of repositories."""

from __future__ import annotations

import re
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, WasmOciError
from wasm_oci.local_registry.messages import Refusal
from wasm_oci.oci.reference import check_repository, check_tag

_OF_A_LAYOUT = frozenset({"blobs", "index.json", "oci-layout"})
_OF_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?")


def is_repository(name: str) -> bool:
    try:
        check_repository(name)
    except WasmOciError:
        return False
    return True


def is_tag(text: str) -> bool:
    try:
        check_tag(text)
    except WasmOciError:
        return False
    return True


def parse_digest(text: str) -> Digest | None:
    """Returns the digest that `text` is, or None where it is none."""
    try:
        return Digest.parse(text)
    except FormatError:
        return None


def needed_digest(text: str) -> Digest:
    """Returns the digest that `text` is; raises Refusal where it is none."""
    try:
        return Digest.parse(text)
    except FormatError as err:
        raise Refusal(400, "DIGEST_INVALID", f"{err.what}; {err.hint}") from err


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
