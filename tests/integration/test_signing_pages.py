"""The commands of docs/keys.md and examples/signing/README.md, run by a shell in the order in which they are written.

Programs of the machine are real where the root has them (ssh-agent, openssl); small ones stand in for Bazel, whose targets are
built already, and for `pass` and an HSM. The key is the one that belongs to release.pub.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import EXAMPLE, OwnRegistry, own_registry, target, wasm_oci
from signing_places import keychain, ssh_agent

from fakes.signing import K1
from wasm_oci.keys.key import OPENSSH, PEM

SIGNING = Path("examples/signing")
README, KEYS = SIGNING / "README.md", Path("docs/keys.md")
BLOCK = re.compile(r"(?:^    \S.*\n)+", re.MULTILINE)
PASSPHRASE = "correct horse battery staple"
BAZEL = """
test "$1" = build && exit 0
if test "$1" = exec; then
    shift
    exec "$@"
fi
test "$1" = run
shift
script=
case $1 in --script_path=*) script=${1#*=}; shift ;; esac
label=$1
shift
test "${1-}" != -- || shift
case $label in
//tools:wasm_oci) exec PROGRAM "$@" ;;
//tools:local_registry) exit 0 ;;
//app:signed) set -- app_signed ;;
//examples/signing:publish_*) set -- LAUNCHERS/"${label#*:}_launcher.sh" --registry REGISTRY "$@" ;;
//examples/signing:*) set -- LAUNCHERS/"${label#*:}_launcher.sh" "$@" ;;
*) exit 9 ;;
esac
test -n "$script" || exec "$@"
printf '#!/bin/sh\\nexec %s "$@"\\n' "$*" >"$script"
chmod +x "$script"
"""
KEYGEN = """
test "$1 $2 $3" = "-t ed25519 -f"
cp ~/k1 "$4"
cp ~/k1.pub "$4.pub"
exec REAL -q -p -P '' -N "$WASM_OCI_PASSPHRASE" -f "$4"
"""
HSM = """
test "$*" = "--slot 3"
cat >~/message
exec openssl pkeyutl -sign -rawin -inkey ~/k1.pem -in ~/message
"""


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


class Machine:
    """A home, a folder to stand in and programs, all of one test."""

    def __init__(self, folder: Path, agent: str) -> None:
        self.here, self.home, self._programs = folder / "here", folder / "home", folder / "bin"
        for each in (self.here, self.home, self._programs, folder / "tmp"):
            each.mkdir()
        (self.home / "k1").write_bytes(K1.encoded(OPENSSH))
        (self.home / "k1").chmod(0o600)
        (self.home / "k1.pub").write_bytes(K1.public.openssh())
        (self.home / "k1.pem").write_bytes(K1.encoded(PEM))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RUNFILES_", "JAVA_RUNFILES", "PYTHON"))}
        self.environ = {
            **inherited,
            "HOME": str(self.home),
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "DOCKER_CONFIG": str(self.home),
            "SSH_AUTH_SOCK": agent,
            "SSH_ASKPASS": str(self._programs / "ask"),
            "SSH_ASKPASS_REQUIRE": "force",
            "WASM_OCI_PASSPHRASE": PASSPHRASE,
        }
        self._temporary = folder / "tmp"
        self.program("ask", 'printf %s "$WASM_OCI_PASSPHRASE"')
        self.program("wasm_oci", f'exec {wasm_oci()} "$@"')

    def program(self, name: str, text: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/sh\nset -eu\n{text}\n")
        path.chmod(0o700)

    def bazel(self, registry: str) -> str:
        launchers = str(target("any", SIGNING).parent)
        return BAZEL.replace("PROGRAM", str(wasm_oci())).replace("LAUNCHERS", launchers).replace("REGISTRY", registry)

    def run(self, block: str) -> str:
        text = re.sub(r"(?<= |=)/tmp(?=/)", str(self._temporary), block)
        command = ["sh", "-euc", text]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.here, env=self.environ, timeout=120)
        assert done.returncode == 0, (text, done.stdout, done.stderr)
        return done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ssh_agent() as socket:
        yield Machine(tmp_path, socket)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path, referrers_api=True) as running:
        yield running


def test_the_readme_of_the_example(machine: Machine, registry: OwnRegistry) -> None:
    machine.program("ssh-keygen", KEYGEN.replace("REAL", shutil.which("ssh-keygen") or ""))
    (machine.here / "examples/signing").mkdir(parents=True)
    built = machine.here / "bazel-bin/examples/signing"
    built.mkdir(parents=True)
    for name in ("hsm_sign", "publish_detached_image_digest.txt"):
        (built / name).symlink_to((SIGNING / name).absolute())
    (machine.here / "bazelw").write_text("#!/bin/sh\nset -eu\n" + machine.bazel(registry.host))
    (machine.here / "bazelw").chmod(0o700)
    shown = [machine.run(block) for block in blocks(README)]
    assert len(shown) == 7
    assert "ENCRYPTED" not in (machine.here / "examples/signing/release.pub").read_text()
    names = [f"hello_signed_with_{place}_signed.wasm" for place in ("agent", "device")]
    assert [path.name for path in sorted(machine.here.glob("*.wasm"))] == names
    assert len({(machine.here / name).read_bytes() for name in names}) == 1
    assert "unchanged" in shown[-1].lower()
    assert re.search(r"^sha256:[0-9a-f]{64}$", shown[-1], re.MULTILINE)


def test_the_page_of_keys(machine: Machine, tmp_path: Path) -> None:
    machine.environ |= keychain(tmp_path, "signing", "release", (machine.home / "k1.pem").read_bytes())
    machine.environ["SIGNING_KEY"] = (machine.home / "k1.pem").read_text()
    for name in ("pass", "fetch-the-key"):
        machine.program(name, "exec cat ~/k1.pem")
    machine.program("hsm-sign", HSM)
    machine.program("bazel", machine.bazel("localhost:1"))
    launcher = target("hello_signed_with_variable", SIGNING)
    machine.program("app_signed", f'RELEASE_SIGNING_KEY="$SIGNING_KEY" exec {launcher} "$@"')
    (machine.home / ".ssh").mkdir()
    shutil.copy(machine.home / "k1", machine.home / ".ssh/id_ed25519")
    shutil.copy(machine.home / "k1.pub", machine.home / ".ssh/id_ed25519.pub")
    machine.run("ssh-add -q ~/.ssh/id_ed25519")
    (machine.here / "build").mkdir()
    for name in ("a.wasm", "build/one.wasm", "build/two.wasm"):
        shutil.copy(EXAMPLE / "hello.wasm", machine.here / name)
    (machine.here / "signing.pem").write_bytes(K1.encoded(PEM))
    (machine.here / "signing.secret").write_bytes(K1.compact())
    *files_and_sources, with_bazel = blocks(KEYS)
    assert len(files_and_sources) == 3
    for block in files_and_sources:
        machine.run(block)
    del machine.environ["SIGNING_KEY"]
    machine.run(with_bazel)
    signed = [(machine.here / name).read_bytes() for name in ("a.signed.wasm", "app.signed.wasm", "signed/one.wasm", "signed/two.wasm")]
    assert len(set(signed)) == 1
