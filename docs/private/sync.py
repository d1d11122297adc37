"""sync check GENERATED COMMITTED TARGET: fails if they differ; sync update GENERATED=PATH…: writes each into the source tree."""

import difflib
import os
import sys
from pathlib import Path


def check(generated: Path, committed: Path, target: str) -> int:
    new = generated.read_text(encoding="utf-8").splitlines(keepends=True)
    old = committed.read_text(encoding="utf-8").splitlines(keepends=True)
    if new == old:
        return 0
    sys.stderr.writelines(difflib.unified_diff(old, new, str(committed), "generated"))
    sys.stderr.write(f"{committed} is out of date; run: bazel run {target}\n")
    return 1


def update(pairs: list[str], root: Path) -> int:
    for generated, _, path in (pair.partition("=") for pair in pairs):
        target = root / path
        text = Path(generated).read_bytes()
        if not target.exists() or target.read_bytes() != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
            sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "check":
        sys.exit(check(Path(rest[0]), Path(rest[1]), rest[2]))
    sys.exit(update(rest, Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])))
