"""A thousand operations in one command: 200 images to 5 registries, one of which does not respond at first."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.artifacts import Image, signed_image
from fakes.program import tag_of, writes
from fakes.release_files import entry, request
from instruments.registry import RunningRegistry, start

IMAGES = 200
MIB = 100
"""Longest that the program's memory may be."""
_PROGRAM = [sys.executable, "-m", "wasm_oci.cli.program"]
_MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit, file=sys.stderr)
sys.exit(done.returncode)
"""
"""A process of its own: what begins as a copy of this large one counts as that large (getrusage(2))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    summary: str
    """The last line of stdout."""
    errors: list[str]
    mib: float
    statuses: Counter[str]


def release(folder: Path, file: Path) -> Done:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    command = [*_PROGRAM, "release", "--request", str(file), "--result-file", str(folder / "result.json")]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *command], capture_output=True, text=True, env=environ, timeout=240, check=False
    )
    *lines, memory = done.stderr.splitlines()
    document = json.loads((folder / "result.json").read_text())
    return Done(
        code=done.returncode,
        summary=done.stdout.splitlines()[-1],
        errors=[line for line in lines if not re.match(r"wasm_oci: (looking up|sending content|writing tags): ", line)],
        mib=int(memory) / 2**20,
        statuses=Counter(each["status"] for artifact in document["artifacts"] for each in artifact["destinations"]),
    )


def tagged(registry: RunningRegistry) -> int:
    """Returns how many tags of members were written."""
    return sum(line.startswith("PUT ") and line.endswith("/manifests/latest") for line in writes(registry))


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[list[RunningRegistry]]:
    with ExitStack() as stack:
        yield [stack.enter_context(start(tmp_path / f"state{number}", referrers_api=number != 1)) for number in range(4)]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Image]:
    names = [f"app{number}" for number in range(IMAGES)]
    return {name: signed_image(tmp_path / name, text=name, padding=4096, detached=name.endswith("7")) for name in names}


@pytest.mark.skipif(sys.platform == "win32", reason="getrusage is of POSIX systems")
def test_one_registry_is_dead_and_the_next_run_does_what_it_missed(
    tmp_path: Path, registries: list[RunningRegistry], images: dict[str, Image]
) -> None:
    with start(tmp_path / "state") as dead:
        port = dead.port
    file = request(tmp_path, images, *(entry(f"r{number}", each) for number, each in enumerate([*registries, dead])))

    done = release(tmp_path, file)
    assert (done.code, done.statuses) == (6, {"published": 800, "failed": 200})
    assert done.summary == "200 artifacts at 5 registries: 800 published, 200 failed"
    (error,) = done.errors
    assert error.startswith(f"wasm_oci: 127.0.0.1:{port}: ")
    assert "the connection is refused" in error
    assert [tagged(registry) for registry in registries] == [200] * 4
    assert done.mib < MIB

    for registry in registries:
        registry.requests.clear()
    with start(tmp_path / "state", port=port) as back:
        again = release(tmp_path, file)
        assert (again.code, again.statuses, again.errors) == (0, {"published": 200, "unchanged": 800}, [])
        assert again.summary == "200 artifacts at 5 registries: 800 unchanged, 200 published"
        assert [len(writes(registry)) for registry in registries] == [0] * 4
        assert tagged(back) == 200
        assert again.mib < MIB
        for name, image in images.items():
            assert tag_of(back, f"apps/{name}", "latest") == image.digest
        assert tag_of(back, "releases", "v1") == tag_of(registries[0], "releases", "v1")
