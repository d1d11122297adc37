"""What an `index.json` of another program may cost: its entries are anyone's, and editing it must not compare each with each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError
from wasm_oci.jsontext import pretty
from wasm_oci.oci import layout_index
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, REF_NAME_ANNOTATION, Descriptor
from wasm_oci.oci.layout_index import LayoutIndex

NEW = Descriptor.of(b"{}", MANIFEST_MEDIA_TYPE).to_json()
COUNT = 4_000


def entry(number: int, *, digest: str = "", tag: str = "", **members: Any) -> dict[str, Any]:
    annotations = {"annotations": {REF_NAME_ANNOTATION: tag}} if tag else {}
    found = digest or str(Digest.of(number.to_bytes(4, "big")))
    return {"mediaType": MANIFEST_MEDIA_TYPE, "digest": found, "size": 2, **annotations, **members}


def index_of(entries: list[Any]) -> LayoutIndex:
    return LayoutIndex.parse(pretty({"schemaVersion": 2, "manifests": entries}), where="index.json")


@pytest.mark.parametrize(
    "entries",
    [
        [entry(number, tag="t") for number in range(COUNT)],
        [entry(0, digest=NEW["digest"], x=number) for number in range(COUNT)],
        [entry(0, digest=NEW["digest"], tag="t", x=number) for number in range(COUNT)],
        [{"annotations": {REF_NAME_ANNOTATION: "t"}, "digest": [number]} for number in range(COUNT)],
    ],
    ids=["one tag", "one digest", "one tag of one digest", "malformed"],
)
def test_editing_a_hostile_index_compares_few_entries_and_loses_none(entries: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    compared, says_all = [], layout_index._says_all

    def counted(other: dict[str, Any], entry: dict[str, Any]) -> bool:
        compared.append(entry)
        return says_all(other, entry)

    monkeypatch.setattr(layout_index, "_says_all", counted)
    index = index_of(entries)
    index.put(NEW, "t")
    index.put(NEW, None)
    index.delete_tag("t")
    assert len(compared) <= COUNT
    assert len(index.entries) >= COUNT


def test_the_first_entry_of_a_tag_that_cannot_be_read_is_named() -> None:
    index = index_of([entry(0), *({"annotations": {REF_NAME_ANNOTATION: "t"}, "digest": number} for number in range(COUNT))])
    with pytest.raises(FormatError) as caught:
        index.read(index.named("t"))
    assert caught.value.where.startswith("index.json: manifests[1].")


def test_an_entry_that_another_one_repeats_goes() -> None:
    index = index_of([entry(1, tag="a"), entry(1, tag="b")])
    assert index.delete_tag("a")
    assert index.entries == [entry(1, tag="b")]


def test_it_is_written_as_any_document_for_people() -> None:
    """Before and after edits, and of a copy, whose edits do not change what it is a copy of."""
    manifests: list[object] = [{"x": "\u202e\n", "y": []}, 7, [], {}]
    strange = {"schemaVersion": 2, "a\u202e": {"b": [1, {}]}, "manifests": manifests, "zz": [], "mediaType": INDEX_MEDIA_TYPE}
    for document in (None, strange, {"schemaVersion": 2, "manifests": []}):
        index = LayoutIndex(document)
        copy = index.copy()
        before = index.encode()
        for tag in ("v1", "v2", "v1"):
            copy.put(Descriptor.of(tag.encode(), MANIFEST_MEDIA_TYPE).to_json(), tag)
            assert copy.encode() == pretty(json.loads(copy.encode()))
        assert index.encode() == before == pretty(json.loads(before))
        assert list(index.descriptors([])) == []
        assert index.encode() == before
        assert len(list(copy.descriptors([]))) == 2


def test_what_is_nested_too_deeply_to_be_written_is_malformed() -> None:
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    for document in ({"schemaVersion": 2, "manifests": [deep]}, {"schemaVersion": 2, "manifests": [], "x": deep}):
        with pytest.raises(FormatError, match="nested too deeply"):
            LayoutIndex(document).encode()
