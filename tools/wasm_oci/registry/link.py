"""Where a list goes on (distribution specification 1.1, "Listing Tags"; RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from wasm_oci.http.messages import HttpResponse

_VALUE = r'"(?:[^"\\]|\\.)*+"|[^\s;,"]*+'
_LINK = re.compile(rf"""[\s,]*+(?:<([^<>]*+)>|([^<>;,\s"]++))((?:\s*+;(?:\s*+[^\s;,="]++(?:\s*+=\s*+(?:{_VALUE}))?+)?+)*+)\s*+(?=,|$)""")
"""One link: its target, in brackets or, as some registries write it, without, and its parameters."""
_RELATION = re.compile(rf";\s*+rel\s*+=\s*+({_VALUE})", re.IGNORECASE)
_PARAMETER = re.compile(rf""";\s*+[^\s;,="]*+(?:\s*+=\s*+(?:{_VALUE}))?+\s*+""")


def next_path(response: HttpResponse) -> str | None:
    """Returns path and query of the next page, None where this is the last one.

    The host in a link does not count: registries behind a proxy name hosts that are theirs alone. Raises ValueError for what is not
    a place of the registry's own, and for a next page that cannot be read, because then a part of the list would be taken for all of it.
    """
    target = next((target for target, relations in _links(response.headers.get("Link", "")) if "next" in relations), None)
    if target is None:
        return None
    parts = urlsplit(urljoin(response.url, target.strip()))
    if not parts.path.startswith("/v2/"):
        raise ValueError("the next page of the list is not on this registry")
    return f"{parts.path}?{parts.query}" if parts.query else f"{parts.path}"


def _links(header: str) -> Iterator[tuple[str, list[str]]]:
    """Yields the target of each link and its relations, in lower case."""
    position = 0
    while header[position:].strip(", \t"):
        link = _LINK.match(header, position)
        if link is None:
            if "next" in header[position:].lower():
                raise ValueError("the registry's Link to the next page of the list cannot be read")
            return
        position = link.end()
        relation = next(filter(None, map(_RELATION.match, _PARAMETER.findall(link[3]))), None)
        yield link[1] if link[2] is None else link[2], relation[1].strip('"').lower().split() if relation else []
