"""What the checks of CI that are no pytest files print: statements that hold or not, each with what speaks against it."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def report(statements: Iterable[tuple[str, list[str]]]) -> int:
    """Prints PASS or FAIL for each statement as it comes; returns 1 if one failed, or if there was none."""
    counts = [0, 0]
    for statement, against in statements:
        counts[bool(against)] += 1
        sys.stdout.write(f"{'FAIL' if against else 'PASS'} {statement}\n")
        for line in against:
            sys.stdout.write(f"     {line}\n")
        sys.stdout.flush()
    return 0 if counts[0] and not counts[1] else 1
