"""What is remembered of a request: for tests, and as a line of the access log. No secret is in it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from typing import TextIO
from urllib.parse import parse_qsl, quote, urlencode

from wasm_oci.errors import one_line

_QUERY = frozenset({"digest", "mount", "from", "n", "last", "artifactType", "_state"})
_HEADERS = ("accept", "content-length", "content-range", "content-type", "host", "range", "transfer-encoding", "user-agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request. `status` is 0 where no answer was sent; of the query only what the protocol knows is kept."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that tests ask about, names in lower case."""
    authorization: bool = False
    """Whether there was an Authorization header."""
    status: int = 0
    received: int = 0
    """Bytes of content that came with the request."""
    sent: int = 0
    """Bytes of content in the answer."""

    def __str__(self) -> str:
        """The line of the access log: method, path, status, bytes received, bytes sent."""
        query = "?" + urlencode(self.query, safe=":/") if self.query else ""
        path = quote(self.path, safe="/:%+@!~,=") or "-"
        return one_line(f"{self.method or '-'} {path}{query} {self.status} {self.received} {self.sent}")


class AccessLog:
    """Writes each record as a line; a log that cannot be written any more ends no connection."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, record: RequestRecord, problem: str) -> None:
        line = f"{record} ({one_line(problem)})\n" if problem else f"{record}\n"
        with self._lock, suppress(OSError):
            self._stream.write(line)
            self._stream.flush()


def record_of(method: str, target: str, headers: Message | None, *, status: int, received: int, sent: int) -> RequestRecord:
    """`target` is the path and query as sent."""
    path, _, text = target.partition("?")
    try:
        query = {name: value for name, value in parse_qsl(text, max_num_fields=64) if name in _QUERY}
    except ValueError:
        query = {}
    values = {name: headers[name] for name in _HEADERS if name in headers} if headers else {}
    return RequestRecord(
        method=method,
        path=path,
        query=query,
        headers=values,
        authorization=bool(headers and "authorization" in headers),
        status=status,
        received=received,
        sent=sent,
    )
