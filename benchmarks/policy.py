"""How long policies take: decisions, simulating another policy, the check of a build in its worker, and the imports of a large component.

    python3 benchmarks/policy.py

Runs from this repository with the Python that runs this, which needs what `tools/requirements/tools.txt` locks, or with the worker and
the program that `--ours COMMAND` names. Each figure is the median of several rounds, of which the first is left out; times are on the clock, so
that they say something on a machine that does little else.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

TOOLS = Path(__file__).resolve().parents[1] / "tools"
sys.path.insert(0, str(TOOLS))

from wasm_oci.digest import chunks  # noqa: E402
from wasm_oci.jsontext import canonical  # noqa: E402
from wasm_oci.policy.evaluate import decide  # noqa: E402
from wasm_oci.policy.interfaces import Import  # noqa: E402
from wasm_oci.policy.reader import parse_policy  # noqa: E402
from wasm_oci.policy.subject import Registry, Signer, Subject  # noqa: E402
from wasm_oci.policy_facts.component_facts import read_component  # noqa: E402

COMPONENTS, REGISTRIES, RULES, CHECKS = 1_000, 10, 200, 300
SIZE = 20 * 1024 * 1024
MODULE, COMPONENT = bytes.fromhex("0061736d01000000"), bytes.fromhex("0061736d0d000100")
RULE = "  - {{pattern: 'c{0}*', signing: required, keys: [k{0}], denied_imports: [{{interface: 'wasi:filesystem'}}]}}\n"
FUNCTION_TYPE = b"\x01\x04\x01\x60\x00\x00"


def policy_text(size: int) -> str:
    """Returns a policy of 200 rules, which denies components of more than `size` bytes."""
    components = "".join(RULE.format(number) for number in range(RULES - REGISTRIES))
    registries = "".join(f"  - {{registry: r{number}, plain_http: denied}}\n" for number in range(REGISTRIES))
    return f"default: {{signing: required}}\nalways: {{max_size: {size}}}\ncomponents:\n{components}registries:\n{registries}"


def subjects() -> list[Subject]:
    """Returns each component in each registry; a third is denied for its size, and two thirds by the stricter policy."""
    imports = tuple(Import(name=f"wasi:io/streams@0.2.{number}") for number in range(10))
    return [
        Subject(
            name=f"c{component}-x",
            registry=Registry(name=f"r{registry}", host=f"h{registry}.io", plain_http=False),
            size=component % 3 * 600,
            signers=(
                Signer(key_id=f"{component % 190}", names=(f"k{str(component)[:3]}", f"k{str(component)[:2]}", f"k{str(component)[0]}")),
            ),
            imports=imports,
        )
        for component in range(COMPONENTS)
        for registry in range(REGISTRIES)
    ]


def leb128(number: int) -> bytes:
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))


def section(number: int, payload: bytes) -> bytes:
    return bytes((number,)) + leb128(len(payload)) + payload


def text(value: str) -> bytes:
    return leb128(len(value)) + value.encode()


def component(size: int) -> bytes:
    """Returns a component with imports whose core module imports functions, and has a code section of random bytes of this size."""
    names = [text(f"f{number}") for number in range(1_000)]
    imports = section(2, leb128(len(names)) + b"".join(text("env") + name + b"\x00\x00" for name in names))
    module = MODULE + FUNCTION_TYPE + imports + section(10, os.urandom(size))
    own = [text(f"wasi:io/streams{number}@0.2.{number}") for number in range(100)]
    return COMPONENT + section(1, module) + section(10, leb128(len(own)) + b"".join(b"\x00" + name + b"\x05\x00" for name in own))


def rounds(work: Callable[[], object], number: int) -> float:
    """Returns the median of the seconds that it takes."""
    taken = []
    for _ in range(number + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken[1:])


def show(what: str, seconds: float, target: float) -> None:
    print(f"{what:<68}{seconds:9.4f} s  target {target} s: {'reached' if seconds <= target else 'MISSED'}", flush=True)


def decisions(number: int) -> list[bytes]:
    """Measures the decisions; returns them as records."""
    every = subjects()
    data = policy_text(1000).encode()

    def decided() -> list[bool]:
        policy = parse_policy(data, where="policy")
        return [decide(policy, subject).allowed for subject in every]

    show(f"{len(every)} decisions, {RULES} rules, the policy read each time", rounds(decided, number), 2.0)
    policy = parse_policy(data, where="policy")
    show("  the same, with the policy in memory", rounds(lambda: [decide(policy, subject).allowed for subject in every], number), 2.0)
    verdicts = [decide(policy, subject) for subject in every]
    allowed = sum(verdict.allowed for verdict in verdicts)
    assert 0 < allowed < len(verdicts)
    return [canonical(verdict.to_json()) for verdict in verdicts]


def simulating(ours: Sequence[str], folder: Path, records: Sequence[bytes], number: int) -> None:
    new, old, log = folder / "new.yaml", folder / "old.yaml", folder / "log.jsonl"
    new.write_text(policy_text(10), encoding="utf-8")
    old.write_text(policy_text(1000), encoding="utf-8")
    log.write_bytes(b"\n".join(records))
    command = [*ours, "policy", "simulate", str(new), "--log", str(log)]
    for words, more in (("with what was decided", []), ("with an old policy", ["--against", str(old)])):

        def run(arguments: Sequence[str] = (*command, *more)) -> None:
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)

        show(f"policy simulate of {len(records)} records, compared {words}", rounds(run, number), 5.0)


class Worker:
    """The persistent worker of a build, which is asked one thing after the other."""

    def __init__(self, ours: Sequence[str]) -> None:
        self._process = subprocess.Popen([*ours, "--persistent_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, arguments: Sequence[str]) -> None:
        """Raises SystemExit with the words of an action that fails."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"arguments": list(arguments)}).encode() + b"\n")
        self._process.stdin.flush()
        response: dict[str, Any] = json.loads(self._process.stdout.readline())
        if response.get("exitCode"):
            raise SystemExit(str(response.get("output")))

    def end(self) -> None:
        self._process.communicate()


def checks(ours: Sequence[str], folder: Path, number: int) -> None:
    """Measures the check of one signed image for one registry, by a small policy and by one of 200 rules."""
    wasm, layout, public, secret = (folder / name for name in ("hello.wasm", "layout", "key.public", "key.secret"))
    wasm.write_bytes(component(64 * 1024))
    words = ["keygen", "-K", str(public), "-k", str(secret)]
    subprocess.run([*ours, *words], check=True, stdout=subprocess.DEVNULL)
    worker = Worker(ours)
    worker.ask(["sign", "-i", str(wasm), "-o", str(wasm), "-k", str(secret), "-K", str(public)])
    worker.ask(["image", "-i", str(wasm), "-o", str(layout), "--name", "hello", "--tag", "1.2.3"])
    small = "default: {signing: required}\nalways: {denied_imports: [{interface: 'wasi:sockets'}]}\n"
    facts = {"schema_version": 1, "target": "//:hello", "name": "hello", "namespace": "apps", "tags": ["1.2.3"], "registries": ["r1"]}
    facts |= {"keys": [{"name": "key", "label": "//:key", "development": True, "signs": True}]}
    for words_of, rules in (("3 rules", small), (f"{RULES} rules", policy_text(SIZE))):
        file, attributes = folder / "policy.yaml", {"schema_version": 1, "name": "p", "target": "//:p"}
        file.write_text(rules, encoding="utf-8")
        policy = folder / "policy.json"
        worker.ask(["policy", "compile", f"--attributes={json.dumps(attributes)}", f"--file={file}", f"--output-file={policy}"])
        arguments = ["policy", "verdict", f"--facts={json.dumps(facts)}", f"--input-file={wasm}", f"--layout={layout}"]
        arguments += [f"--policy={policy}", f"--key={public}", f"--output-file={folder / 'verdict.json'}"]
        show(f"WasmPolicyCheck in the worker, {words_of}", rounds(lambda arguments=arguments: worker.ask(arguments), number), 0.005)
    worker.ask(["sign", "-i", str(wasm), "-o", str(folder / "again.wasm"), "-k", str(secret), "-K", str(public)])
    worker.end()


def imports(folder: Path, number: int) -> None:
    """Measures what listing imports adds to reading a file and its digests, which each check needs."""
    path = folder / "large.wasm"
    path.write_bytes(component(SIZE))

    def read() -> None:
        with path.open("rb") as stream:
            for _ in chunks(stream):
                pass

    def listed() -> None:
        from wasm_oci.wasm.component import read_wasm_stream
        from wasm_oci.wasm.reach import read_nested

        with path.open("rb") as stream:
            read_wasm_stream(stream, where="large")
            read_nested(stream, where="large")

    assert len(read_component(path).imports) > 1_000
    show("imports of a component of 20 MiB, beyond reading it", rounds(listed, number), 0.1)
    print(
        f"  reading it takes {rounds(read, number):.4f} s; all facts, with two digests, {rounds(lambda: read_component(path), number):.4f} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ours", help="command of our program (default: this repository's, with this Python)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default: 5)")
    args = parser.parse_args()
    ours = shlex.split(args.ours) if args.ours else [sys.executable, "-m", "wasm_oci.cli.program"]
    os.environ["PYTHONPATH"] = str(TOOLS)
    with tempfile.TemporaryDirectory(prefix="policy.") as name:
        folder = Path(name)
        records = decisions(args.rounds)
        simulating(ours, folder, records, args.rounds)
        checks(ours, folder, args.rounds * CHECKS // 5)
        imports(folder, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
