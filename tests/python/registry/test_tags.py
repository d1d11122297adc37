"""The tags of a place: all of them, over all pages, and an error where they are too many."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from fakes.clients import client_of
from fakes.web import Asked, reply, serve
from wasm_oci.errors import LimitError, RegistryError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY, REF_NAME_ANNOTATION
from wasm_oci.oci.layout_store import LayoutStore

TAGS = [f"v{number}" for number in range(LIMITS.tags + 1)]


def _page(tags: object, after: str = "") -> bytes:
    links = {"Link": f'</v2/library/hello/tags/list?last={after}>; rel="next"'} if after else {}
    return reply(body=json.dumps({"name": "library/hello", "tags": tags}).encode(), **links)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_all_pages_are_read(size: int) -> None:
    tags = TAGS[: 5 * size - 1]

    def respond(asked: Asked) -> bytes:
        _, _, last = asked.line.split(" ")[1].partition("last=")
        start = tags.index(last) + 1 if last else 0
        page = tags[start : start + size]
        return _page(page, page[-1] if start + size < len(tags) else "")

    with serve(respond) as web, client_of(web.host) as client:
        assert client.tags() == tuple(sorted(tags))


def test_too_many_tags_are_an_error_as_soon_as_it_is_known() -> None:
    pages = count(1)
    with serve(lambda asked: _page(TAGS, f"x{next(pages)}")) as web, client_of(web.host) as client:
        with pytest.raises(RegistryError, match="list tags: more than 100000") as caught:
            client.tags()
        assert (caught.value.reason, next(pages)) == ("limit", 2)


def test_pages_without_end_are_an_error() -> None:
    pages = count(1)
    with (
        serve(lambda asked: _page(["v1"], f"x{next(pages)}")) as web,
        client_of(web.host) as client,
        pytest.raises(RegistryError, match="more than 100 pages"),
    ):
        client.tags()


@pytest.mark.parametrize(
    "tags",
    [
        {},
        "v1",
        [1],
        [None],
        ["v" * 129],
        [["v1"]],
        [""],
        [".."],
        ["v1?a=b"],
        ["v1#a"],
        ["../../b/manifests/v1"],
        ["v1\r\n"],
        ["v1\n"],
        ["\u00e9"],
    ],
)
def test_what_is_not_a_list_of_tags(tags: object) -> None:
    with serve(lambda asked: _page(tags)) as web, client_of(web.host) as client, pytest.raises(RegistryError, match="no list of tags"):
        client.tags()


@pytest.mark.parametrize("body", [b'{"tags": []}', b'{"tags": null}', b"{}", b'{"name": "library/hello"}'])
def test_no_tags(body: bytes) -> None:
    """The specification wants a list; programs in Go leave an empty one out, or write null."""
    with serve(lambda asked: reply(body=body)) as web, client_of(web.host) as client:
        assert client.tags() == ()


def test_the_tags_of_a_layout_have_the_same_limit(tmp_path: Path) -> None:
    layout = LayoutStore(tmp_path / "layout")
    layout.create()
    for tags in (TAGS[1:], TAGS):
        entries = [replace(EMPTY, annotations={REF_NAME_ANNOTATION: tag}).to_json() for tag in tags]
        (layout.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))
        if len(tags) == LIMITS.tags:
            assert len(layout.tags()) == LIMITS.tags
    with pytest.raises(LimitError, match="100001 tags exceed the limit of 100000"):
        layout.tags()
