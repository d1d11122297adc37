"""How far a run is: lines where nobody looks at a terminal, bars where somebody does, nothing where that is asked for."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import IO

import pytest

from fakes.artifacts import component, layout_of
from instruments.registry import RunningRegistry
from wasm_oci.cli.common.progress import progress_of
from wasm_oci.cli.common.progress_lines import PlainLines
from wasm_oci.errors import RegistryError
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.oci.reference import Reference
from wasm_oci.progress import SILENT, Progress
from wasm_oci.publish.release import release
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, ReleaseRequest
from wasm_oci.wording import size_text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(progress: Progress, *, count: int = 3) -> None:
    with progress.phase("sending content", count=count, size=3072) as phase:
        for number in range(count):
            with phase.began(f"here/thing{number}"):
                phase.sent(1024)


@pytest.fixture
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def on(stream: IO[str], monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setattr("sys.stderr", stream)
    return progress_of(quiet=False, environ=os.environ)


def test_a_pipe_gets_a_line_for_each_change_and_no_control_characters(no_ci: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    work(on(stream, monkeypatch))
    first, last = stream.getvalue().splitlines()
    assert first == "wasm_oci: sending content: 3, 3.0 KiB to send"
    assert last == "wasm_oci: sending content: 3 of 3 done, 3.0 KiB of 3.0 KiB sent, 0 s"
    assert stream.getvalue().replace("\n", "").isprintable()


def test_one_thing_alone_needs_no_line(no_ci: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    work(on(stream, monkeypatch), count=1)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"TERM": "dumb"}])
def test_a_terminal_of_ci_gets_lines(environ: dict[str, str], no_ci: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    work(on(stream, monkeypatch))
    assert "\x1b" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 2


def test_a_terminal_gets_bars(no_ci: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    work(on(stream, monkeypatch))
    assert "sending content" in stream.getvalue()
    assert "\x1b[" in stream.getvalue()
    assert "\x1b[2K" in stream.getvalue().rpartition("3/3")[2], "the bar vanishes at the end"


def test_a_name_cannot_obey_the_terminal(no_ci: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    with on(stream, monkeypatch).phase("sending content", count=1, size=0) as phase, phase.began("a\x1b]0;title\x07[red]b"):
        time.sleep(0.2)
    assert "\x1b]0;" not in stream.getvalue()
    assert "[red]b" in stream.getvalue()


def test_quiet_shows_nothing(no_ci: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    assert progress_of(quiet=True) is SILENT
    work(SILENT)
    assert stream.getvalue() == ""


def test_a_long_phase_gives_a_sign_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainLines(program="wasm_oci", heartbeat=0.05)
    with progress.phase("looking up", count=9) as phase, phase.began("a/b"), phase.began("c/d"), phase.began("e/f"), phase.began("g/h"):
        time.sleep(0.3)
    _, *beats, last = capsys.readouterr().err.splitlines()
    assert beats[0] == "wasm_oci: looking up: 0 of 9 done, now a/b, c/d, e/f and 1 more, 0 s"
    assert last == "wasm_oci: looking up: 4 of 9 done, 0 s"


def test_what_failed_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainLines(program="wasm_oci").phase("writing tags", count=2) as phase, pytest.raises(RegistryError), phase.began("a/b"):
        raise RegistryError("no")
    assert capsys.readouterr().err.endswith("wasm_oci: writing tags: 1 of 2 done, 1 failed, 0 s\n")


def test_a_release_tells_how_far_it_is(registry: RunningRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = [layout_of(tmp_path / name, component(name)) for name in ("one", "two")]
    artifacts = tuple(
        ArtifactRequest(
            layout=image.folder,
            destinations=(DestinationRequest(repository=Reference.parse(f"{registry.host}/a/app{number}:1"), tags=("1",)),),
        )
        for number, image in enumerate(images)
    )
    transport = Transport(environ={})
    shown = PlainLines(program="wasm_oci")
    release(ReleaseRequest(artifacts=artifacts), transport=transport, environ={}, passphrase=PassphraseSource(), progress=shown)
    transport.close()
    lines = [line.rpartition(",")[0] or line for line in capsys.readouterr().err.splitlines()]
    sizes = sum(path.stat().st_size for image in images for path in (image.folder / "blobs").rglob("*") if path.is_file())
    size = size_text(sizes - sum(len(image.manifest.raw) for image in images))
    assert [line.split(": ")[1] for line in lines] == ["looking up"] * 2 + ["sending content"] * 2 + ["writing tags"] * 2
    assert lines[1] == "wasm_oci: looking up: 2 of 2 done"
    assert lines[3] == f"wasm_oci: sending content: 2 of 2 done, {size} of {size} sent"
    assert lines[5] == "wasm_oci: writing tags: 2 of 2 done"
