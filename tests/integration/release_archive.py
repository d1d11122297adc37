"""release_archive.py: the archive of a release is where .bcr/source.template.json says, and holds what a module needs.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/release_archive.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

TAG = "v1.2.3"
REPOSITORY = "rules_wasm_oci"


def filled(template: str) -> str:
    """A text of .bcr/source.template.json as the Central Registry fills it in."""
    values = {"OWNER": "rules-wasm-oci", "REPO": REPOSITORY, "TAG": TAG, "VERSION": TAG.removeprefix("v")}
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template


def problems(folder: Path) -> list[str]:
    made = subprocess.run([".ci/release-archive", TAG, "HEAD", str(folder)], check=True, capture_output=True, text=True).stdout
    source = json.loads(Path(".bcr/source.template.json").read_text(encoding="utf-8"))
    archive = folder / filled(source["url"]).rpartition("/")[2]
    if not archive.is_file() or not made.startswith(f"{archive} sha256-"):
        return [f"{archive.name} was not made: {made}"]
    prefix = filled(source["strip_prefix"]) + "/"
    with tarfile.open(archive) as tar:
        names = set(tar.getnames())
    outside = [name for name in names if not f"{name}/".startswith(prefix)]
    needed = ("MODULE.bazel", "wasm/defs.bzl", "rust/defs.bzl", "e2e/smoke/MODULE.bazel", "LICENSE")
    missing = [name for name in needed if prefix + name not in names]
    first = archive.read_bytes()
    subprocess.run([".ci/release-archive", TAG, "HEAD", str(folder)], check=True, capture_output=True)
    changed = ["the archive is not reproducible"] if archive.read_bytes() != first else []
    return [f"outside of {prefix}: {name}" for name in outside] + [f"missing: {name}" for name in missing] + changed


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="release_archive.") as folder:
        found = problems(Path(folder))
    sys.stdout.write("".join(f"FAIL {each}\n" for each in found) or "PASS the archive of a release is what the Central Registry is told\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
