"""The sections that a partial verification covers: all standard ones, and custom ones whose name matches.

Expressions are RE2's, matched anywhere in the name, as in the published wasmsign2 (whose syntax is nearly the
same).
"""

from __future__ import annotations

from wasm_oci.regex import compile_expression

_HINT = "write an RE2 expression, such as ^(name|producers)$"


class SectionPattern:
    """A compiled expression; it matches every standard section."""

    def __init__(self, expression: str) -> None:
        """Raises UsageError (reason `pattern`) for an expression that is malformed or too large."""
        self.expression = expression
        self._search = compile_expression(expression, hint=_HINT).search

    def matches(self, name: bytes | None) -> bool:
        """Tells whether a section is one to verify; `name` is a custom section's, in UTF-8, None for a standard one."""
        return name is None or self._search(name.decode()) is not None
