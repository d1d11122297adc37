"""pull_with_tokens.py: a registry with TLS that issues tokens to anybody, and a credential helper for one that does not.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/pull_with_tokens.py
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pull_module import MODULE, ROOT, Registry, Workspace, call, checked, outside, publish

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
HELPER = """#!/bin/sh
echo '{"headers": {"Authorization": ["Bearer of-the-helper"]}}'
"""


@dataclass(slots=True, kw_only=True)
class Front:
    """TLS before a registry; what it was asked for, each as status and path."""

    host: str = ""
    anonymous: bool = True
    """Whether anybody gets a token."""
    served: list[tuple[int, str]] = field(default_factory=list)

    def count(self, start: str, status: int = 200) -> int:
        return sum(path.startswith(start) and code == status for code, path in self.served)


@contextmanager
def front(registry_host: str, certificate: Path) -> Iterator[Front]:
    state = Front()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/token?"):
                granted = state.anonymous and "scope=repository" in self.path
                self.answer(200 if granted else 401, json.dumps({"token": "of-anybody"} if granted else {}).encode())
            elif self.headers["Authorization"] in ("Bearer of-anybody", "Bearer of-the-helper"):
                there = http.client.HTTPConnection(registry_host)
                there.request(self.command, self.path, headers={"Accept": self.headers["Accept"] or "*/*"})
                response = there.getresponse()
                kept = {name: value for name, value in response.getheaders() if name.startswith(("Docker-", "OCI-", "Content-Type"))}
                self.answer(response.status, response.read(), kept)
            else:
                challenge = f'Bearer realm="https://{state.host}/token",service="tests"'
                self.answer(401, b"{}", {"WWW-Authenticate": challenge})

        do_HEAD = do_GET

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            state.served.append((status, self.path))
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {}), "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if self.command == "GET" else b"")

        def log_message(self, *_: object) -> None:
            """Says nothing: `served` has it."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        state.host = f"{socket.gethostname()}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield state
        server.shutdown()


def make_certificate(scratch: Path) -> tuple[Path, Path]:
    """A certificate for this machine's name, and Java's store with it beside the machine's own authorities."""
    name, key, certificate = socket.gethostname(), scratch / "tls.key", scratch / "tls.crt"
    options = ("-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate)
    made = call("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *options)
    bundle, store = scratch / "bundle.pem", scratch / "store.p12"
    bundle.write_bytes((AUTHORITIES.read_bytes() if AUTHORITIES.is_file() else b"") + certificate.read_bytes())
    java = ("-passout", "pass:changeit", "-jdktrust", "anyExtendedKeyUsage", "-in", bundle, "-out", store)
    stored = call("openssl", "pkcs12", "-export", "-nokeys", *java)
    if made.code or stored.code:
        raise RuntimeError(made.said + stored.said)
    (scratch / "server.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    return scratch / "server.pem", store


def run(work: Workspace, served: Registry, tls: Front, certificate: Path) -> None:
    publish(work.scratch, served.host)
    (work.folder / "MODULE.bazel").write_text(MODULE.format(root=ROOT, host=tls.host))
    (work.folder / "BUILD.bazel").write_text('exports_files(["one.public"])\n')
    (work.folder / ".bazelrc").write_text("common --noenable_workspace\n")
    (work.folder / "one.public").write_bytes((work.scratch / "one.public").read_bytes())
    work.refused("a tag without a digest, from a registry that wants a token", "cannot be read here")
    helper = work.folder / "helper"
    helper.write_text(HELPER)
    helper.chmod(0o700)
    option = f"--credential_helper={socket.gethostname()}=%workspace%/helper"
    done = work.bazel("build", option, "@hello//:hello")
    digest = re.search(r'    digest = "(sha256:[0-9a-f]{64})",', done.said)
    work.check("the error shows the digest that the tag names", done.code != 0 and digest is not None, done.said)
    done = work.bazel("run", "@rules_wasm_oci//tools:update", "--", f"--ca-file={tls.host}={certificate}")
    lock = (work.folder / "wasm_oci.lock.json").read_text() if done.code == 0 else ""
    work.check("the lock file says where tokens are issued", f"https://{tls.host}/token?service=tests" in lock, done.said)
    work.check("the digest was the same", digest is not None and digest[1] in (work.folder / "MODULE.bazel").read_text())

    tls.served.clear()
    done = work.bazel("build", "@hello//:hello")
    work.check("pulled with a token for anybody", done.code == 0, done.said)
    asked = (tls.count("/token"), tls.count("/v2/", 401))
    work.check("one token for all that is downloaded", asked == (1, 1), str(tls.served))
    work.check("no token is in the repository", "of-anybody" not in _content(work), "it is")

    tls.served.clear()
    tls.anonymous = False
    with work.changed():
        work.refused("where nobody gets a token", "issued no token", "--credential_helper", fetch=True)
        work.bazel("fetch", "--force", option, "--repo=@hello", cache="helped")
        done = work.bazel("build", option, "@hello//:hello", cache="helped")
        work.check("pulled with a credential helper", done.code == 0 and tls.count("/v2/") > 0, done.said + str(tls.served))


def _content(work: Workspace) -> str:
    folder = work.scratch / "base/external/rules_wasm_oci++wasm+hello"
    return "".join(path.read_text("latin-1") for path in folder.rglob("*") if path.is_file())


def cases_with_tokens(scratch: Path, served: Registry) -> Workspace:
    certificate, store = make_certificate(scratch)
    java = (f"--host_jvm_args=-Djavax.net.ssl.trustStore={store}", "--host_jvm_args=-Djavax.net.ssl.trustStorePassword=changeit")
    with outside(scratch, java) as work, front(served.host, certificate) as tls:
        run(work, served, tls, scratch / "tls.crt")
        return work


if __name__ == "__main__":
    sys.exit(checked("pull_with_tokens", "a registry with tokens", cases_with_tokens))
