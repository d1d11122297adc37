"""Processor time and peak memory of signing and verifying, beside the published wasmsign2: large, many sections, many files.

    python3 benchmarks/signing.py --peer PATH_TO_WASMSIGN2

Every run is whole processes, ours and the peer's in alternation: for many files one call of ours, and one call a
file of the peer, which takes one file at a time. Needs only the standard library; ours is run
from this repository with the Python that runs this (which needs `cryptography`), or as `--ours COMMAND` says.
The system counts the memory of the starting process in: a peak below the printed floor cannot be told.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
SECTIONS = 100_000
FILES = 1_000
FILE_SIZE = 64 * 1024
Command = Sequence[str | Path]
PREAMBLE = bytes.fromhex("0061736d01000000")
TOOLS = Path(__file__).resolve().parents[1] / "tools"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process: processor seconds (user and system) and peak memory in MiB."""

    seconds: float
    memory: float


def median(values: Iterable[float]) -> float:
    """Returns the middle value, of an even number the lower one."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def leb128(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))


def write_large(path: Path, mebibytes: int) -> None:
    """Writes a module with one code section of random bytes, a mebibyte of them repeated."""
    block = os.urandom(MIB)
    with path.open("wb") as stream:
        stream.write(PREAMBLE + b"\x0a" + leb128(mebibytes * MIB))
        for _ in range(mebibytes):
            stream.write(block)


def write_many(path: Path) -> None:
    """Writes a module of many small custom sections."""
    with path.open("wb") as stream:
        stream.write(PREAMBLE)
        for index in range(SECTIONS):
            payload = b"\x06" + f"n{index:05}".encode() + b"12345678"
            stream.write(b"\x00" + leb128(len(payload)) + payload)


def write_files(folder: Path) -> list[Path]:
    """Writes modules of one code section each."""
    folder.mkdir()
    paths = [folder / f"module{index:04}.wasm" for index in range(FILES)]
    for path in paths:
        path.write_bytes(PREAMBLE + b"\x0a" + leb128(FILE_SIZE) + os.urandom(FILE_SIZE))
    return paths


def measure(commands: Iterable[Command], environment: dict[str, str]) -> Run:
    """Runs processes one after the other, each to its end; raises SystemExit with its words if one fails."""
    seconds = memory = 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    for command in commands:
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=output, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                output.seek(0)
                line = shlex.join(str(part) for part in command)[:1000]
                raise SystemExit(f"{line}: exit code {process.returncode}\n{output.read().decode()}")
        seconds, memory = seconds + usage.ru_utime + usage.ru_stime, max(memory, usage.ru_maxrss * unit / MIB)
    return Run(seconds=seconds, memory=memory)


def compare(name: str, programs: Callable[[], Iterable[tuple[str, Sequence[Command]]]], rounds: int, environment: dict[str, str]) -> None:
    """Prints a row for each program, with medians and, for ours, ratios to the peer; each round asks for them anew."""
    runs: dict[str, list[Run]] = {}
    for _ in range(rounds):
        for who, commands in programs():
            runs.setdefault(who, []).append(measure(commands, environment))
    medians = {who: (median(run.seconds for run in done), median(run.memory for run in done)) for who, done in runs.items()}
    for who, (seconds, memory) in medians.items():
        ratios = f"{seconds / medians['peer'][0]:8.2f} {memory / medians['peer'][1]:8.2f}" if who == "ours" and "peer" in medians else ""
        print(f"{name:<24}{who:<6}{seconds:9.3f} s{memory:9.1f} MiB {ratios}", flush=True)


class Benchmark:
    """The files, the keys, and how each program is called."""

    def __init__(self, folder: Path, ours: list[str], peer: Path | None, rounds: int, environment: dict[str, str]) -> None:
        self.folder, self._ours, self._peer, self._rounds, self._environment = folder, ours, peer, rounds, environment
        self._programs = ("ours", "peer") if peer else ("ours",)
        self.secret, self.public = folder / "key.secret", folder / "key.public"
        measure([[*ours, "keygen", "-k", self.secret, "-K", self.public]], environment)

    def one_file(self, title: str, source: Path, *, peer: bool = True) -> None:
        """Signs and verifies one file; a file that the peer would take minutes or gigabytes for is measured without it."""
        signed = self.folder / "signed.wasm"
        sign: Command = ["sign", "-i", source, "-o", signed, "-k", self.secret, "-K", self.public]
        verify: Command = ["verify", "-i", signed, "-K", self.public]
        for name, arguments in ((f"sign, {title}", sign), (f"verify, {title}", verify)):
            programs: dict[str, Sequence[Command]] = {"ours": [[*self._ours, *arguments]]}
            if self._peer and peer:
                programs["peer"] = [[self._peer, *arguments]]
            compare(name, programs.items, self._rounds, self._environment)

    def many_files(self, sources: list[Path]) -> None:
        """Signs and verifies all files, into a new folder each time: ours in one call, the peer's in one call each."""
        pair: Command = ["-k", self.secret, "-K", self.public]
        folder = self.folder / "signed"

        def sign() -> Iterator[tuple[str, Sequence[Command]]]:
            for who in self._programs:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                if who == "ours":
                    yield who, [[*self._ours, "sign", *pair, "--output-dir", folder, *sources]]
                else:
                    yield who, [[str(self._peer), "sign", "-i", old, "-o", folder / old.name, *pair] for old in sources]

        compare(f"sign, {FILES} files", sign, self._rounds, self._environment)
        signed = [folder / source.name for source in sources]
        verify: dict[str, Sequence[Command]] = {"ours": [[*self._ours, "verify", "-K", self.public, *signed]]}
        if self._peer:
            verify["peer"] = [[self._peer, "verify", "-i", new, "-K", self.public] for new in signed]
        compare(f"verify, {FILES} files", verify.items, self._rounds, self._environment)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", type=Path, help="the published wasmsign2; without it only ours is measured")
    parser.add_argument("--ours", help="command of our program (default: this repository's, with this Python)")
    parser.add_argument("--mib", type=int, default=256, help="size of the large module (default: 256)")
    parser.add_argument("--huge", type=int, default=2048, help="size of the one that ours alone signs; 0 for none (default: 2048)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (default: 5)")
    args = parser.parse_args()
    ours = shlex.split(args.ours) if args.ours else [sys.executable, "-m", "wasm_oci.cli.program"]
    environment = os.environ | ({} if args.ours else {"PYTHONPATH": str(TOOLS)})
    floor = measure([[sys.executable, "-S", "-c", ""]], environment).memory
    print(f"medians of {args.rounds} runs; floor of the memory column: {floor:.1f} MiB")
    print(f"{'':<24}{'':<6}{'processor':>11}{'peak memory':>13} {'ratio':>8} {'ratio':>8}")
    with tempfile.TemporaryDirectory(prefix="signing.") as name:
        folder = Path(name)
        benchmark = Benchmark(folder, ours, args.peer and args.peer.resolve(), args.rounds, environment)
        large = folder / "large.wasm"
        write_large(large, args.mib)
        benchmark.one_file(f"{args.mib} MiB", large)
        if args.huge:
            write_large(large, args.huge)
            benchmark.one_file(f"{args.huge} MiB", large, peer=False)
        large.unlink()
        many = folder / "many.wasm"
        write_many(many)
        benchmark.one_file(f"{SECTIONS} sections", many)
        benchmark.many_files(write_files(folder / "files"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
