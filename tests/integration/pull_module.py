"""pull_module.py: a module of its own pulls a component from a registry, verifies and publishes it again; what is wrong fails its build.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/pull_module.py
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path.cwd()
PROGRAMS = ROOT / "bazel-bin/tools/bin"
OUTPUT = "bazel-bin/external/rules_wasm_oci++wasm+hello/hello.wasm"
MODULE = """module(name = "outside")

bazel_dep(name = "rules_wasm_oci")
local_path_override(module_name = "rules_wasm_oci", path = "{root}")

oci_wasm = use_extension("@rules_wasm_oci//wasm:extensions.bzl", "wasm")
oci_wasm.pull(
    name = "hello",
    image = "{host}/apps/hello",
    lock = "//:wasm_oci.lock.json",
    public_keys = ["//:one.public"],
    tag = "1.0.0",
)
use_repo(oci_wasm, "hello")
"""
BUILD = """load("@rules_wasm_oci//wasm:defs.bzl", "wasm_component_from_oci", "wasm_component_oci_publish", "wkg_registry_config")

exports_files(["one.public", "two.public", "policy.yaml"])

wasm_component_from_oci(
    name = "component",
    component_name = "hello",
    namespace = "apps",
    registry = "{host}",
    vendored_component = "@hello//:hello",
)

wkg_registry_config(name = "registries", registries = ["here|{host}|oci|anonymous"])

wasm_component_oci_publish(
    name = "publish",
    component = ":component",
    namespace = "copies",
    package_name = "hello",
    registry = "here",
    registry_config = ":registries",
    tag = "1.0.0",
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    code: int
    said: str


def call(*line: str | Path, cwd: Path = ROOT) -> Done:
    done = subprocess.run([str(part) for part in line], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return Done(code=done.returncode, said=done.stdout)


def program(name: str, *line: str | Path, cwd: Path = ROOT) -> str:
    done = call(PROGRAMS / name, *line, cwd=cwd)
    if done.code:
        raise RuntimeError(f"{name} {line[0]} failed:\n{done.said}")
    return done.said


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The local registry, with a line in its log for each request."""

    host: str
    state: Path
    log: Path

    @property
    def requests(self) -> int:
        return len(self.log.read_bytes().splitlines())


@contextmanager
def registry(scratch: Path) -> Iterator[Registry]:
    ready, log, state = scratch / "ready", scratch / "access.log", scratch / "registry"
    options = ("--port", "0", "--state", str(state), "--ready-file", str(ready), "--access-log", str(log))
    process = subprocess.Popen([str(PROGRAMS / "local_registry"), *options], stdout=subprocess.DEVNULL)
    try:
        while not (ready.is_file() and ready.read_text().strip()):
            if process.poll() is not None:
                raise RuntimeError("the registry does not start")
            time.sleep(0.05)
        port = ready.read_text().strip().rpartition(":")[2]
        yield Registry(host=f"localhost:{port}", state=state, log=log)
    finally:
        process.terminate()
        process.wait()


@dataclass(slots=True, kw_only=True)
class Workspace:
    """The outside module; each refused case begins with the same files and an empty cache of downloads."""

    folder: Path
    scratch: Path
    startup: tuple[str, ...] = ()
    """Startup options of Bazel."""
    problems: list[str] = field(default_factory=list)
    cases: int = 0

    def bazel(self, command: str, *line: str, cache: str = "cache") -> Done:
        base = f"--output_base={self.scratch / 'base'}"
        options = () if command in ("clean", "shutdown") else (f"--repository_cache={self.scratch / cache}", "--noshow_progress")
        return call(ROOT / "bazelw", *self.startup, base, command, *options, *line, cwd=self.folder)

    def check(self, what: str, fine: bool, details: str = "") -> None:
        self.cases += 1
        sys.stdout.write(f"{'ok  ' if fine else 'FAIL'} {what}\n")
        if not fine:
            self.problems.append(what)
            sys.stdout.write(f"{details[-3000:]}\n")

    def edit(self, file: str, pattern: str, text: str) -> None:
        path = self.folder / file
        changed = re.sub(pattern, text, path.read_text(), count=1)
        if changed == path.read_text():
            raise RuntimeError(f"{file} has no {pattern}")
        path.write_text(changed)

    @contextmanager
    def changed(self) -> Iterator[None]:
        """Puts the files back that a block edits, and downloads everything anew within it."""
        saved = {path: path.read_bytes() for path in self.folder.iterdir() if path.is_file() and not path.is_symlink()}
        self.bazel("clean")
        try:
            yield
        finally:
            for path, data in saved.items():
                path.write_bytes(data)

    def refused(self, what: str, *words: str, fetch: bool = False) -> None:
        """The build fails with all words, and the component does not exist; where `fetch`, it is downloaded anew, without a cache."""
        if fetch:
            self.bazel("fetch", "--force", "--repo=@hello", cache=f"cache-{self.cases}")
        done = self.bazel("build", "@hello//:hello", cache=f"cache-{self.cases}" if fetch else "cache")
        missing = [word for word in words if word not in done.said]
        exists = (self.folder / OUTPUT).exists()
        self.check(what, done.code != 0 and not missing and not exists, f"missing: {missing}, exists: {exists}\n{done.said}")


def publish(scratch: Path, host: str) -> None:
    """A component with a detached signature of the first of two keys."""
    component = ROOT / "e2e/smoke/hello.wasm"
    for name in ("one", "two"):
        program("wasm_oci", "keygen", "-k", scratch / f"{name}.secret", "-K", scratch / f"{name}.public")
    program("wasm_oci", "normalise", "-i", component, "-o", scratch / "hello.wasm")
    program(
        "wasm_oci",
        "sign",
        "-i",
        scratch / "hello.wasm",
        "-o",
        scratch / "same.wasm",
        "-S",
        scratch / "hello.sig",
        "-k",
        scratch / "one.secret",
    )
    image = ("--name", "apps/hello", "--tag", "1.0.0", "--annotation", "org.opencontainers.image.description=Grüße")
    program("wasm_oci", "image", "-i", scratch / "hello.wasm", "-o", scratch / "layout", *image)
    program("wasm_oci", "push", scratch / "layout", f"{host}/apps/hello:1.0.0", "--signature-file", scratch / "hello.sig")


def run(work: Workspace, served: Registry) -> None:
    folder = work.folder
    (folder / "MODULE.bazel").write_text(MODULE.format(root=ROOT, host=served.host))
    (folder / "BUILD.bazel").write_text(BUILD.format(host=served.host))
    (folder / "policy.yaml").write_text("name: small\nalways: {max_size: 10}\n")
    (folder / ".bazelrc").write_text("common --noenable_workspace\n")
    for name in ("one.public", "two.public"):
        shutil.copy(work.scratch / name, folder / name)
    work.refused("a tag without a digest", "1.0.0 has no digest, and a tag may move", "tools:update", '    digest = "sha256:')

    done = work.bazel("run", "@rules_wasm_oci//tools:update")
    pinned = re.search(r'digest = "(sha256:[0-9a-f]{64})"', (folder / "MODULE.bazel").read_text())
    work.check("update pins what verified", done.code == 0 and pinned is not None, done.said)
    done = work.bazel("run", "@rules_wasm_oci//tools:update", "--", "--check")
    work.check("nothing changes the second time", done.code == 0, done.said)
    done = work.bazel("build", "//:component")
    same = (folder / OUTPUT).read_bytes() == (work.scratch / "hello.wasm").read_bytes() if done.code == 0 else False
    work.check("the component is built, as it was published", same, done.said)

    before = served.requests
    done = work.bazel("fetch", "--force", "--repository_disable_download", "--repo=@hello")
    again = work.bazel("build", "--repository_disable_download", "//:component")
    work.check("fetched again without any request", (done.code, again.code, served.requests) == (0, 0, before), done.said + again.said)

    done = work.bazel("run", "//:publish")
    program("wasm_oci", "pull", f"{served.host}/copies/hello:1.0.0", "-o", work.scratch / "copy.wasm", "--allow-unsigned")
    copied = (work.scratch / "copy.wasm").read_bytes() == (work.scratch / "hello.wasm").read_bytes()
    work.check("what was pulled is published again", done.code == 0 and copied, done.said)

    with work.changed():
        work.edit("MODULE.bazel", "one.public", "two.public")
        work.refused("a changed signer", "none of the given keys signed it", f"{served.host}/apps/hello:1.0.0")
        done = work.bazel("run", "@rules_wasm_oci//tools:update")
        work.check("update refuses a changed signer", done.code == 4, done.said)
    with work.changed():
        work.edit("wasm_oci.lock.json", r'"referrers": \[[^]]*\]', '"referrers": []')
        work.refused("a signature that was removed from the pin", "neither it nor the source holds a signature")
    with work.changed():
        work.edit("MODULE.bazel", "    public_keys", '    policy = "//:policy.yaml",\n    public_keys')
        work.refused("a policy that denies it", "denies it", "more than 10 bytes", "policy = //:policy.yaml")
    with work.changed():
        work.edit("wasm_oci.lock.json", r'"manifest": "sha256:..', '"manifest": "sha256:00')
        work.refused("a lock file of another digest", "is of another manifest", "tools:update")
    with work.changed():
        work.edit("MODULE.bazel", r"    public_keys = .*\n", "")
        work.refused("no keys", "give public_keys or trusted_keys", "only verify = False accepts")
        work.edit("MODULE.bazel", r"    tag =", "    verify = False,\n    tag =")
        done = work.bazel("build", "@hello//:hello")
        work.check("verify = False, written out", done.code == 0, done.said)
    in_registry(work, served)


def in_registry(work: Workspace, served: Registry) -> None:
    """What somebody does to the registry's files; each time everything is downloaded anew."""
    blobs = served.state / "apps/hello/blobs/sha256"
    entry = json.loads((work.folder / "wasm_oci.lock.json").read_bytes())["components"]["hello"]
    for what, digest in {
        "the component is tampered with": entry["component"],
        "the manifest is tampered with": entry["manifest"],
        "the signature is tampered with": entry["referrers"][0],
    }.items():
        path = blobs / digest.removeprefix("sha256:")
        data = path.read_bytes()
        with work.changed():
            path.write_bytes(data[:-1] + bytes((data[-1] ^ 1,)))
            work.refused(what, "An error occurred during the fetch", fetch=True)
            path.unlink()
            work.refused(what.replace("tampered with", "removed"), "An error occurred during the fetch", fetch=True)
            path.write_bytes(data)


@contextmanager
def outside(scratch: Path, startup: tuple[str, ...] = ()) -> Iterator[Workspace]:
    """An empty workspace, whose Bazel leaves nothing behind."""
    work = Workspace(folder=scratch / "outside", scratch=scratch, startup=startup)
    work.folder.mkdir()
    try:
        yield work
    finally:
        work.bazel("clean", "--expunge")


def checked(name: str, about: str, cases: Callable[[Path, Registry], Workspace]) -> int:
    """Runs cases at a registry of ours, says how they went, and returns the exit code."""
    os.environ.setdefault("WASM_OCI_DEBIAN_ROOT", "always")
    built = call("./bazelw", "build", "--noshow_progress", "//tools:wasm_oci", "//tools:local_registry")
    if built.code:
        sys.stdout.write(f"FAIL the programs are not built\n{built.said}")
        return 1
    with tempfile.TemporaryDirectory(prefix=f"{name}.") as folder, registry(scratch := Path(folder)) as served:
        work = cases(scratch, served)
    verdict = f"FAIL {', '.join(work.problems)}" if work.problems else f"PASS {work.cases} cases of {about}"
    sys.stdout.write(f"{verdict}\n")
    return 1 if work.problems else 0


def cases_of_a_module(scratch: Path, served: Registry) -> Workspace:
    with outside(scratch) as work:
        publish(scratch, served.host)
        run(work, served)
        return work


if __name__ == "__main__":
    sys.exit(checked("pull_module", "an outside module that pulls", cases_of_a_module))
