"""Where a list goes on (distribution specification 1.1, "Listing Tags"; RFC 8288)."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from wasm_oci.http.messages import HttpResponse

_NEXT = re.compile(r'<([^<>]*)>\s*(?:;[^,<>]*)?;\s*rel="?next"?', re.IGNORECASE)


def next_path(response: HttpResponse) -> str | None:
    """Returns path and query of the next page, None where this is the last one.

    The host in a link does not count: registries behind a proxy name hosts that are theirs alone. Raises ValueError for what is not
    a place of the registry's own.
    """
    found = _NEXT.search(response.headers.get("Link", ""))
    if found is None:
        return None
    parts = urlsplit(urljoin(response.url, found[1].strip()))
    if not parts.path.startswith("/v2/"):
        raise ValueError("the next page of the list is not on this registry")
    return f"{parts.path}?{parts.query}" if parts.query else f"{parts.path}"
