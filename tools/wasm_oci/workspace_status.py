"""Values that Bazel's workspace status has, in the place of `{STABLE_NAME}` (Bazel user manual, `--workspace_status_command`)."""

from __future__ import annotations

import re
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS

_PREFIX = "STABLE_"
_STAMP = re.compile(r"\{([^{}]*)\}")


class WorkspaceStatus:
    """The values of the file `stable-status.txt`, which is read when the first of them is needed."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[str, str] | None = None

    def fill(self, text: str, *, where: str) -> str:
        """Returns `text` with its values; raises UsageError for a name that the status does not have, or that has no value."""
        return _STAMP.sub(lambda found: self._value(found[1], where=where), text)

    def _value(self, name: str, *, where: str) -> str:
        values = self._read(where=where)
        value = values.get(name)
        if value is None:
            import difflib

            known = [each.removeprefix(_PREFIX) for each in values if each.startswith(_PREFIX)]
            near = difflib.get_close_matches(name.removeprefix(_PREFIX), known, n=1)
            hint = f"did you mean {_PREFIX}{near[0]}?" if near else f"print `{name} VALUE` in the program of --workspace_status_command"
            raise UsageError(f"the workspace status has no {name[:100]}", where=where, hint=hint, reason="unknown_stamp")
        if not value:
            hint = "correct the program of --workspace_status_command"
            raise UsageError(f"{name} of the workspace status is empty", where=where, hint=hint, reason="unknown_stamp")
        return value

    def _read(self, *, where: str) -> dict[str, str]:
        if self._values is None:
            if self._path is None:
                raise UsageError("the file of the workspace status is missing", where=where, hint="build the target again")
            data = read_bounded(self._path, LIMITS.request_file, what="file of the workspace status")
            lines = (line.partition(" ") for line in data.decode("utf-8", "replace").splitlines())
            self._values = {name: value.strip() for name, _, value in lines}
        return self._values
