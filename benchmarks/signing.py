"""Processor time and peak memory of signing and verifying one large module, beside the published wasmsign2.

    python3 benchmarks/signing.py --peer PATH_TO_WASMSIGN2

Every run is a whole process, ours and the peer's in alternation. Needs only the standard library; ours is run
from this repository with the Python that runs this (which needs `cryptography`), or as `--ours COMMAND` says.
The system counts the memory of the starting process in: a peak below the printed floor cannot be told.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
SECTIONS = 100_000
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


def measure(command: Sequence[str | Path], environment: dict[str, str]) -> Run:
    """Runs a process to its end; raises SystemExit with its words if it fails."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{shlex.join(str(part) for part in command)}: exit code {process.returncode}\n{output.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss * unit / MIB)


def compare(name: str, commands: Mapping[str, Sequence[str | Path]], rounds: int, environment: dict[str, str]) -> None:
    """Prints a row for each program, with medians and, for ours, ratios to the peer."""
    runs: dict[str, list[Run]] = {who: [] for who in commands}
    for _ in range(rounds):
        for who, command in commands.items():
            runs[who].append(measure(command, environment))
    medians = {who: (median(run.seconds for run in done), median(run.memory for run in done)) for who, done in runs.items()}
    for who, (seconds, memory) in medians.items():
        ratios = f"{seconds / medians['peer'][0]:8.2f} {memory / medians['peer'][1]:8.2f}" if who == "ours" and "peer" in medians else ""
        print(f"{name:<24}{who:<6}{seconds:9.3f} s{memory:9.1f} MiB {ratios}")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peer", type=Path, help="the published wasmsign2; without it only ours is measured")
    parser.add_argument("--ours", help="command of our program (default: this repository's, with this Python)")
    parser.add_argument("--mib", type=int, default=256, help="size of the large module (default: 256)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (default: 5)")
    args = parser.parse_args()
    ours = shlex.split(args.ours) if args.ours else [sys.executable, "-m", "wasm_oci.cli.main"]
    environment = os.environ | ({} if args.ours else {"PYTHONPATH": str(TOOLS)})
    floor = measure([sys.executable, "-S", "-c", ""], environment).memory
    print(f"medians of {args.rounds} runs; floor of the memory column: {floor:.1f} MiB")
    print(f"{'':<24}{'':<6}{'processor':>11}{'peak memory':>13} {'ratio':>8} {'ratio':>8}")
    with tempfile.TemporaryDirectory(prefix="signing.") as name:
        folder = Path(name)
        large, many, secret, public = (folder / part for part in ("large.wasm", "many.wasm", "key.secret", "key.public"))
        write_large(large, args.mib)
        write_many(many)
        measure([*ours, "keygen", "-k", secret, "-K", public], environment)
        programs: dict[str, list[str | Path]] = {"ours": [*ours]}
        if args.peer:
            programs["peer"] = [args.peer.resolve()]
        for title, source in ((f"{args.mib} MiB", large), (f"{SECTIONS} sections", many)):
            signed = folder / "signed.wasm"
            sign = {who: [*program, "sign", "-i", source, "-o", signed, "-k", secret, "-K", public] for who, program in programs.items()}
            compare(f"sign, {title}", sign, args.rounds, environment)
            verify = {who: [*program, "verify", "-i", signed, "-K", public] for who, program in programs.items()}
            compare(f"verify, {title}", verify, args.rounds, environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
