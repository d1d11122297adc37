"""What publishing costs, and how much of it reading back is: images of several sizes to the local registry.

    ./bazelw build //tools:wasm_oci //tools:local_registry
    P=bazel-bin/tools/programs
    ./bazelw exec python3 benchmarks/publishing.py --program $P/wasm_oci --registry $P/local_registry

Times are those of whole processes on the clock, medians. The registry is on the same machine: the network costs nothing, hashing does.
Needs only the standard library.
"""

from __future__ import annotations

import argparse
import os
import shlex
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

HEAD = bytes.fromhex("0061736d0d000100")
SIZES = {"64 KiB": 64 << 10, "16 MiB": 16 << 20, "256 MiB": 256 << 20}


def component(size: int, seed: int) -> bytes:
    """A component with one custom section of nearly `size` random bytes."""
    payload = b"\x01x" + seed.to_bytes(8, "big") + os.urandom(size - 32)
    length, number = bytearray(), len(payload)
    while number > 0x7F:
        length.append(number & 0x7F | 0x80)
        number >>= 7
    return HEAD + b"\0" + bytes([*length, number]) + payload


def push(program: list[str], folder: Path, host: str, size: int, seed: int, *options: str) -> float:
    """Seconds that publishing an image takes that the registry does not have."""
    wasm, layout = folder / "c.wasm", folder / f"layout{seed}"
    wasm.write_bytes(component(size, seed))
    subprocess.run(
        [*program, "image", "-i", wasm, "-o", layout, "--namespace", "b", "--name", "app", "--tag", "1.0.0"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    start = time.monotonic()
    subprocess.run([*program, "push", "-q", layout, f"{host}/b/app{seed}:1.0.0", *options], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=shlex.split, required=True, help="wasm_oci")
    parser.add_argument("--registry", type=shlex.split, required=True, help="local_registry")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [*args.registry, "--port", host.rpartition(":")[2], "--state", folder / "state", "--access-log", folder / "log"]
        server = subprocess.Popen(command)
        try:
            time.sleep(2)
            seed = 0
            for label, size in SIZES.items():
                for options in ((), ("--read-back=full",)):
                    seconds = []
                    for _ in range(args.runs):
                        seed += 1
                        seconds.append(push(args.program, folder, host, size, seed, *options))
                    print(f"{label:>8} {options[0] if options else '':18} {median(seconds):.3f} s")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
