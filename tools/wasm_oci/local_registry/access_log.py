"""The access log: a line for each request, without any secret."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO
from urllib.parse import parse_qsl, quote, urlencode

from wasm_oci.errors import one_line

_QUERY = frozenset({"digest", "mount", "from", "n", "last", "artifactType", "digest-algorithm", "_state"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what became of it. `status` is 0 where no response was sent; of the query only what the protocol knows is kept."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The request's, names in lower case; they may hold secrets."""
    status: int = 0
    received: int = 0
    """Bytes of content that came with the request."""
    sent: int = 0
    """Bytes of content in the response."""
    problem: str = ""
    """What ended the request without a response."""

    def __str__(self) -> str:
        """The line of the access log: method, path, status, bytes received, bytes sent."""
        query = "?" + urlencode(self.query, safe=":/") if self.query else ""
        path = quote(self.path, safe="/:%+@!~,=") or "-"
        return one_line(f"{self.method or '-'} {path}{query} {self.status} {self.received} {self.sent}")


Observer = Callable[[Exchange], None]
"""Is told of each request."""


class AccessLog:
    """Writes each request as a line; a log that cannot be written any more ends no connection."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        line = f"{exchange} ({one_line(exchange.problem)})\n" if exchange.problem else f"{exchange}\n"
        with self._lock, suppress(OSError):
            self._stream.write(line)
            self._stream.flush()


def known_query(text: str) -> dict[str, str]:
    """Returns the fields of a query that the protocol knows: others may be secrets."""
    try:
        return {name: value for name, value in parse_qsl(text, max_num_fields=64) if name in _QUERY}
    except ValueError:
        return {}
