"""Values of the workspace status in tags."""

from __future__ import annotations

from pathlib import Path

import pytest

from wasm_oci.errors import UsageError
from wasm_oci.workspace_status import WorkspaceStatus


@pytest.fixture
def status(tmp_path: Path) -> WorkspaceStatus:
    path = tmp_path / "stable-status.txt"
    path.write_bytes(b"BUILD_EMBED_LABEL \nSTABLE_EMPTY\nSTABLE_GIT_COMMIT 1f3a9c2\nSTABLE_VERSION 1.2.3 \n")
    return WorkspaceStatus(path)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("v1", "v1"),
        ("{STABLE_VERSION}", "1.2.3"),
        ("{STABLE_VERSION}-{STABLE_GIT_COMMIT}", "1.2.3-1f3a9c2"),
        ("a{STABLE_VERSION}b", "a1.2.3b"),
    ],
)
def test_values_take_the_place_of_their_names(status: WorkspaceStatus, text: str, filled: str) -> None:
    assert status.fill(text, where="tag") == filled


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{STABLE_GIT_COMIT}", "tag: the workspace status has no STABLE_GIT_COMIT; did you mean STABLE_GIT_COMMIT?"),
        ("{STABLE_X}", "has no STABLE_X; print `STABLE_X VALUE` in the program of --workspace_status_command"),
        ("{STABLE_EMPTY}", "STABLE_EMPTY of the workspace status is empty; correct the program"),
    ],
)
def test_a_name_without_a_value(status: WorkspaceStatus, text: str, error: str) -> None:
    with pytest.raises(UsageError) as raised:
        status.fill(text, where="tag")
    assert error in str(raised.value)


def test_a_text_without_names_needs_no_file() -> None:
    assert WorkspaceStatus(None).fill("v1", where="tag") == "v1"
    with pytest.raises(UsageError, match="the file of the workspace status is missing; build the target again"):
        WorkspaceStatus(None).fill("{STABLE_X}", where="tag")
