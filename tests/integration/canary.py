"""canary.py: a secret key that was used through every key source is found nowhere afterwards.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/canary.py

A workspace of its own signs and publishes with one secret key that comes from a file, an encrypted file, a variable,
stdin, a keychain, an ssh-agent and a program. Then its output base (with the action cache and all runfiles), a disk
cache, the execution logs, the build event files, what was published and all that was printed are searched for the key
and the passphrase in every spelling.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from statements import report

REPOSITORY = Path.cwd()
CHUNK = 1 << 22
VARIABLE, PASSPHRASE_VARIABLE = "CANARY_KEY", "CANARY_PASSPHRASE"
PKCS8 = bytes.fromhex("302e020100300506032b657004220420")
MODULE = """module(name = "canary")

bazel_dep(name = "rules_wasm_oci")
local_path_override(module_name = "rules_wasm_oci", path = "{path}")
"""
LOAD = """load("@rules_wasm_oci//wasm:defs.bzl", "wasm_component_oci_publish", "wasm_sign", "wasm_signing_key", "wkg_registry_config")

wkg_registry_config(name = "registries", registries = ["out|{published}|layout"])
"""
TARGETS = """
wasm_signing_key(name = "{name}_key", key_ref = "{ref}", key_source = "{kind}", public_key = "key.pub")

wasm_sign(name = "{name}", component = "hello.wasm", keys = "{name}_key")

[
    wasm_component_oci_publish(
        name = "{name}_" + signature_type,
        component = "hello.wasm",
        package_name = "{name}-" + signature_type,
        registry = "out",
        registry_config = "registries",
        sign_component = True,
        signature_type = signature_type,
        signing_keys = "{name}_key",
        tag = "{name}-" + signature_type,
    )
    for signature_type in ["embedded", "detached"]
]
"""
BACKEND = '''"""A keychain in one file, in place of a Secret Service."""

import os
from pathlib import Path

from keyring.backend import KeyringBackend


class Backend(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return Path(os.environ["CANARY_KEYCHAIN"], f"{service}.{username}").read_text()

    def set_password(self, service, username, password):
        raise NotImplementedError

    delete_password = set_password
'''
SIGNER = """#!/bin/sh
# Answers with the signature of what comes on stdin.
cat >"$0.message" && openssl pkeyutl -sign -rawin -inkey {key} -in "$0.message"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """One key pair in the forms that the sources take, in a folder that is not searched."""

    folder: Path
    seed: bytes = field(repr=False)
    passphrase: str = field(repr=False)

    @staticmethod
    def make(folder: Path) -> Keys:
        folder.mkdir(mode=0o700)
        passphrase = secrets.token_hex(16)
        plain, encrypted = folder / "plain", folder / "encrypted"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "canary", "-f", plain)
        encrypted.write_bytes(plain.read_bytes())
        encrypted.chmod(0o600)
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", encrypted)
        blob = base64.b64decode("".join(plain.read_text().splitlines()[1:-1]))
        public = base64.b64decode((folder / "plain.pub").read_text().split()[1])[-32:]
        at = blob.rindex(public)
        keys = Keys(folder=folder, seed=blob[at - 32 : at], passphrase=passphrase)
        (folder / "pem").write_text(keys.pem)
        (folder / "canary.signer").write_text(keys.pem)
        signer = folder / "sign.sh"
        signer.write_text(SIGNER.format(key=shlex.quote(str(folder / "pem"))))
        signer.chmod(0o700)
        return keys

    @property
    def pem(self) -> str:
        return f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(PKCS8 + self.seed).decode()}\n-----END PRIVATE KEY-----\n"

    def spellings(self) -> Iterator[bytes]:
        """All ways in which the secrets could stand in a file."""
        yield from (self.passphrase.encode(), base64.b64encode(self.passphrase.encode()).rstrip(b"="))
        yield from (self.seed, self.seed.hex().encode(), self.seed.hex().upper().encode())
        yield ", ".join(map(str, self.seed)).encode()
        for shift in range(3):  # as it stands inside of something that is longer
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(bytes(shift) + self.seed)[4:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One key source: how the build names it, and what its run gets."""

    name: str
    kind: str
    ref: str
    environ: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    options: tuple[str, ...] = ()


def sources(keys: Keys, agent: Mapping[str, str]) -> list[Source]:
    keychain = {
        "CANARY_KEYCHAIN": str(keys.folder),
        "PYTHON_KEYRING_BACKEND": "canary_backend.Backend",
        "PYTHONPATH": str(keys.folder.parent / "backend"),
    }
    encrypted = str(keys.folder / "encrypted")
    return [
        Source(name="plain_file", kind="file", ref=str(keys.folder / "plain")),
        Source(
            name="encrypted_file",
            kind="file",
            ref=encrypted,
            environ={PASSPHRASE_VARIABLE: keys.passphrase},
            options=("--passphrase-env", PASSPHRASE_VARIABLE),
        ),
        Source(name="variable", kind="env", ref=VARIABLE, environ={VARIABLE: keys.pem}),
        Source(name="stdin", kind="stdin", ref="", stdin=keys.pem),
        Source(name="keychain", kind="keychain", ref="canary/signer", environ=keychain),
        Source(name="agent", kind="ssh-agent", ref="", environ=agent),
        Source(name="program", kind="command", ref=str(keys.folder / "sign.sh")),
    ]


def run(*command: str | Path, environ: Mapping[str, str] | None = None, stdin: str = "", cwd: Path | None = None) -> str:
    """Runs a program to its end; returns all that it printed, and raises SystemExit with that if it failed."""
    line = [str(part) for part in command]
    environ = {**os.environ, **(environ or {})}
    out = subprocess.PIPE
    result = subprocess.run(line, input=stdin, env=environ, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{shlex.join(line)}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout


class Workspace:
    """A Bazel workspace of its own, with logs of all that Bazel does."""

    def __init__(self, scratch: Path, keys: Keys) -> None:
        self.folder, self._logs = scratch / "workspace", scratch / "logs"
        self.published, self.signed = scratch / "published", scratch / "signed"
        self.searched = [
            scratch / name for name in ("workspace", "logs", "published", "signed", "output", "disk_cache", "scripts", "home", "temporary")
        ]
        for folder in self.searched:
            folder.mkdir()
        (scratch / "backend").mkdir()
        (scratch / "backend" / "canary_backend.py").write_text(BACKEND)
        self._scripts, self._home, self._temporary = scratch / "scripts", scratch / "home", scratch / "temporary"
        self._bazel = [str(REPOSITORY / "bazelw"), f"--output_base={scratch / 'output'}"]
        self._options = [f"--disk_cache={scratch / 'disk_cache'}", "--noshow_progress"]
        (self.folder / "MODULE.bazel").write_text(MODULE.format(path=REPOSITORY))
        (self.folder / "hello.wasm").write_bytes((REPOSITORY / "tests/testdata/hello_component.wasm").read_bytes())
        (self.folder / "key.pub").write_bytes((keys.folder / "plain.pub").read_bytes())

    def write_build(self, found: list[Source]) -> None:
        targets = "".join(TARGETS.format(name=source.name, kind=source.kind, ref=source.ref) for source in found)
        (self.folder / "BUILD.bazel").write_text(LOAD.format(published=self.published) + targets)

    def bazel(self, command: str, *arguments: str | Path) -> str:
        number = len(list(self._logs.iterdir()))
        logs = [
            f"--execution_log_json_file={self._logs / f'{number}.execution.json'}",
            f"--build_event_json_file={self._logs / f'{number}.events.json'}",
            f"--build_event_binary_file={self._logs / f'{number}.events.binary'}",
        ]
        return run(*self._bazel, command, *self._options, *logs, *arguments, cwd=self.folder)

    def start(self, target: str, source: Source, *arguments: str) -> str:
        """Runs a run target by its script, so that Bazel's client never sees the variables."""
        script = self._scripts / f"{target.rpartition(':')[2]}.sh"
        printed = self.bazel("run", f"--script_path={script}", target)
        # What a run leaves in its user's home or the folder for temporary files is searched too.
        folders = {"HOME": str(self._home), "XDG_CACHE_HOME": str(self._home), "TMPDIR": str(self._temporary)}
        return printed + run(script, *arguments, environ=folders | dict(source.environ), stdin=source.stdin, cwd=self.signed)

    def close(self) -> None:
        run(*self._bazel, "clean", "--expunge", cwd=self.folder)


def pieces(path: Path) -> Iterator[bytes]:
    """A file's content with some overlap; a compressed one's as it was."""
    overlap = b""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            yield overlap + piece
            overlap = piece[-256:]


def search(folders: list[Path], keys: Keys) -> tuple[int, list[str]]:
    """Returns how many files were searched, and those that hold a secret."""
    pattern = re.compile(b"|".join(re.escape(spelling) for spelling in keys.spellings()))
    count, found = 0, []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                count += 1
                found += [str(path)] if any(pattern.search(piece) for piece in pieces(path)) else []
            elif path.is_symlink() and pattern.search(os.fsencode(path.readlink())):
                found.append(str(path))
    return count, found


def statements(workspace: Workspace, keys: Keys, agent: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Yields each property and what speaks against it."""
    _, planted = search([keys.folder], keys)
    wanted = {str(keys.folder / name) for name in ("plain", "pem", "canary.signer")}
    yield "the search finds the key where it is", sorted(wanted - set(planted))

    found = sources(keys, agent)
    workspace.write_build(found)
    printed = workspace.bazel("build", "//...", "@rules_wasm_oci//tools:wasm_oci")
    program = workspace.folder / "bazel-bin/external/rules_wasm_oci+/tools/bin/wasm_oci"
    for source in found:
        signed = workspace.signed / f"{source.name}_signed.wasm"
        printed += workspace.start(f"//:{source.name}", source, "-o", str(signed), *source.options)
        for kind in ("embedded", "detached"):
            printed += workspace.start(f"//:{source.name}_{kind}", source, *source.options)
        printed += run(program, "verify", "-K", workspace.folder / "key.pub", "-i", signed)
    contents = {(workspace.signed / f"{source.name}_signed.wasm").read_bytes() for source in found}
    yield f"{len(found)} key sources give one signed file", [] if len(contents) == 1 else [f"there are {len(contents)}"]
    entries = json.loads((workspace.published / "index.json").read_text())["manifests"]
    tags = {entry["annotations"].get("org.opencontainers.image.ref.name") for entry in entries if "annotations" in entry} - {None}
    yield (
        f"{len(tags)} images are published, with {len(entries) - len(tags)} detached signatures",
        ([] if (len(tags), len(entries)) == (2 * len(found), 3 * len(found)) else [f"{len(entries)} entries: {sorted(tags)}"]),
    )

    (workspace.signed / "printed.txt").write_text(printed)
    count, betrayed = search(workspace.searched, keys)
    yield f"neither key nor passphrase is in any of {count} files of Bazel, of the runs, and of what they printed", betrayed
    kinds = ("execution.json", "events.json", "events.binary", "MANIFEST", "action_cache")
    names = "\n".join(str(path) for folder in workspace.searched for path in folder.rglob("*"))
    yield "logs, events, runfiles and the action cache were among them", [kind for kind in kinds if kind not in names]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="canary.") as name:
        scratch = Path(name)
        keys = Keys.make(scratch / "keys")
        agent = dict(re.findall(r"(SSH_\w+)=([^;]+);", run("ssh-agent", "-s")))
        try:
            run("ssh-add", "-q", keys.folder / "plain", environ=agent)
            workspace = Workspace(scratch, keys)
            try:
                return report(statements(workspace, keys, agent))
            finally:
                workspace.close()
        finally:
            run("kill", agent["SSH_AGENT_PID"])


if __name__ == "__main__":
    sys.exit(main())
