"""How long policies take: decisions, simulating another policy, the check of a build in its worker, and the imports of a large component.

    python3 benchmarks/policy.py

Runs from this repository with the Python that runs this, which needs what `tools/requirements/tools.txt` locks; `--ours COMMAND` says
how else the worker and `policy simulate` are run. Each figure is the median of several rounds after a first one: on the clock, and of the
processor, which tells more on a machine that does other things. Needs a system with `resource`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from wasm_oci.wasm.component import read_wasm_stream  # noqa: E402
from wasm_oci.wasm.reach import read_nested  # noqa: E402
from wasm_oci.wasm.varint import encode_u32  # noqa: E402

COMPONENTS, REGISTRIES, RULES, CHECKS = 1_000, 10, 200, 100
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


def section(number: int, payload: bytes) -> bytes:
    return bytes((number,)) + encode_u32(len(payload)) + payload


def text(value: str) -> bytes:
    return encode_u32(len(value)) + value.encode()


def component(size: int, own: int, nested: int) -> bytes:
    """Returns a component with imports of its own, whose core module imports functions and has a code section of this size."""
    names = [text(f"f{number}") for number in range(nested)]
    imports = section(2, encode_u32(len(names)) + b"".join(text("env") + name + b"\x00\x00" for name in names))
    module = MODULE + FUNCTION_TYPE + imports + section(10, os.urandom(size))
    interfaces = [text(f"wasi:io/streams{number}@0.2.{number}") for number in range(own)]
    entries = b"".join(b"\x00" + name + b"\x05\x00" for name in interfaces)
    return COMPONENT + section(1, module) + section(10, encode_u32(own) + entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds on the clock and of the processor."""

    wall: float
    processor: float


def processor() -> float:
    """Returns the processor seconds of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def cost(work: Callable[[], object]) -> Cost:
    start, before = time.perf_counter(), processor()
    work()
    return Cost(wall=time.perf_counter() - start, processor=processor() - before)


def rounds(work: Callable[[], object], number: int) -> Cost:
    """Returns the medians of what it costs."""
    work()
    done = [cost(work) for _ in range(number)]
    return Cost(wall=median(each.wall for each in done), processor=median(each.processor for each in done))


def show(what: str, found: Cost, target: str = "") -> None:
    print(f"{what:<66}{found.wall * 1000:10.1f} ms{found.processor * 1000:10.1f} ms  {target}", flush=True)


def decisions(number: int) -> list[bytes]:
    """Measures the decisions; returns them as records."""
    every = subjects()
    data = policy_text(1000).encode()

    def decided() -> list[bool]:
        policy = parse_policy(data, where="policy")
        return [decide(policy, subject).allowed for subject in every]

    show(f"{len(every)} decisions, {RULES} rules, the policy read each time", rounds(decided, number), "2 s")
    policy = parse_policy(data, where="policy")
    show("  the same, with the policy in memory", rounds(lambda: [decide(policy, subject).allowed for subject in every], number), "2 s")
    return [canonical(decide(policy, subject).to_json()) for subject in every]


def simulating(ours: Sequence[str], folder: Path, records: Sequence[bytes], number: int) -> None:
    new, old, log = folder / "new.yaml", folder / "old.yaml", folder / "log.jsonl"
    new.write_text(policy_text(10), encoding="utf-8")
    old.write_text(policy_text(1000), encoding="utf-8")
    log.write_bytes(b"\n".join(records))
    command = [*ours, "policy", "simulate", str(new), "--log", str(log)]
    for words, more in (("with what was decided", []), ("with an old policy", ["--against", str(old)])):

        def run(arguments: Sequence[str] = (*command, *more)) -> None:
            subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)

        show(f"policy simulate of {len(records)} records, compared {words}", rounds(run, number), "5 s")


def asked(ours: Sequence[str], requests: Sequence[Sequence[str]]) -> Cost:
    """Returns what a persistent worker costs that is asked one thing after the other, with its start; raises SystemExit if one fails."""

    def run() -> None:
        with subprocess.Popen([*ours, "--persistent_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as worker:
            if worker.stdin is None or worker.stdout is None:
                raise SystemExit("the worker has no pipes")
            for arguments in requests:
                worker.stdin.write(json.dumps({"arguments": list(arguments)}).encode() + b"\n")
                response: dict[str, Any] = json.loads(worker.stdout.readline())
                if response.get("exitCode"):
                    raise SystemExit(str(response.get("output")))
            worker.stdin.close()

    return cost(run)


def checks(ours: Sequence[str], folder: Path, number: int) -> None:
    """Measures the check of one signed image for one registry, by two policies, beside what another action costs."""
    wasm, layout, public, secret = (folder / name for name in ("hello.wasm", "layout", "key.public", "key.secret"))
    wasm.write_bytes(component(64 * 1024, own=20, nested=60))
    subprocess.run([*ours, "keygen", "-K", str(public), "-k", str(secret)], check=True, stdout=subprocess.DEVNULL)
    image = ["image", "-i", str(wasm), "--name", "hello", "--tag", "1.2.3"]
    asked(ours, [["sign", "-i", str(wasm), "-o", str(wasm), "-k", str(secret), "-K", str(public)], [*image, "-o", str(layout)]])
    start = asked(ours, [])
    facts = {"schema_version": 1, "target": "//:hello", "name": "hello", "namespace": "apps", "tags": ["1.2.3"], "registries": ["r1"]}
    facts |= {"keys": [{"name": "key", "label": "//:key", "development": True, "signs": True}]}

    def each(what: str, requests: Sequence[Sequence[str]], target: str = "") -> None:
        done = asked(ours, requests)
        wall, used = (done.wall - start.wall) / len(requests), (done.processor - start.processor) / len(requests)
        show(what, Cost(wall=wall, processor=used), target)

    each("for comparison: WasmOciLayout in the worker", [[*image, "-o", f"{layout}{index}"] for index in range(number)])
    small = "default: {signing: required}\nalways: {denied_imports: [{interface: 'wasi:sockets'}]}\n"
    for rules, text_of_rules in (("2 rules", small), (f"{RULES} rules", policy_text(SIZE))):
        file, attributes = folder / "policy.yaml", {"schema_version": 1, "name": "p", "target": "//:p"}
        file.write_text(text_of_rules, encoding="utf-8")
        policy = folder / "policy.json"
        asked(ours, [["policy", "compile", f"--attributes={json.dumps(attributes)}", f"--file={file}", f"--output-file={policy}"]])
        arguments = ["policy", "verdict", f"--facts={json.dumps(facts)}", f"--input-file={wasm}", f"--layout={layout}"]
        arguments += [f"--policy={policy}", f"--key={public}", f"--output-file={folder / 'verdict.json'}"]
        each(f"WasmPolicyCheck in the worker, {rules}", [arguments] * number, "5 ms")


def imports(folder: Path, number: int) -> None:
    """Measures what listing imports adds to reading a file and its digests, which each check needs."""
    path = folder / "large.wasm"
    path.write_bytes(component(SIZE, own=100, nested=1_000))

    def read() -> None:
        with path.open("rb") as stream:
            for _ in chunks(stream):
                pass

    def listed() -> None:
        with path.open("rb") as stream:
            read_wasm_stream(stream, where="large")
            read_nested(stream, where="large")

    show("imports of a component of 20 MiB, beyond reading it", rounds(listed, number), "100 ms")
    show("  reading it", rounds(read, number))
    show("  all its facts, with two digests", rounds(lambda: read_component(path), number))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ours", help="command of our program (default: this repository's, with this Python)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each (default: 5)")
    args = parser.parse_args()
    ours = shlex.split(args.ours) if args.ours else [sys.executable, "-m", "wasm_oci.cli.program"]
    os.environ["PYTHONPATH"] = str(TOOLS)
    print(f"{'':<66}{'clock':>13}{'processor':>13}  target, on the clock")
    with tempfile.TemporaryDirectory(prefix="policy.") as name:
        folder = Path(name)
        records = decisions(args.rounds)
        simulating(ours, folder, records, args.rounds)
        checks(ours, folder, CHECKS)
        imports(folder, args.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
