"""What building many signed images costs: with the persistent worker, beside the same tree with a sandboxed process for each action.

    ./bazelw exec python3 benchmarks/build.py [--images 1000]

In a temporary workspace, by the Bazel that `bazelw` finds: one package of signed images, each of a component of its own of 64 KiB.
Times are those of the whole command. Processor time is that of the Bazel server, its workers and all actions; cold means after
`bazel clean`.
Needs only the standard library, and Linux for the processor times.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
SIZE = 64 * 1024
STARTS = 20
MNEMONICS = ("WasmOciLayout", "WasmSign", "WasmValidate")
SANDBOXED = [f"--strategy={mnemonic}=sandboxed" for mnemonic in MNEMONICS]
PROGRAMS = ("local_registry", "wasm_oci", "wasmsign2")
TICKS = os.sysconf("SC_CLK_TCK")
MODULE = """module(name = "images")

bazel_dep(name = "rules_wasm_oci")
local_path_override(module_name = "rules_wasm_oci", path = "{root}")
"""
BUILD = """load("@rules_wasm_oci//wasm:defs.bzl", "wasm_component_oci_image", "wasm_keygen")

wasm_keygen(name = "keys")

[
    wasm_component_oci_image(
        name = "image{{}}".format(number),
        package_name = "benchmark/image{{}}".format(number),
        component = "component{{}}.wasm".format(number),
        sign_component = True,
        signing_keys = ":keys",
        tag = "v1",
    )
    for number in range({images})
]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one command: seconds on the clock and of the processors."""

    wall: float
    processor: float


def component() -> bytes:
    """Returns a component with one custom section of random bytes."""
    payload = b"\x06random" + os.urandom(SIZE)
    length, digits = len(payload), bytearray()
    while length > 0x7F:
        digits.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes.fromhex("0061736d0d000100") + b"\x00" + bytes((*digits, length)) + payload


def processor_seconds(server: int) -> float:
    """Returns what a process and its descendants took so far, with those that have ended and been waited for."""
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))
    total = 0
    for pid, own in ticks.items():
        ancestor = pid
        while ancestor not in (server, 0):
            ancestor = parents.get(ancestor, 0)
        total += own if ancestor == server else 0
    return total / TICKS


class Workspace:
    """The temporary workspace, and Bazel in it."""

    def __init__(self, folder: Path, images: int, bazel: Sequence[str]) -> None:
        self.folder, self._bazel = folder, [*bazel, f"--output_base={folder.parent / 'output'}"]
        (folder / "many").mkdir(parents=True)
        (folder / "one").mkdir()
        (folder / "MODULE.bazel").write_text(MODULE.format(root=ROOT))
        (folder / "BUILD.bazel").touch()
        for name, count in (("many", images), ("one", 1)):
            (folder / name / "BUILD.bazel").write_text(BUILD.format(images=count))
            for number in range(count):
                (folder / name / f"component{number}.wasm").write_bytes(component())

    def run(self, *arguments: str) -> str:
        """Returns stdout; raises SystemExit with Bazel's words if it fails."""
        done = subprocess.run([*self._bazel, *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"bazel {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr[-10_000:]}")
        return done.stdout

    def measure(self, *arguments: str) -> Cost:
        server = int(self.run("info", "server_pid"))
        before, started = processor_seconds(server), time.monotonic()
        self.run(*arguments)
        return Cost(wall=time.monotonic() - started, processor=processor_seconds(server) - before)

    def cold(self, *options: str) -> Cost:
        self.run("clean")
        return self.measure("build", "--disk_cache=", *options, "//many:all")


def rounds(count: int, action: Callable[[], Cost]) -> Cost:
    costs = [action() for _ in range(count)]
    return Cost(wall=median(cost.wall for cost in costs), processor=median(cost.processor for cost in costs))


def row(what: str, cost: Cost, beside: Cost | None = None) -> None:
    ratio = f"{cost.wall / beside.wall:.2f} | {cost.processor / beside.processor:.2f}" if beside else " | "
    print(f"| {what} | {cost.wall:.2f} s | {cost.processor:.2f} s | {ratio} |", flush=True)


def starts(folders: Sequence[Path]) -> None:
    """Prints the median time of `--help` of each program in each folder, in alternation."""
    print(f"\n| `--help`, median of {STARTS} | {' | '.join(('this tree', *map(str, folders[1:])))} |\n|---|{'---|' * len(folders)}")
    for program in PROGRAMS:
        times: list[list[float]] = [[] for _ in folders]
        for _ in range(STARTS):
            for taken, folder in zip(times, folders, strict=True):
                started = time.monotonic()
                subprocess.run([folder / program, "--help"], stdout=subprocess.DEVNULL, check=True)
                taken.append(time.monotonic() - started)
        print(f"| {program} | {' | '.join(f'{median(taken) * 1000:.0f} ms' for taken in times)} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="of the builds that are short (default: 3)")
    parser.add_argument("--beside", type=Path, action="append", default=[], metavar="DIR", help="programs of another tree, for --help")
    parser.add_argument("--bazel", default=str(ROOT / "bazelw"), help="command (default: bazelw)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="build.") as scratch:
        workspace = Workspace(Path(scratch, "workspace"), args.images, args.bazel.split())
        try:
            workspace.run("build", "--nobuild", "//one:all")  # what is fetched is no part of any figure
            print(f"{args.images} signed images of {SIZE // 1024} KiB, {os.cpu_count()} processors\n")
            print("| | time | processor time | ratio of time | of processor time |\n|---|---|---|---|---|", flush=True)
            sandboxed = workspace.cold(*SANDBOXED)
            row("cold, a sandboxed process for each action", sandboxed)
            row("cold, the worker", workspace.cold(), sandboxed)
            row("nothing changed", rounds(args.rounds, lambda: workspace.measure("build", "//many:all")))

            def change() -> Cost:
                (workspace.folder / "many" / "component0.wasm").write_bytes(component())
                return workspace.measure("build", "//many:all")

            row("one component changed", rounds(args.rounds, change))

            def analyse() -> Cost:
                workspace.run("shutdown")
                workspace.run("build", "--nobuild", "//one:all")
                return workspace.measure("build", "--nobuild", "//many:all")

            row("analysis", rounds(args.rounds, analyse))
            workspace.run("build", *(f"@rules_wasm_oci//tools:{program}" for program in PROGRAMS))
            programs = next(Path(workspace.run("info", "bazel-bin").strip()).glob("external/rules_wasm_oci*/tools/bin"))
            starts([programs, *args.beside])
        finally:
            workspace.run("clean", "--expunge")
    return 0


if __name__ == "__main__":
    sys.exit(main())
