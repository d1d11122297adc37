"""The JSON Schemas in docs/schemas: what the classes that read the files say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schema import FILES, member_page, schema
from wasm_oci.shape import members
from wasm_oci.trust.trust_store import TrustedKeyEntry

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "schemas"


@pytest.mark.parametrize("name", FILES)
def test_the_committed_schema_is_that_of_the_class(name: str) -> None:
    committed = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert committed == schema(FILES[name]), "run: bazel run //docs:update"


def test_every_schema_of_a_file_has_its_class() -> None:
    """Schemas of results are written by hand; test_push_result.py and test_statements.py in tests/python/cli compare results with them."""
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in (*FILES, "publish_result", "statements")}


def test_every_member_of_a_trusted_key_is_on_its_page() -> None:
    page = (DOCS / "key-rotation.md").read_text(encoding="utf-8")
    table = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert [member.name for member in members(TrustedKeyEntry) if f"`{member.name}`" not in table] == []


def test_the_page_of_a_policy_s_members_is_that_of_the_class() -> None:
    committed = (DOCS / "policy-members.md").read_text(encoding="utf-8")
    assert committed == member_page(FILES["policy"]), "run: bazel run //docs:update"


def test_a_schema_has_what_may_stand_without_a_list() -> None:
    document = schema(FILES["policy"])
    assert document["properties"]["default"]["anyOf"][0] == {"$ref": "#/$defs/GeneralRule"}
    assert "signing" in document["$defs"]["GeneralRule"]["properties"]
    assert document["properties"]["components"]["items"]["properties"]["keys"]["minItems"] == 1


def test_a_schema_refuses_what_the_reader_refuses() -> None:
    entry = schema(FILES["trusted_keys"])["properties"]["keys"]["items"]
    assert entry["additionalProperties"] is False
    assert entry["required"] == ["name"]
    assert entry["oneOf"] == [{"required": ["public_key"]}, {"required": ["public_key_file"]}]
    assert entry["properties"]["not_after"]["type"] == "string"
