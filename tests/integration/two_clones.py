"""two_clones.py: two clones of HEAD in different folders, built one after the other in two time zones, give the same bytes.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/two_clones.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = "//examples/oci_publishing:hello_oci_unsigned_image.layout"
LAYOUT = Path("bazel-bin/examples/oci_publishing/hello_oci_unsigned_image_layout")
CLONES = (("one", "Pacific/Kiritimati"), ("further/down/two", "Pacific/Pago_Pago"))


def layout_of(scratch: Path, folder: str, zone: str) -> dict[str, bytes]:
    """Clones and builds with an output base of its own; returns every file of the layout by its path."""
    clone = scratch / folder
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ".", str(clone)], check=True)
    bazel = ["./bazelw", f"--output_base={scratch / 'output' / clone.name}"]
    environ = {**os.environ, "TZ": zone}
    try:
        subprocess.run([*bazel, "build", "--noshow_progress", "--disk_cache=", TARGET], check=True, cwd=clone, env=environ)
        found = clone / LAYOUT
        return {str(path.relative_to(found)): path.read_bytes() for path in sorted(found.rglob("*")) if path.is_file()}
    finally:
        subprocess.run([*bazel, "clean", "--expunge", "--noshow_progress"], check=True, cwd=clone, env=environ)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="two_clones.") as scratch:
        first, second = (layout_of(Path(scratch), folder, zone) for folder, zone in CLONES)
    different = sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
    if "index.json" not in first or different:
        sys.stdout.write(f"FAIL the layouts of two clones differ in {', '.join(different) or 'nothing, and are empty'}\n")
        return 1
    size = sum(map(len, first.values()))
    sys.stdout.write(f"PASS the unsigned layouts of two clones are the same: {len(first)} files, {size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
