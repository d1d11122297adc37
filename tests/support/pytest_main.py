"""Runs pytest on the files named in the arguments, as Bazel wants a test to run."""

import os
import sys

import pytest


def main() -> int:
    args = ["-c", "pyproject.toml", "--rootdir", os.curdir, "--import-mode", "importlib", *sys.argv[1:]]
    if output := os.environ.get("XML_OUTPUT_FILE"):
        args += ["--junitxml", output]
    if only := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        args += ["-k", only]
    return int(pytest.main(args))


if __name__ == "__main__":
    sys.exit(main())
