"""Finds files that a run target brings along, by their rlocation paths (Bazel's runfiles library, in short)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wasm_oci.errors import UsageError


class Runfiles:
    """Looks paths up as the launcher's environment says: RUNFILES_MANIFEST_FILE, else RUNFILES_DIR."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._directory = environ.get("RUNFILES_DIR", "")
        self._manifest_path = environ.get("RUNFILES_MANIFEST_FILE", "")
        self._manifest: dict[str, str] | None = None

    def find(self, path: str, *, where: str) -> Path:
        """Returns where `path` is; raises UsageError where it is not."""
        if Path(path).is_absolute():
            found = path
        elif ".." in path.split("/"):
            raise UsageError(f"{path[:200]!r} leaves the runfiles", where=where, hint="build the target again")
        else:
            found = self._in_manifest(path) or (f"{self._directory}/{path}" if self._directory else "")
        if not found or not Path(found).exists():
            raise UsageError(
                f"the file {path[:200]!r} is not in the runfiles",
                where=where,
                hint="start this with `bazel run`, or give paths on the command line",
            )
        return Path(found)

    def _in_manifest(self, path: str) -> str:
        """A line of the manifest; a directory may be listed by its files only, or only by itself."""
        entries = self._entries()
        if path in entries:
            return entries[path]
        parts = path.split("/")
        for end in range(len(parts) - 1, 0, -1):
            if base := entries.get("/".join(parts[:end])):
                return "/".join((base, *parts[end:]))
        for name, target in entries.items():
            if name.startswith(path + "/") and target.endswith(rest := name[len(path) :]):
                return target.removesuffix(rest)
        return ""

    def _entries(self) -> dict[str, str]:
        if self._manifest is None:
            self._manifest = {}
            if self._manifest_path and Path(self._manifest_path).is_file():
                for line in Path(self._manifest_path).read_text(encoding="utf-8").splitlines():
                    self._add(line)
        return self._manifest

    def _add(self, line: str) -> None:
        """`path target`; with a blank in front, blanks, line ends and backslashes are escaped (Bazel 7.4)."""
        entries = self._manifest if self._manifest is not None else {}
        escaped = line.startswith(" ")
        name, _, target = line.removeprefix(" ").partition(" ")
        if escaped:
            name = name.replace(r"\s", " ").replace(r"\n", "\n").replace(r"\b", "\\")
            target = target.replace(r"\n", "\n").replace(r"\b", "\\")
        if name and target:
            entries[name] = target
