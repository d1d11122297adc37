"""Runs pytest on the files named in the arguments, as Bazel wants a test to run."""

import os
import sys
import tempfile

import pytest


def main() -> int:
    args = ["-c", "pyproject.toml", "--rootdir", os.curdir, "--import-mode", "importlib", *sys.argv[1:]]
    if output := os.environ.get("XML_OUTPUT_FILE"):
        args += ["--junitxml", output]
    if only := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        args += ["-k", only]
    # A folder of its own: pytest's usual one is shared by all runs, each of which removes old folders while others do.
    with tempfile.TemporaryDirectory(prefix="t", ignore_cleanup_errors=True) as folder:
        return int(pytest.main([*args, "--basetemp", f"{folder}/t"]))


if __name__ == "__main__":
    sys.exit(main())
