"""Publishing beside crane, oras and regctl, to docker-registry and to the in-memory `crane registry serve`, all on this machine.

    ./bazelw build //tools:wasm_oci
    ./bazelw exec python3 benchmarks/publishing.py --program "$PWD/bazel-bin/tools/bin/wasm_oci" --python PYTHON --peer PATH_TO_WASMSIGN2

Every run gets a registry that is new and empty; the programs take turns, and rows show medians of whole processes on the clock.
Images without a release index go through `wasm_oci.publish.release`, which PYTHON runs, a Python with the packages of
`tools/requirements/tools.txt`; a release goes through the program. A peer that
is not installed is named and left out. In the run without changes, the components are not even there: whoever read one would fail. What
a registry was asked is counted in its own log. Else needs only the standard library.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from registries import registry

MIB = 1024 * 1024
HEAD = bytes.fromhex("0061736d0d000100")
TOOLS = Path(__file__).resolve().parents[1] / "tools"
PARALLEL = 8
MANY, RELEASE, CHANGED = 500, 5000, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process, with those that it starts: seconds on the clock and of processors, peak memory in MiB, and what it printed."""

    seconds: float
    processor: float
    memory: float
    output: str


def measure(command: Sequence[object], environment: dict[str, str] | None = None) -> Run:
    """Runs a process to its end; raises SystemExit with its words if it fails."""
    line = [str(part) for part in command]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.monotonic()
        process = subprocess.Popen(line, stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{shlex.join(line)[:500]}: exit code {process.returncode}\n{errors.read().decode()[-2000:]}")
        output.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024
        used = usage.ru_utime + usage.ru_stime
        return Run(seconds=seconds, processor=used, memory=usage.ru_maxrss * unit / MIB, output=output.read().decode())


def write_component(path: Path, size: int, seed: int) -> None:
    """Writes a component with one custom section of nearly `size` bytes, up to a mebibyte of them random and repeated."""
    block, left = os.urandom(min(size, MIB)), size - 32
    head, length, number = b"\x01x" + seed.to_bytes(8, "big"), bytearray(), left + 10
    while number > 0x7F:
        length.append(number & 0x7F | 0x80)
        number >>= 7
    with path.open("wb") as stream:
        stream.write(HEAD + b"\0" + bytes([*length, number]) + head)
        while left:
            left -= stream.write(block[:left])


def write_layouts(folder: Path, numbers: range, size: int) -> None:
    """Writes the layouts of images `app0`, `app1` and so on; those that are there are replaced."""
    from wasm_oci.oci.image import build_image
    from wasm_oci.oci.image_request import ImageRequest

    wasm = folder / "component.wasm"
    for number in numbers:
        shutil.rmtree(folder / f"app{number}", ignore_errors=True)
        write_component(wasm, size, number)
        build_image(ImageRequest(component=wasm, package_name=f"app{number}", namespace="b", tag="1.0.0")).write(folder / f"app{number}")
    wasm.unlink()


def publish_layouts(folder: Path, host: str, count: int) -> None:
    """Publishes all layouts of a folder in this process; raises SystemExit where one is not published."""
    from wasm_oci.http.transport import Transport
    from wasm_oci.keys.sources.passphrase import PassphraseSource
    from wasm_oci.oci.reference import Reference
    from wasm_oci.publish.release import release
    from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest

    artifacts = (
        ArtifactRequest(
            layout=folder / f"app{number}",
            destinations=(DestinationRequest(repository=Reference.parse(f"{host}/b/app{number}"), tags=("1.0.0",)),),
            move_tags=True,
        )
        for number in range(count)
    )
    request = ReleaseRequest(artifacts=tuple(artifacts), fail_fast=False)
    done = release(request, transport=Transport(), environ=os.environ, passphrase=PassphraseSource())
    statuses = Counter(result.status for artifact in done.artifacts for result in artifact.results)
    if statuses.keys() - {"published", "unchanged"}:
        raise SystemExit(f"not all is published: {dict(statuses)}")
    print(", ".join(f"{number} {status}" for status, number in sorted(statuses.items())))


def write_release(folder: Path, host: str, count: int) -> Path:
    """Writes the request of a release of the layouts of a folder, as a `wasm_release` target does; returns its file."""
    requests = [folder / f"app{number}.json" for number in range(count)]
    for number, file in enumerate(requests):
        member = {"layout": str(folder / f"app{number}"), "namespace": "b", "repository": f"app{number}", "tag": "latest"}
        file.write_text(json.dumps({"schema_version": 1, "movable_tags": ["latest"], "target": f"//:app{number}", **member}))
    release = {"repository": "b/release", "tag": "latest", "movable_tags": ["latest"], "requests": [str(file) for file in requests]}
    places = {"registries": [{"name": "here", "host": host}], "target_registries": ["here"]}
    file = folder / "release.json"
    file.write_text(json.dumps({"schema_version": 1, "target": "//:release", **release, **places}))
    return file


def show(title: str, who: str, run: Run) -> None:
    print(f"{title:<34}{who:<8}{run.seconds:8.2f} s{run.processor:8.2f} s{run.memory:8.1f} MiB {run.output.strip()}", flush=True)


def show_requests(asked: Counter[str], when: str = "") -> None:
    print(f"{'':<34}asked for{when}: {', '.join(f'{count} {method}' for method, count in sorted(asked.items()))}", flush=True)


def _median(runs: list[Run]) -> Run:
    seconds, processor = median(run.seconds for run in runs), median(run.processor for run in runs)
    return Run(seconds=seconds, processor=processor, memory=max(run.memory for run in runs), output="")


class Benchmark:
    """The programs, and where their files are."""

    def __init__(self, folder: Path, program: list[str], python: str, peer: Path | None, rounds: int) -> None:
        self.folder, self.program, self.python, self.peer, self.rounds = folder, program, python, peer, rounds

    def own(self, *arguments: object) -> Run:
        """Runs this file with the Python that has the packages."""
        return measure([self.python, __file__, *arguments], {**os.environ, "PYTHONPATH": str(TOOLS)})

    def compare(self, title: str, programs: dict[str, Callable[[], Run]]) -> None:
        """Prints a row for each program, in turns `rounds` times, and the ratio of ours to the best of the others."""
        runs: dict[str, list[Run]] = {name: [] for name in programs}
        for _ in range(self.rounds):
            for name, run in programs.items():
                runs[name].append(run())
        middle = {name: _median(done) for name, done in runs.items()}
        others = [each for name, each in middle.items() if name != "ours"]
        if others:
            best, least = min(each.seconds for each in others), min(each.processor for each in others)
            ours = middle["ours"]
            middle["ours"] = replace(ours, output=f"ratio {ours.seconds / best:.2f}, of processor time {ours.processor / least:.2f}")
        for name, figures in middle.items():
            show(title, name, figures)

    def large(self, mib: int) -> None:
        """One large image to docker-registry, and back with its signature verified."""
        wasm, signed, layout = self.folder / "large.wasm", self.folder / "signed.wasm", self.folder / "large"
        secret, public = self.folder / "key.secret", self.folder / "key.public"
        write_component(wasm, mib * MIB, 0)
        measure([*self.program, "keygen", "-k", secret, "-K", public])
        measure([*self.program, "sign", "-i", wasm, "-o", signed, "-k", secret, "-K", public])
        wasm.unlink()
        measure([*self.program, "image", "-i", signed, "-o", layout, "--namespace", "b", "--name", "large", "--tag", "1.0.0"])

        def push(*command: object) -> Run:
            with registry("disk") as target:
                return measure([*command, layout, f"{target.host}/b/large:1.0.0"])

        programs = {"ours": lambda: push(*self.program, "push", "-q"), "crane": lambda: push("crane", "push")}
        self.compare(f"push of {mib} MiB, disk", programs)
        with registry("disk") as source:
            reference, output = f"{source.host}/b/large:1.0.0", self.folder / "pulled"
            measure(["crane", "push", layout, reference])

            def crane() -> Run:
                shutil.rmtree(output, ignore_errors=True)
                pulled = measure(["crane", "pull", "--format", "oci", reference, output])
                (blob,) = (path for path in (output / "blobs/sha256").iterdir() if path.stat().st_size > MIB)
                verified = measure([self.peer or "wasmsign2", "verify", "-i", blob, "-K", public])
                memory = max(pulled.memory, verified.memory)
                seconds, used = pulled.seconds + verified.seconds, pulled.processor + verified.processor
                return Run(seconds=seconds, processor=used, memory=memory, output="")

            ours = [*self.program, "pull", "-q", reference, "-o", self.folder / "pulled.wasm", "-K", public]
            self.compare(f"pull of {mib} MiB, verified", {"ours": lambda: measure(ours)} | ({"peers": crane} if self.peer else {}))

    def many(self, kind: str) -> None:
        """Many small images, each program to a registry of its own, eight at a time where it takes one at a time."""
        layouts = self.folder / "many"

        def ours() -> Run:
            with registry(kind) as target:
                return self.own("--publish", layouts, target.host, MANY)

        def peer(command: str) -> Callable[[], Run]:
            def run() -> Run:
                with registry(kind) as target:
                    one = command.format(layout=f"{layouts}/app$0", host=target.host)
                    return measure(["sh", "-c", f"seq 0 {MANY - 1} | xargs -P{PARALLEL} -n1 sh -c '{one} >/dev/null 2>&1 || exit 255'"])

            return run

        commands = {
            "crane": "crane push {layout} {host}/b/app$0:1.0.0",
            "oras": "oras cp --from-oci-layout {layout}:1.0.0 --to-plain-http {host}/b/app$0:1.0.0",
            "regctl": "regctl --host reg={host},tls=disabled image copy ocidir://{layout}:1.0.0 {host}/b/app$0:1.0.0",
        }
        there = {name: peer(command) for name, command in commands.items() if shutil.which(name)}
        self.compare(f"{MANY} of 64 KiB, {kind}", {"ours": ours, **there})

    def again(self) -> None:
        """The same once more: the components are away, and the registry is asked only what it has."""
        layouts = self.folder / "many"
        with registry("memory") as target:
            self.own("--publish", layouts, target.host, MANY)
            away = [path for path in layouts.glob("app*/blobs/sha256/*") if path.stat().st_size > 32 * 1024]
            before = target.asked()
            for path in away:
                path.rename(path.with_suffix(".away"))
            self.compare(f"{MANY} unchanged, memory", {"ours": lambda: self.own("--publish", layouts, target.host, MANY)})
            for path in away:
                path.with_suffix(".away").rename(path)
            show_requests(target.asked() - before, f" in {self.rounds} runs")

    def release(self) -> None:
        """A large release of which little is new, by `wasm_oci release`."""
        layouts = self.folder / "release"
        layouts.mkdir()
        self.own("--write", layouts, 0, RELEASE, 4096)
        with registry("memory") as target:
            command = [*self.program, "release", "-q", "--request", write_release(layouts, target.host, RELEASE)]
            show(f"{RELEASE} new, memory", "ours", replace(measure(command), output=""))
            for _ in range(self.rounds):
                self.own("--write", layouts, 0, CHANGED, 4096)
                before = target.asked()
                show(f"{RELEASE} with {CHANGED} new, memory", "ours", replace(measure(command), output=""))
                show_requests(target.asked() - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=shlex.split, default=["wasm_oci"], help="wasm_oci")
    parser.add_argument("--python", default=sys.executable, help="a Python with the packages of tools.txt (default: this one)")
    parser.add_argument("--peer", type=Path, help="the published wasmsign2; without it, pull is measured alone; regctl may be beside it")
    parser.add_argument("--mib", type=int, default=200, help="size of the large component (default: 200)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program (default: 3)")
    parser.add_argument("--rows", default="large,memory,disk,again,release", help="what to measure (default: all)")
    parser.add_argument("--write", nargs=4, metavar=("FOLDER", "FIRST", "LAST", "SIZE"), help=argparse.SUPPRESS)
    parser.add_argument("--publish", nargs=3, metavar=("FOLDER", "HOST", "COUNT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.write:
        write_layouts(Path(args.write[0]), range(int(args.write[1]), int(args.write[2])), int(args.write[3]))
        return
    if args.publish:
        publish_layouts(Path(args.publish[0]), args.publish[1], int(args.publish[2]))
        return
    if args.peer:
        os.environ["PATH"] += f"{os.pathsep}{args.peer.parent}"
    for name in ("crane", "oras", "regctl", "docker-registry"):
        if not shutil.which(name):
            print(f"{name} is not installed")
    with tempfile.TemporaryDirectory(prefix="publishing.") as folder:
        benchmark = Benchmark(Path(folder), args.program, args.python, args.peer, args.rounds)
        (Path(folder) / "many").mkdir()
        benchmark.own("--write", Path(folder) / "many", 0, MANY, 64 * 1024)
        rows = {
            "large": lambda: benchmark.large(args.mib),
            "memory": lambda: benchmark.many("memory"),
            "disk": lambda: benchmark.many("disk"),
            "again": benchmark.again,
            "release": benchmark.release,
        }
        for row in args.rows.split(","):
            rows[row]()


if __name__ == "__main__":
    main()
