"""The sections that a partial verification covers: all standard ones, and custom ones whose name matches.

Expressions are RE2's, matched anywhere in the name, as in the published wasmsign2 (whose syntax is nearly the
same). RE2 takes linear time, so a hostile section name cannot keep it busy.
"""

from __future__ import annotations

from wasm_oci.errors import UsageError
from wasm_oci.limits import LIMITS

_HINT = "write an RE2 expression, such as ^(name|producers)$"


class SectionPattern:
    """A compiled expression; it matches every standard section."""

    def __init__(self, expression: str) -> None:
        """Raises UsageError (reason `pattern`) for an expression that is malformed or too large."""
        import re2  # type: ignore[import-untyped]  # it has no stubs

        self.expression = expression
        options = re2.Options()
        options.log_errors = False
        options.max_mem = LIMITS.pattern_memory
        try:
            self._search = re2.compile(expression, options).search
        except (re2.error, ValueError) as err:
            raise UsageError(f"{expression[:80]!r} is not a usable regular expression", hint=_HINT, reason="pattern") from err

    def matches(self, name: bytes | None) -> bool:
        """Tells whether a section is one to verify; `name` is a custom section's, in UTF-8, None for a standard one."""
        return name is None or self._search(name.decode()) is not None
