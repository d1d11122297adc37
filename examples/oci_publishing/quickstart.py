"""The quickstart: publish a signed component to a real registry, pull it back by digest, verify it and run it.

Everything that is printed comes from the answer of a program or of the registry.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wasmtime
from wasmtime import component

from wasm_oci.runfiles import Runfiles

READY_SECONDS = 20.0


class QuickstartError(Exception):
    """A step failed; the message says which and why. `code` is the exit code of `wasm_oci` for it."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


def tool(name: str) -> Path:
    """Returns where one of this repository's programs is, built for this machine."""
    suffix = ".exe" if os.name == "nt" else ""
    return Runfiles(os.environ).find(f"_main/tools/programs/{name}{suffix}", where="quickstart")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def registry(own: Path, state: Path) -> Iterator[tuple[str, str]]:
    """Runs docker-registry if this machine has it, else our own; yields its name and its host."""
    port = free_port()
    found = shutil.which("docker-registry")
    if found:
        config = state / "config.yml"
        config.write_text(
            json.dumps(
                {
                    "version": 0.1,
                    "log": {"accesslog": {"disabled": True}, "level": "error"},
                    "storage": {"filesystem": {"rootdirectory": str(state / "data")}},
                    "http": {"addr": f"127.0.0.1:{port}"},
                }
            )
        )
        name, command = "docker-registry (CNCF distribution)", [found, "serve", str(config)]
    else:
        name, command = "//tools:local_registry", [str(own), "--port", str(port), "--state", str(state / "data")]
    log = state / "registry.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise QuickstartError(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}", 6)
                time.sleep(0.05)
            yield name, f"localhost:{port}"
        finally:
            process.terminate()


def call(*command: str | Path) -> dict[str, Any]:
    """Runs one of our programs and returns its JSON answer; its own words reach the user when it fails."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise QuickstartError(f"{Path(command[0]).name} {command[1]} ended with exit code {done.returncode}", done.returncode)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def run_component(path: Path, *args: str) -> str:
    """Runs `wasi:cli/run` of a component in wasmtime; returns what it wrote to its standard output."""
    engine = wasmtime.Engine()
    program = component.Component.from_file(engine, str(path))
    entry = next((name for name in program.type.exports(engine) if name.startswith("wasi:cli/run@")), None)
    if entry is None:
        raise QuickstartError("the component exports no wasi:cli/run")
    linker = component.Linker(engine)
    linker.add_wasip2()
    output = path.with_suffix(".out")
    wasi = wasmtime.WasiConfig()
    wasi.argv = [path.name, *args]
    wasi.stdout_file = str(output)
    store = wasmtime.Store(engine)
    store.set_wasi(wasi)
    instance = linker.instantiate(store, program)
    interface = instance.get_export_index(store, entry)
    run = instance.get_func(store, instance.get_export_index(store, "run", interface))
    if run is None:
        raise QuickstartError(f"{entry} has no function run")
    result = run(store)
    run.post_return(store)
    if getattr(result, "tag", "ok") != "ok":
        raise QuickstartError("the component ran and reported an error")
    return output.read_text()


def quickstart(args: argparse.Namespace, scratch: Path) -> None:
    wasm_oci = tool("wasm_oci")
    with registry(tool("local_registry"), scratch) as (name, host):
        print(f"1. a registry is running on {host}: {name}")
        published = call(args.publish.absolute(), "--registry", host, "--output", "json")
        reference = published["reference"]
        print(f"2. published, and read back from it: {reference}")
        wasm = scratch / "hello-complete.wasm"
        pulled = call(wasm_oci, "pull", reference, "-o", wasm, "-K", args.public_key.absolute(), "--output", "json")
        print(f"3. pulled by digest and verified: {pulled['component']['digest']}, {pulled['component']['size']} bytes")
        seen = call(wasm_oci, "inspect", reference, "--output", "json")
        print(f"4. run by wasmtime: {run_component(wasm, 'stranger').rstrip()}")
    print("\nWhat happened")
    print(f"  reference    {published['tagged']}")
    print(f"  digest       {published['digest']}")
    print(f"  signed by    key id {pulled['signature']['keyId']} (a development key, generated by the build)")
    for key, value in sorted(seen["annotations"].items()):
        print(f"  annotation   {key} = {value}")
    print("\nNext")
    print("  ./bazelw run //tools:local_registry                    a registry of your own on localhost:5000; then, beside it:")
    print("  ./bazelw run //examples/oci_publishing:publish_signed -- --dry-run")
    print("  ./bazelw run //examples/oci_publishing:publish_signed")
    print("  ./bazelw run //tools:wasm_oci -- --help")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--publish", "--public-key"):
        parser.add_argument(option, type=Path, required=True, help="given by the target")
    args = parser.parse_args()
    # Only this run's own key and registry count: no credentials are needed, none are read.
    scratch = tempfile.mkdtemp(prefix="wasm_oci_quickstart_")
    os.environ["DOCKER_CONFIG"] = scratch
    try:
        quickstart(args, Path(scratch))
    except QuickstartError as err:
        sys.stderr.write(f"quickstart: {err}\n")
        return err.code
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
