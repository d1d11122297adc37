"""Publish targets are found, built and read as Bazel says; here its part is played by a program."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.release_files import push_document
from wasm_oci.errors import UsageError
from wasm_oci.publish.push import Overrides
from wasm_oci.releases.bazel import Bazel, release_of_patterns
from wasm_oci.releases.release_file import ReleaseOptions

_PROGRAM = """#!{python}
import sys, pathlib
root = pathlib.Path({root!r})
with (root / "calls").open("a") as calls:
    calls.write(repr(sys.argv[1:]) + "\\n")
command = sys.argv[1]
if command == {failing!r}:
    sys.exit(7)
if command == "query":
    print({labels!r})
elif command == "cquery":
    print("bin/two_request.json bin/two.sh\\nbin/one_request.json bin/one.sh")
elif command == "info":
    print(root)
elif command == "build":
    print((root / "calls").name, file=sys.stderr)
"""


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return signed_image(tmp_path / "image")


def bazel(folder: Path, image: Image, *, labels: str = "//b:publish\n//a:publish", failing: str = "") -> dict[str, str]:
    """The environment with a program that builds two publish targets."""
    for name in ("one", "two"):
        runfiles = folder / f"bin/{name}.sh.runfiles/_main"
        runfiles.mkdir(parents=True)
        (runfiles / "layout").symlink_to(image.folder)
        document = push_document(name, image, layout="_main/layout", registry="localhost:5000")
        (folder / f"bin/{name}_request.json").write_text(json.dumps({"schema_version": 1, **document}))
    program = folder / "bazel"
    program.write_text(_PROGRAM.format(python=sys.executable, root=str(folder), labels=labels, failing=failing))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"BAZEL": str(program)}


def calls(folder: Path) -> str:
    return (folder / "calls").read_text()


def test_publish_targets_are_found_built_and_read(tmp_path: Path, image: Image) -> None:
    requests = Bazel(bazel(tmp_path, image)).publish_requests(["//...", "-//x/..."])
    assert [request.repository for request in requests] == ["one", "two"]
    assert all(request.layout and request.layout.samefile(image.folder) for request in requests)
    said = calls(tmp_path)
    assert "wasm_component_publish|wkg_multi_registry_publish" in said
    assert "let found = ((//...)) - (//x/...) in kind(" in said
    assert [line.split("'")[1] for line in said.splitlines()] == ["query", "build", "cquery", "info"]


def test_they_are_one_release(tmp_path: Path, image: Image) -> None:
    options = ReleaseOptions(tags=("v1", "current"), changes=Overrides(dry_run=True))
    request = release_of_patterns(["//..."], "releases", options, bazel(tmp_path, image))
    assert len(request.artifacts) == 2
    assert [index.destination.tags for index in request.indexes] == [("v1", "current")]
    assert (request.dry_run, request.fail_fast) == (True, False)


@pytest.mark.parametrize("failing", ["query", "build", "cquery", "info"])
def test_a_failure_of_bazel_ends_it(tmp_path: Path, image: Image, failing: str) -> None:
    with pytest.raises(UsageError, match=f"bazel {failing} failed with exit code 7"):
        Bazel(bazel(tmp_path, image, failing=failing)).publish_requests(["//..."])


def test_no_target_and_no_program_are_said(tmp_path: Path, image: Image) -> None:
    with pytest.raises(UsageError, match="no publish targets match"):
        Bazel(bazel(tmp_path, image, labels="")).publish_requests(["//..."])
    with pytest.raises(UsageError, match="cannot start"):
        Bazel({"BAZEL": str(tmp_path / "absent")}).publish_requests(["//..."])
