"""conformance.py PROGRAM: the conformance suite of the OCI distribution specification against the local registry.

Run from the root of the workspace: .ci/conformance

Prints what failed, and as its last line how many of the suite's tests passed and failed. What the suite skips or has
disabled is an optional part of the specification: it counts as neither.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

_COUNT = re.compile(r"^  (Pass|FAIL|Error)\.+: +(\d+)$", re.MULTILINE)
START = 600.0
"""Longest build and start of the registry (seconds)."""


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Runs the local registry until the block ends; yields its host and port."""
    ready = folder / "ready"
    options = ["--port=0", "--address=127.0.0.1", f"--state={folder / 'state'}", f"--ready-file={ready}", f"--access-log={folder / 'log'}"]
    command = ["./bazelw", "run", "--noshow_progress", "//tools:local_registry", "--", *options]
    with subprocess.Popen(command, stdout=sys.stderr) as process:
        try:
            deadline = time.monotonic() + START
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("the local registry did not start")
                time.sleep(0.1)
            yield ready.read_text().strip()
        finally:
            process.terminate()


def main(program: str) -> int:
    with tempfile.TemporaryDirectory(prefix="conformance.") as scratch:
        folder = Path(scratch)
        with registry(folder) as host:
            settings = {"OCI_REGISTRY": host, "OCI_TLS": "disabled", "OCI_VERSION": "1.1"}
            ended = subprocess.run([program], cwd=folder, env={**os.environ, **settings}, stdout=subprocess.PIPE, check=False)
        report = (folder / "results/junit.xml").read_bytes()
    text = ended.stdout.decode(errors="replace")
    counts = {name: int(count) for name, count in _COUNT.findall(text)}
    passed, failed = counts.get("Pass", 0), counts.get("FAIL", 0) + counts.get("Error", 0)
    for case in ElementTree.fromstring(report).iter("testcase"):  # noqa: S314 - the suite wrote it
        if case.get("status") not in ("passed", "skipped", "disabled"):
            sys.stdout.write(f"FAILED: {case.get('name')}\n")
    if not passed or (ended.returncode and not failed):
        sys.stdout.write(f"FAILED: the suite ended with {ended.returncode}\n{text[-2000:]}\n")
        failed += 1
    sys.stdout.write(f"{passed} {failed}\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
