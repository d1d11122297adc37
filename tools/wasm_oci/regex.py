"""Regular expressions of users: RE2's, which take linear time, so that no hostile text can keep them busy."""

from __future__ import annotations

from typing import Any

from wasm_oci.errors import UsageError
from wasm_oci.limits import LIMITS

_SHOWN = 80


def compile_expression(expression: str, *, where: str = "", hint: str) -> Any:
    """Returns a compiled expression of google-re2; raises UsageError (reason `pattern`) for one that is malformed or too large."""
    if len(expression) > LIMITS.pattern_length:
        what = f"a regular expression of {len(expression)} characters, more than {LIMITS.pattern_length}"
        raise UsageError(what, where=where, hint="write several shorter ones", reason="pattern")
    import re2  # type: ignore[import-untyped]  # it has no stubs

    options = re2.Options()
    options.log_errors = False
    options.max_mem = LIMITS.pattern_memory
    try:
        return re2.compile(expression, options)
    except (re2.error, ValueError) as err:
        what = f"{expression[:_SHOWN]!r} is not a usable regular expression"
        raise UsageError(what, where=where, hint=hint, reason="pattern") from err
