"""New, empty registries of other programs on this machine: docker-registry, and the in-memory one of crane."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DISK = """version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {state}}}}}
http: {{addr: "{host}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    host: str
    log: Path

    def asked(self) -> Counter[str]:
        """Returns how often each method was used so far, and `GET blob`; of `crane registry serve` only."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        requests = [(words[2], words[3]) for words in lines if len(words) > 3 and words[3].startswith("/v2/")]
        return Counter(f"{method} blob" if method == "GET" and "/blobs/" in path else method for method, path in requests)


@contextmanager
def registry(kind: str) -> Iterator[Registry]:
    """A new registry: `memory` is crane's, `disk` is docker-registry."""
    with socket.socket() as free, tempfile.TemporaryDirectory(prefix="registry.") as name:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        folder = Path(name)
        config, log = folder / "config.yml", folder / "log"
        config.write_text(DISK.format(state=folder / "state", host=host))
        command = ["crane", "registry", "serve", "--address", host] if kind == "memory" else ["docker-registry", "serve", str(config)]
        with log.open("wb") as output:
            server = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            wait_for(host)
            yield Registry(host=host, log=log)
        finally:
            server.terminate()
            server.wait()


def wait_for(host: str) -> None:
    name, _, port = host.partition(":")
    for _ in range(200):
        try:
            socket.create_connection((name, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"no registry at {host}")
