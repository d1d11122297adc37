"""Plans and results as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.artifacts import signed_image
from fakes.publishing import publish
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.outcome import write_lines
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.looking import make_plan
from wasm_oci.publish.report import plan_lines, result_lines


def test_no_name_forges_lines_or_colours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    destination = LayoutStore(tmp_path / "out\nPublished evil\x1b[31m")
    artifact = load_artifact(signed_image(tmp_path / "image").folder)
    plan = make_plan(artifact, destination, ["v1"])
    write_lines(plan_lines(plan))
    assert "out\\nPublished evil\\x1b[31m" in capsys.readouterr().out.splitlines()[0]
    for expected in ("Published", "Unchanged:"):
        (result,) = publish([make_plan(artifact, destination, ["v1"])])
        write_lines(result_lines(result))
        text = capsys.readouterr().out
        assert text.startswith(f"{expected} {tmp_path}/out\\nPublished evil\\x1b[31m:v1")
        assert text.replace("\n", "").isprintable()
