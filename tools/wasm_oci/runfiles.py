"""Finds the runfiles of a run target by their rlocation paths, with rules_python's runfiles library."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError
from wasm_oci.files import file_type, reason_of
from wasm_oci.plaintext import check_line_ends

if TYPE_CHECKING:
    import runfiles as bazel

_START = "start this with `bazel run`, or give paths on the command line"
_RENAME = "rename the file whose path this is in, and build the target again"


class Runfiles:
    """Looks paths up as the launcher's environment says: RUNFILES_MANIFEST_FILE, else RUNFILES_DIR."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._manifest_path = environ.get("RUNFILES_MANIFEST_FILE", "")
        self._directory = environ.get("RUNFILES_DIR", "")
        self._sources: tuple[bazel.Runfiles | None, bazel.Runfiles | None] | None = None

    def find(self, path: str, *, where: str) -> Path:
        """Returns where `path` is; raises UsageError where it is not, or cannot be looked up."""
        if Path(path).is_absolute():
            found = path
        elif ".." in path.split("/"):
            raise UsageError(f"{path[:200]!r} leaves the runfiles", where=where, hint="build the target again")
        else:
            found = self._located(path)
        if not found or file_type(Path(found), what="file of the runfiles") is None:
            raise UsageError(f"the file {path[:200]!r} is not in the runfiles", where=where, hint=_START)
        return Path(found)

    def _located(self, path: str) -> str:
        manifest, folder = self._sources = self._sources or self._open()
        for source in (manifest, folder):
            if source is None:
                continue
            found = _rlocation(source, path)
            if found and found != path:  # the library gives an empty file of a manifest its own name
                return found
            if source is manifest and (found := self._folder_of_files(manifest, path)):
                return found
        return ""

    def _open(self) -> tuple[bazel.Runfiles | None, bazel.Runfiles | None]:
        from runfiles import Runfiles

        try:
            manifest = None
            if self._has_manifest():
                check_line_ends(self._manifest_text(), where=self._manifest_path, hint=_RENAME)
                manifest = Runfiles.CreateManifestBased(self._manifest_path)
            return manifest, Runfiles.CreateDirectoryBased(self._directory) if self._directory else None
        except (OSError, ValueError) as err:
            what = reason_of(err) if isinstance(err, OSError) else "it is malformed"
            raise UsageError(f"cannot read the runfiles manifest: {what}", where=self._manifest_path, hint=_START) from err

    def _has_manifest(self) -> bool:
        return bool(self._manifest_path) and file_type(Path(self._manifest_path), what="runfiles manifest") == stat.S_IFREG

    def _manifest_text(self) -> str:
        """The manifest as it is: the text mode of Python would make a line end of every carriage return."""
        return Path(self._manifest_path).read_bytes().decode()

    def _folder_of_files(self, manifest: bazel.Runfiles, path: str) -> str:
        """A folder that the manifest lists by its files only: the library knows those and the folders that are entries."""
        for line in self._manifest_text().split("\n"):
            name = line.removeprefix(" ").partition(" ")[0]
            if line.startswith(" "):  # escaped, as Bazel 7.4 writes names with blanks
                name = name.replace(r"\s", " ").replace(r"\n", "\n").replace(r"\b", "\\")
            rest = name.removeprefix(path)
            if name.startswith(f"{path}/") and (target := _rlocation(manifest, name)).endswith(rest):
                return target.removesuffix(rest)
        return ""


def _rlocation(source: bazel.Runfiles, path: str) -> str:
    """Rules write canonical names: those that the main repository gives to others say nothing here."""
    try:
        return source.Rlocation(path, source_repo="") or ""
    except ValueError:
        return ""
