"""The three programs in surroundings that take nothing or are not there: each error is one line, with a documented exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from fakes.artifacts import Image, signed_image
from fakes.signing import K1, M_SIGNED, M
from instruments.registry import start

MODULES = {
    "wasm_oci": "wasm_oci.cli.program",
    "wasmsign2": "wasm_oci.wasmsign2.program",
    "local_registry": "wasm_oci.local_registry.program",
}
CODES = {"wasm_oci": {0, 2, 4, 5, 6}, "wasmsign2": {0, 1, 2}, "local_registry": {0, 2}}
LINES = {
    "wasm_oci": (
        "--help",
        "verify --help",
        "verify -i signed -K key",
        "sign -i m -o out -k secret",
        "inspect layout --output json",
        "pull ./layout:v1 -o pulled --allow-unsigned",
        "push layout HOST/a:v1",
        "pull HOST/absent:v1 -o pulled --allow-unsigned",
        "list HOST/absent",
        "nonsense",
    ),
    "wasmsign2": ("--help", "show -i m", "verify -i signed -K key", "sign -i m -o out -k secret", "nonsense", ""),
    "local_registry": ("--help", "--port x", "--port 0 --address 192.0.2.1"),
}
CASES = [(program, line) for program, lines in LINES.items() for line in lines]
NAMES = [f"{program} {line}".strip() for program, line in CASES]
LOOKING = (
    ("wasm_oci", "verify -i signed -K key"),
    ("wasm_oci", "push layout HOST/a:v1"),
    ("wasm_oci", "nonsense"),
    ("wasm_oci", "sign -i m -o out --key-source keychain --key-ref a/b"),
    ("wasm_oci", "sign -i m -o out --key-source file --key-ref ~/absent"),
    ("wasmsign2", "show -i m"),
    ("local_registry", "--help"),
    ("local_registry", "--port 0 --address 192.0.2.1"),
)
LONG = "/" + "n" * 300
DEEP = '{"a":' * 1200 + "1" + "}" * 1200
ENVIRONMENTS: Mapping[str, dict[str, str | None]] = {
    "no home": {"HOME": None},
    "home of another": {"HOME": "FOREIGN", "XDG_RUNTIME_DIR": "FOREIGN", "XDG_CACHE_HOME": "FOREIGN", "XDG_STATE_HOME": "FOREIGN"},
    "long home": {"HOME": LONG, "XDG_RUNTIME_DIR": LONG, "XDG_CONFIG_HOME": LONG, "XDG_STATE_HOME": LONG},
    "docker's folder of another": {"DOCKER_CONFIG": "FOREIGN"},
    "docker's long folder": {"DOCKER_CONFIG": LONG},
    "podman's file of another": {"REGISTRY_AUTH_FILE": "FOREIGN/auth.json"},
    "deep JSON": {"DOCKER_AUTH_CONFIG": DEEP},
    "no folder for temporary files": {"TMPDIR": "/gone"},
    "directory gone": {"BUILD_WORKING_DIRECTORY": "/gone"},
    "directory of another": {"BUILD_WORKING_DIRECTORY": "FOREIGN"},
    "long directory": {"BUILD_WORKING_DIRECTORY": LONG},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    "odd proxies": {"HTTPS_PROXY": "http://[::1", "ALL_PROXY": "\udcff", "NO_PROXY": "\udcff["},
    "no width": {"COLUMNS": "-5"},
}
REDIRECTIONS = {
    "closed stdout": '"$@" >&-',
    "full stdout": '"$@" >/dev/full',
    "no reader": '{ "$@"; echo $? >&3; } 3>code | true',
    "closed stdin": '"$@" <&-',
    "closed stderr": '"$@" 2>&-',
    "full stderr": '"$@" 2>/dev/full',
    "all closed": '"$@" <&- >&- 2>&-',
    "gone": 'mkdir gone; cd gone; rmdir ../gone; "$@"',
}
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return signed_image(tmp_path_factory.mktemp("image"))


@pytest.fixture
def folder(tmp_path: Path, image: Image) -> Path:
    """A working folder; `foreign` in it cannot be entered."""
    for name, data in {"m": M, "signed": M_SIGNED, "key": K1.public.compact(), "secret": K1.compact()}.items():
        (tmp_path / name).write_bytes(data)
    shutil.copytree(image.folder, tmp_path / "layout")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "config.json").write_text("{}")
    foreign.chmod(0)
    return tmp_path


def run(
    program: str, line: str, folder: Path, *, script: str = '"$@"', changes: Mapping[str, str | None] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(folder)} | dict(changes)
    with start() as registry:
        arguments = [word.replace("HOST", registry.host) for word in line.split()]
        # Permissions do not stop root, unless it gives this up.
        return subprocess.run(
            [*UNPRIVILEGED * (os.geteuid() == 0), "sh", "-c", script, "sh", sys.executable, "-m", MODULES[program], *arguments],
            env={name: value.replace("FOREIGN", str(folder / "foreign")) for name, value in environment.items() if value is not None},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
            check=False,
        )


def check(done: subprocess.CompletedProcess[str], program: str, code: int) -> None:
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert code in CODES[program]
    lines = done.stderr.splitlines()
    if code and program != "wasmsign2":
        assert len(lines) == 1
        assert lines[0].startswith(program)
    assert len(lines) <= 2


@pytest.mark.parametrize(("program", "line"), LOOKING)
def test_odd_environments(folder: Path, program: str, line: str) -> None:
    for name, changes in ENVIRONMENTS.items():
        done = run(program, line, folder, changes=changes)
        if line in ("nonsense", "") or "BUILD_WORKING_DIRECTORY" in changes:
            assert done.returncode
        if name in ("no home", "ASCII", "no width") and "--help" in line:
            assert done.returncode == 0
        check(done, program, done.returncode)


@pytest.mark.parametrize(("program", "line"), CASES, ids=NAMES)
def test_streams_that_take_nothing(folder: Path, program: str, line: str) -> None:
    expected = run(program, line, folder)
    check(expected, program, expected.returncode)
    for name, script in REDIRECTIONS.items():
        (folder / "out").unlink(missing_ok=True)
        (folder / "pulled").unlink(missing_ok=True)
        done = run(program, line if name != "gone" else "--help", folder, script=script)
        code = int((folder / "code").read_text()) if name == "no reader" else done.returncode
        if "stderr" in name or name == "all closed":
            assert done.stderr == ""
        else:
            check(done, program, code)
        if name in ("closed stdin", "closed stderr", "full stderr") or (name == "no reader" and program != "wasmsign2"):
            assert code == expected.returncode
        if name in ("closed stdout", "full stdout", "all closed") and program != "wasmsign2":
            assert code == (expected.returncode or 2)


def test_a_registry_serves_without_a_reader(folder: Path) -> None:
    done = run("local_registry", "--port 0", folder, script='{ timeout -s TERM 3 "$@"; echo $? >&3; } 3>code | true')
    assert (folder / "code").read_text() in ("0\n", "124\n")
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [["--state", LONG], ["--state", "FOREIGN/x"], ["--ready-file", LONG], ["--access-log", "FOREIGN/x"], ["--access-log", LONG]],
)
def test_paths_that_the_registry_cannot_use(folder: Path, arguments: list[str]) -> None:
    place = str(folder / "foreign")
    done = run("local_registry", " ".join(["--port", "0", *arguments]).replace("FOREIGN", place), folder)
    check(done, "local_registry", done.returncode)
    assert done.returncode == 2


@pytest.mark.parametrize("program", MODULES)
def test_arguments_that_are_not_utf8(folder: Path, program: str) -> None:
    for line in (
        "show \udcff",
        "\udcff",
        "--\udcff=\udcfe",
        "inspect \udcff",
        f"inspect {LONG}",
        f"show -i {LONG}",
        f"verify -i {LONG} -K {LONG}",
    ):
        done = run(program, line, folder)
        check(done, program, done.returncode)
        assert done.returncode


@pytest.mark.parametrize("secret", ["\\udcff", "\\ud83d", "\\u0000", "a\\nb"])
def test_odd_text_of_a_credential_helper(folder: Path, secret: str) -> None:
    helper = folder / "docker-credential-odd"
    helper.write_text(f"""#!/bin/sh\nprintf '%s' '{{"Username": "{secret}", "Secret": "{secret}"}}'\n""")
    helper.chmod(0o755)
    (folder / "config.json").write_text(json.dumps({"credsStore": "odd"}))
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    done = run("wasm_oci", "push layout HOST/a:v1", folder, changes={"DOCKER_CONFIG": str(folder), "PATH": path})
    check(done, "wasm_oci", done.returncode)


@pytest.mark.parametrize("name", ["trusted-keys -i FILE", "push --request FILE", "verify --request FILE", "inspect FILE", "key show FILE"])
@pytest.mark.parametrize(
    "text", [DEEP, "[" * 100_000, '{"a":' * 100_000, '{"a": "\\ud800"}', '{"a": 1e999}', '{"a": ' + "9" * 10_000 + "}"]
)
def test_documents_that_break_parsers(folder: Path, name: str, text: str) -> None:
    (folder / "document").write_text(text)
    done = run("wasm_oci", name.replace("FILE", "document"), folder)
    check(done, "wasm_oci", done.returncode)
    assert done.returncode == 2
