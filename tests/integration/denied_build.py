"""denied_build.py: a build that a policy denies fails; built without validations, it still cannot be published.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/denied_build.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conformance import registry
from statements import report

TARGET = "//tests/integration:publish_strict_unsigned"
ALLOWED = "//examples/oci_publishing:secure_publish_strict"
RULE = "component:hello-* (//examples/oci_publishing:strict_security_policy"
UNCHECKED = "--norun_validations"
DENIED = 3


def bazel(command: str, *arguments: str) -> tuple[int, str]:
    """Runs Bazel; returns its exit code, which is the program's for `run`, and what it said."""
    environ = {**os.environ, "DOCKER_CONFIG": "/nonexistent"}
    done = subprocess.run(
        ["./bazelw", command, "--noshow_progress", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=environ,
    )
    return done.returncode, done.stdout


def against(ended: tuple[int, str], code: int, *words: str) -> list[str]:
    """What speaks against that a command ended with `code` and said `words`."""
    missing = [f"it does not say {word!r}" for word in words if word not in ended[1]]
    wrong = [] if ended[0] == code else [f"the exit code is {ended[0]}"]
    return [*wrong, *missing, *ended[1].splitlines()[-20:]] if wrong or missing else []


def writes(log: Path) -> list[str]:
    """Every request of an access log that may write."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.partition(" ")[0] not in ("GET", "HEAD")]


def checks(folder: Path) -> Iterator[tuple[str, list[str]]]:
    yield "bazel build of what the policy denies fails and names the rule", against(bazel("build", TARGET), 1, RULE, "it is not signed")
    yield f"with {UNCHECKED} it builds", against(bazel("build", UNCHECKED, TARGET), 0)
    with registry(folder) as host:
        options = (TARGET, "--", "--registry", host)
        yield "bazel run fails with the build", against(bazel("run", *options), 1, RULE)
        refused = bazel("run", UNCHECKED, *options)
        yield f"with {UNCHECKED} bazel run is refused by the same rule", against(refused, DENIED, RULE, "it is not signed")
        planned = bazel("run", UNCHECKED, *options, "--dry-run")
        yield "and so is its dry run", against(planned, DENIED, RULE)
        yield "the registry was asked for nothing that writes", writes(folder / "log")
        allowed = bazel("run", ALLOWED, "--", "--registry", host)
        wrote = [] if writes(folder / "log") else ["the log has no request that writes"]
        yield "what the policy allows is published there", against(allowed, 0, "Published") or wrote


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="denied_build.") as scratch:
        return report(checks(Path(scratch)))


if __name__ == "__main__":
    sys.exit(main())
