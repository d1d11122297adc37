"""`wasmsign2 -G`: the keys of an account, from a server of ours; whatever is wrong with the answer is a refusal."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fakes.differences import MATRIX, VALID
from fakes.signing import K1, K2, M_SIGNED
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign2 import program as wasmsign2

Capture = pytest.CaptureFixture[str]
FAILED = "Usage error: Keys couldn't be retrieved from GitHub\n"
KEYS = b"ssh-rsa AAAA x\n" + K1.public.openssh() + K2.public.openssh()
Response = tuple[int, dict[str, str], bytes]


class Server:
    """Answers paths from a table, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Response] = {}
        self.asked: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked.append(self.path)
                status, headers, body = owner.answers.get(self.path, (404, {}, b"Not Found"))
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.http.server_address[1]}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WASM_OCI_GITHUB_URL", running.address)
    Path("x").write_bytes(M_SIGNED)
    Path("p2").write_bytes(K2.public.compact())
    yield running
    running.http.shutdown()
    running.http.server_close()
    thread.join()


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = wasmsign2.main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_first_key_verifies_and_the_matrix_takes_all(server: Server, capsys: Capture) -> None:
    server.answers["/someone.keys"] = 200, {}, KEYS
    assert run(capsys, "verify", "-i", "x", "-G", "someone") == VALID
    assert run(capsys, "verify", "-i", "x", "-G", "someone", "-K", "p2") == VALID
    assert run(capsys, "verify_matrix", "-i", "x", "--from-github=someone") == MATRIX
    server.answers["/someone.keys"] = 200, {}, K2.public.openssh() + K1.public.openssh()
    assert run(capsys, "verify", "-i", "x", "-G", "someone") == (1, "", "No valid signatures\n")
    assert run(capsys, "verify_matrix", "-i", "x", "-G", "someone") == MATRIX
    assert server.asked == ["/someone.keys"] * 5


@pytest.mark.parametrize(
    ("account", "path"),
    [("a b/c?d#e", "/a%20b%2Fc%3Fd%23e.keys"), ("..", "/...keys"), ("\u00fc!*'()-_.~", "/%C3%BC!*'()-_.~.keys"), ("", "/.keys")],
)
def test_the_account_is_one_part_of_the_path(server: Server, capsys: Capture, account: str, path: str) -> None:
    server.answers[path] = 200, {}, KEYS
    assert run(capsys, "verify", "-i", "x", "-G", account) == VALID
    assert server.asked == [path]


def test_an_address_may_have_a_path(server: Server, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/enterprise/me.keys"] = 200, {}, KEYS
    monkeypatch.setenv("WASM_OCI_GITHUB_URL", f"{server.address}/enterprise/")
    assert run(capsys, "verify", "-i", "x", "-G", "me") == VALID


def test_a_redirect_stays_on_its_host(server: Server, capsys: Capture) -> None:
    server.answers |= {"/old.keys": (302, {"Location": "/new.keys"}, b""), "/new.keys": (200, {}, KEYS)}
    assert run(capsys, "verify", "-i", "x", "-G", "old") == VALID


ANSWERS: dict[str, tuple[Response, str]] = {
    "absent": ((404, {}, KEYS), FAILED),
    "broken": ((500, {}, KEYS), FAILED),
    "no content": ((204, {}, b""), FAILED),
    "too large": ((200, {}, b"#" * LIMITS.github_keys + KEYS), FAILED),
    "cut off": ((200, {"Content-Length": "5000"}, KEYS), FAILED),
    "another host": ((302, {"Location": "http://127.0.0.2/x.keys"}, b""), FAILED),
    "no address": ((302, {"Location": "file:///etc/passwd"}, b""), FAILED),
    "in a circle": ((302, {"Location": "/a.keys"}, b""), FAILED),
    "not text": ((200, {}, b"\xff\xfe"), "Usage error: Unexpected characters in the public keys retrieved from GitHub\n"),
    "no Ed25519 key": ((200, {}, b"ssh-rsa AAAA x\n"), "Parse error\n"),
    "no key": ((200, {}, b""), "Parse error\n"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_that_are_of_no_use(server: Server, capsys: Capture, name: str) -> None:
    answer, text = ANSWERS[name]
    server.answers["/a.keys"] = answer
    assert run(capsys, "verify", "-i", "x", "-G", "a") == (1, "", text)
    expected = "No valid signatures\n" if text == "Parse error\n" else text
    assert run(capsys, "verify_matrix", "-i", "x", "-G", "a") == (1, "", expected)


def test_debug_says_why(server: Server, capsys: Capture) -> None:
    assert "404" in run(capsys, "-d", "verify", "-i", "x", "-G", "a")[2]


def test_no_server(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WASM_OCI_GITHUB_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert run(capsys, "verify", "-i", "x", "-G", "a") == (1, "", FAILED)


@pytest.mark.parametrize(
    "address",
    [
        "http://github.example",
        "http://127.0.0.1.example",
        "ftp://localhost",
        "github.example",
        "https://",
        "https://user@github.example",
        "https://user:secret@github.example",
        "https://github.example/?x=",
        "https://github.example/#x",
        "https://github.example\n",
        "https://[::1",
        "https://g\u0131thub.example",
    ],
)
def test_addresses_that_are_not_asked(capsys: Capture, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("nothing may be asked")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("WASM_OCI_GITHUB_URL", address)
    code, out, err = run(capsys, "verify", "-i", "x", "-G", "a")
    assert (code, out) == (1, "")
    assert err.startswith("Usage error: WASM_OCI_GITHUB_URL is not an https address")
    assert "secret" not in err


def test_the_address_is_github_unless_said_otherwise(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    from wasm_oci.http import messages, transport

    asked: list[str] = []

    def send(self: transport.Transport, request: messages.HttpRequest) -> messages.HttpResponse:
        asked.append(request.url)
        return messages.HttpResponse(status=404, headers={}, url=request.url)

    monkeypatch.setattr(transport.Transport, "send", send)
    monkeypatch.delenv("WASM_OCI_GITHUB_URL", raising=False)
    assert run(capsys, "verify", "-i", "x", "-G", "someone") == (1, "", FAILED)
    assert asked == ["https://github.com/someone.keys"]
