"""The persistent worker: its protocol, what outlives a request (nothing), and how it and its children end."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.memory import found_in, spellings
from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main
from wasm_oci.keys.key import load_secret_key

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the worker that forks needs fork")

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PROGRAM = "from wasm_oci.cli.program import program; program()"
FORKS = [sys.executable, "-c", PROGRAM]
IN_TURN = [sys.executable, "-c", f"import os; del os.fork; {PROGRAM}"]
COMPONENT = TESTDATA / "hello_component.wasm"
SECONDS = 30.0
SLEEPER = """
import os, sys, time
from wasm_oci.cli import main as module
def run(arguments, typed=False):
    action, *rest = arguments
    if action == "sleep":
        try:
            open(rest[0], "w").write(str(os.getpid()))
            time.sleep(60)
        finally:
            open(rest[0] + ".ended", "w").close()
    if action == "stubborn":
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(rest[0], "w").write(str(os.getpid()))
        time.sleep(60)
    if action == "background":
        import subprocess
        subprocess.Popen(["sleep", "60"], start_new_session=True)
        print("done")
    if action == "silent":
        os.close(1)
        os.close(2)
        time.sleep(float(rest[0]))
        os._exit(7)
    if action == "program":
        import subprocess
        subprocess.run(["sh", "-c", "trap '' TERM; echo $$ > " + rest[0] + ".program; exec sleep 60"])
    if action == "leave":
        import subprocess
        subprocess.Popen(["sh", "-c", "trap '' TERM; echo $$ > " + rest[0] + ".program; exec sleep 60"])
        time.sleep(60)
    if action == "die":
        print("last words", flush=True)
        os.kill(os.getpid(), int(rest[0]) if rest else 9)
    if action == "raise":
        raise RuntimeError("a bug")
    if action == "noise":
        sys.stdout.write("x" * 3_000_000)
        print(os.environ.pop("MARK", "gone"), sys.stdin.read(), os.getcwd())
    return 0
module.run_line = run
from wasm_oci.cli.program import program
program()
"""


class Worker:
    """A worker and its two pipes."""

    def __init__(self, command: list[str], folder: Path, **environment: str) -> None:
        self.process = subprocess.Popen(
            [*command, "--persistent_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=ENVIRONMENT | environment,
        )
        assert self.process.stdin
        assert self.process.stdout
        self._stdin, self._stdout = self.process.stdin, self.process.stdout

    def write(self, text: str) -> None:
        self._stdin.write(text.encode())
        self._stdin.flush()

    def send(self, *arguments: object, **members: Any) -> None:
        self.write(json.dumps({"arguments": [str(argument) for argument in arguments], **members}) + "\n")

    def response(self) -> dict[str, Any]:
        assert select.select([self._stdout], [], [], SECONDS)[0], "no response"
        response: dict[str, Any] = json.loads(self._stdout.readline())
        return response

    def ask(self, *arguments: object, **members: Any) -> dict[str, Any]:
        self.send(*arguments, **members)
        return self.response()

    def end(self) -> tuple[int, str, str]:
        """Closes stdin; returns the exit code, what was still on stdout, and stderr."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out.decode(), err.decode()


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts workers in `tmp_path`, which has a component and a key pair."""
    shutil.copy(COMPONENT, tmp_path / "in.wasm")
    assert main(["keygen", "-q", "-k", str(tmp_path / "secret"), "-K", str(tmp_path / "public")]) == 0
    started: list[Worker] = []

    def new(command: list[str] | None = None, **environment: str) -> Worker:
        started.append(Worker(command or FORKS, tmp_path, **environment))
        return started[-1]

    yield new
    for worker in started:
        worker.process.kill()
        worker.process.communicate()


def sign(worker: Worker, output: str = "out.wasm", **members: Any) -> dict[str, Any]:
    return worker.ask("sign", "--quiet", "-i", "in.wasm", "-o", output, "-k", "secret", "-K", "public", **members)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid: int) -> bool:
    """Whether the process is gone, or is one that nobody reaps here."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return not alive(pid)
    except ProcessLookupError:
        return True


@pytest.mark.parametrize("command", [FORKS, IN_TURN], ids=["forks", "in-turn"])
def test_requests_are_answered_until_stdin_ends(start: Start, tmp_path: Path, command: list[str]) -> None:
    worker = start(command)
    done = {"exitCode": 0, "output": "", "requestId": 0, "wasCancelled": False}
    assert sign(worker) == done
    assert worker.ask("verify", "--quiet", "-i", "out.wasm", "-K", "public", requestId=7) == done | {"requestId": 7}
    refused = worker.ask("verify", "-i", "in.wasm", "-K", "public", requestId=8)
    assert (refused["exitCode"], refused["requestId"]) == (4, 8)
    assert refused["output"].startswith("wasm_oci: in.wasm: the file is not signed")
    assert worker.ask("verify", "-i", "out.wasm", "-K", "public")["output"].startswith("Verified")
    usage = worker.ask("sign", "--wrong")
    assert usage["exitCode"] == 2
    assert "unrecognised option --wrong" in usage["output"]
    assert worker.ask()["exitCode"] == 2
    assert main(["sign", "-q", "-i", str(COMPONENT), "-o", str(tmp_path / "alone"), "-k", str(tmp_path / "secret")]) == 0
    assert (tmp_path / "out.wasm").read_bytes() == (tmp_path / "alone").read_bytes()
    assert worker.end() == (0, "", "")


@pytest.mark.parametrize("command", [FORKS, IN_TURN], ids=["forks", "in-turn"])
def test_a_request_runs_in_its_sandbox(start: Start, tmp_path: Path, command: list[str]) -> None:
    worker = start(command)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for file in ("in.wasm", "secret", "public"):
            shutil.copy(tmp_path / file, tmp_path / name / file)
        assert sign(worker, sandboxDir=name)["exitCode"] == 0
        assert worker.ask("split", "-q", "-i", "in.wasm", "-o", "split.wasm", sandboxDir=name)["exitCode"] == 0
        assert {"out.wasm", "split.wasm"} < {path.name for path in (tmp_path / name).iterdir()}
    assert not (tmp_path / "out.wasm").exists()
    assert sign(worker)["exitCode"] == 0, "the worker stays where it is"
    for absent in (sign(worker, sandboxDir="none"), worker.ask("split", "-i", "a", "-o", "b", sandboxDir="none")):
        assert absent["exitCode"] == 2
        assert "none: " in absent["output"]
        assert "No such file or directory" in absent["output"]
    for unusable in (sign(worker, sandboxDir="a\0b"), worker.ask("split", "-i", "a", "-o", "b", sandboxDir="a\0b")):
        assert (unusable["exitCode"], "Traceback" in unusable["output"]) == (2, False)
    assert sign(worker)["exitCode"] == 0


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the memory of a process is read in /proc")
@pytest.mark.parametrize("command", [FORKS, IN_TURN], ids=["forks", "in-turn"])
def test_no_key_is_in_the_workers_memory(start: Start, tmp_path: Path, command: list[str]) -> None:
    marker = os.urandom(32)
    worker = start(command, **{name.replace(" ", "_"): value.decode() for name, value in spellings(marker).items() if name != "raw"})
    for number in range(3):
        assert sign(worker, f"out{number}.wasm")["exitCode"] == 0
        assert worker.ask("verify", "-q", "-i", f"out{number}.wasm", "-K", "public")["exitCode"] == 0
    there = spellings(marker) | {"public key file's name": b"out2.wasm"}
    del there["raw"]
    assert found_in(worker.process.pid, there) == set(there), "what is there is found"
    file = (tmp_path / "secret").read_bytes()
    seed = load_secret_key(tmp_path / "secret").seed
    secrets = {f"{what} {name}": value for what, key in (("seed", seed), ("file", file)) for name, value in spellings(key).items()}
    assert found_in(worker.process.pid, secrets) == set()
    assert worker.process.poll() is None


def test_a_process_that_has_the_key_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    assert main(["keygen", "-q", "-k", str(path), "-K", str(tmp_path / "public")]) == 0
    reads = "import sys; key = open(sys.argv[1], 'rb').read(); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", reads, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        assert "raw" in found_in(process.pid, spellings(load_secret_key(path).seed))


def test_many_at_once(start: Start) -> None:
    worker = start()
    for number in range(1, 21):
        worker.send("sign", "-q", "-i", "in.wasm", "-o", f"{number}.wasm", "-k", "secret", "-K", "public", requestId=number)
    responses = [worker.response() for _ in range(20)]
    assert {response["requestId"] for response in responses} == set(range(1, 21))
    assert {response["exitCode"] for response in responses} == {0}
    assert worker.end() == (0, "", "")


def test_a_line_may_come_in_pieces_and_have_members_of_later_versions(start: Start) -> None:
    worker = start()
    line = json.dumps({"arguments": ["--wrong"], "inputs": [{"path": "x", "digest": "eA=="}], "verbosity": 10, "requestId": 5, "new": {}})
    worker.write(line[:20])
    time.sleep(0.1)
    worker.write(line[20:] + "\n\n")
    assert worker.response()["requestId"] == 5


@pytest.mark.parametrize("command", [FORKS, IN_TURN], ids=["forks", "in-turn"])
@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        '{"inputs": ' + "[" * 1_000_000 + "]" * 1_000_000 + "}",
        '{"arguments": "sign"}',
        '{"arguments": [1]}',
        '{"arguments": [], "requestId": "1"}',
        '{"arguments": ["sign"]',
    ],
)
def test_what_is_no_request_ends_the_worker(start: Start, command: list[str], line: str) -> None:
    worker = start(command)
    worker.write(line + "\n")
    code, out, err = worker.end()
    assert (code, out) == (2, "")
    assert err.startswith("wasm_oci: stdin: invalid work request: ")
    assert err.count("\n") == 1


def test_an_end_within_a_request_is_an_error(start: Start) -> None:
    worker = start()
    worker.write('{"arguments": []}')
    assert worker.end() == (2, "", "wasm_oci: stdin: stdin ends within a request; let Bazel start this program\n")


def test_a_cancelled_command_cleans_up_and_is_answered_once(start: Start, tmp_path: Path) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send("sleep", "pid", requestId=4)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    for number in (4, 4, 9):  # again, and of a request that is not there
        worker.send(requestId=number, cancel=True)
    assert worker.response() == {"exitCode": 0, "output": "", "requestId": 4, "wasCancelled": True}
    assert (tmp_path / "pid.ended").exists()
    assert not alive(int((tmp_path / "pid").read_text()))
    assert worker.ask("other", requestId=4)["wasCancelled"] is False, "the id is free again"
    assert worker.end()[:2] == (0, "")


def test_a_cancelled_command_that_does_not_end_is_killed(start: Start, tmp_path: Path) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send("stubborn", "pid", requestId=4)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    worker.send(requestId=4, cancel=True)
    assert worker.response()["wasCancelled"] is True
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_cancelled_command_leaves_no_program_behind(start: Start, tmp_path: Path) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send("leave", "pid", requestId=4)
    file = tmp_path / "pid.program"
    until(lambda: file.exists() and file.read_text() != "")
    worker.send(requestId=4, cancel=True)
    assert worker.response()["wasCancelled"] is True
    until(lambda: ended(int(file.read_text())))


def test_a_child_that_is_killed_or_crashes_is_a_failed_action(start: Start) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    killed = worker.ask("die", requestId=1)
    assert (killed["exitCode"], killed["wasCancelled"]) == (128 + 9, False)
    assert killed["output"] == "last words\nwasm_oci: the command was ended by SIGKILL\n"
    unnamed = worker.ask("die", "40")
    assert (unnamed["exitCode"], unnamed["output"]) == (168, "last words\nwasm_oci: the command was ended by signal 40\n")
    crashed = worker.ask("raise", requestId=2)
    assert crashed["exitCode"] == 70
    assert "RuntimeError: a bug" in crashed["output"]
    assert worker.ask("fine")["exitCode"] == 0


def test_a_program_in_the_background_that_holds_the_output_does_not_delay_the_response(start: Start) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    begin = time.monotonic()
    response = worker.ask("background", requestId=1)
    assert time.monotonic() - begin < 10
    assert (response["exitCode"], response["output"]) == (0, "done\n")


def test_a_child_without_output_does_not_block_the_others(start: Start) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send("silent", 3, requestId=1)
    time.sleep(0.5)
    assert worker.ask("fine", requestId=2)["requestId"] == 2
    assert worker.response() == {"exitCode": 7, "output": "", "requestId": 1, "wasCancelled": False}


@pytest.mark.parametrize("action", ["sleep", "stubborn", "program"])
def test_what_runs_ends_with_a_worker_that_is_killed(start: Start, tmp_path: Path, action: str) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send(action, "pid", requestId=4)
    file = tmp_path / ("pid.program" if action == "program" else "pid")
    until(lambda: file.exists() and file.read_text() != "")
    worker.process.kill()
    until(lambda: ended(int(file.read_text())))
    if action == "sleep":
        assert (tmp_path / "pid.ended").exists()


def test_nothing_of_a_request_is_left_for_the_next(start: Start, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    worker = start([sys.executable, "-c", SLEEPER], MARK="set")
    for folder in ("there", "", "there"):
        output = worker.ask("noise", sandboxDir=folder)["output"]
        assert output.lstrip("x") == f"set  {tmp_path / folder}\n"
        assert len(output) > 3_000_000


def test_a_second_request_with_the_id_of_one_that_runs_ends_the_worker(start: Start, tmp_path: Path) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send("sleep", "pid", requestId=4)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    worker.send("sleep", "other", requestId=4)
    code, out, err = worker.end()
    assert (code, out) == (2, "")
    assert "request 4 is already running" in err
    assert not alive(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_worker_and_what_runs(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    worker = start([sys.executable, "-c", SLEEPER])
    worker.send("sleep", "pid", requestId=4)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    worker.process.send_signal(number)
    assert worker.process.wait(SECONDS) == 128 + number
    assert (tmp_path / "pid.ended").exists()
    assert not alive(int((tmp_path / "pid").read_text()))


def test_without_a_reader_the_worker_ends(start: Start) -> None:
    worker = start()
    assert worker.process.stdout
    worker.process.stdout.close()
    worker.send("--wrong")
    assert worker.process.wait(SECONDS) == 0


def test_a_process_that_cannot_be_started_fails_one_action(start: Start) -> None:
    limited = f"import os, errno\ndef fork(): raise OSError(errno.EAGAIN, 'no more processes')\nos.fork = fork\n{PROGRAM}"
    worker = start([sys.executable, "-c", limited])
    refused = worker.ask("verify", requestId=3)
    assert (refused["exitCode"], refused["requestId"]) == (2, 3)
    assert refused["output"].startswith("wasm_oci: cannot start a process for this action: no more processes; run fewer at once")


def test_a_signing_request_imports_nothing_new(tmp_path: Path) -> None:
    assert main(["keygen", "-q", "-k", str(tmp_path / "secret"), "-K", str(tmp_path / "public")]) == 0
    check = f"""
import importlib, sys
from wasm_oci.cli import main, worker
for name in worker.PRELOADED: importlib.import_module(name)
before = set(sys.modules)
assert main.run_line(["sign", "-q", "-i", {str(COMPONENT)!r}, "-o", "o.wasm", "-k", "secret", "-K", "public"]) == 0
assert main.run_line(["image", "-q", "-i", "o.wasm", "-o", "layout", '--facts={{"schema_version": 1, "package_name": "a"}}']) == 0
assert main.run_line(["verify", "-q", "-i", "o.wasm", "-K", "public"]) == 0
print(sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, env=ENVIRONMENT, cwd=tmp_path, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
