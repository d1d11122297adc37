"""An upload session, fed in chunks where something before the registry refuses the whole in one request, or where that broke off.

See the distribution specification, "Pushing a blob in chunks".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wasm_oci.errors import AuthError, RegistryError
from wasm_oci.http.location import location_target
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse
from wasm_oci.http.retry import RETRIED_STATUSES, Backoff
from wasm_oci.registry.errors_from_response import error_code
from wasm_oci.registry.session import RegistrySession

TAKEN = frozenset({200, 201, 202, 204})
"""The responses to a whole blob or a chunk that was accepted: registries differ."""
PERHAPS_TOO_LARGE = frozenset({413, 416})
"""The refusals that `is_too_large` looks at."""
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})")
_LEAST = re.compile(r"[0-9]{1,18}")
_SAYS_TOO_LARGE = re.compile(rb"too (?:large|big|long)|exceed", re.IGNORECASE)


def is_too_large(response: HttpResponse) -> bool:
    """Says whether a request was refused for its size: 413, or 416 that says so (else 416 means that an upload is elsewhere)."""
    if response.status != 416:
        return response.status == 413
    return error_code(response) == "SIZE_INVALID" or _SAYS_TOO_LARGE.search(response.body) is not None


class UploadSession:
    """One upload session of a registry; whatever fails is gone on with where the registry says that it is."""

    def __init__(self, client: RegistrySession, opened: HttpResponse, step: str) -> None:
        """`opened` is the response that opened it; raises RegistryError for a Location where nothing must be sent."""
        limits = client.transport.limits
        found = _LEAST.fullmatch(opened.headers.get("OCI-Chunk-Min-Length", "").strip())
        self._least = max(int(found[0]) if found else 0, limits.upload_chunk_least)
        self._size = max(limits.upload_chunk, self._least)
        self._client, self._step = client, step
        self._offset = 0
        self._backoff = self._new_backoff()
        self._move(opened)

    @property
    def location(self) -> str:
        """Where the next request of this session goes."""
        return self._location

    def find_out(self, size: int) -> bool:
        """Asks how much of a blob of `size` bytes has arrived; returns False where that is nothing, or the session is over."""
        try:
            self._ask()
        except (AuthError, RegistryError):
            return False
        self._backoff = self._new_backoff()
        return 0 < self._offset <= size

    def send(self, pieces: Iterator[bytes]) -> None:
        """Sends `pieces` in chunks, without what has arrived; then the upload can be finished at `location`.

        Raises RegistryError where the registry asks for too large chunks, else as `RegistrySession`, and what `pieces` raises.
        """
        if self._least > self._client.transport.limits.upload_chunk_most:
            what = f"{self._step}: the registry asks for chunks of at least {self._least} bytes"
            raise RegistryError(what, where=self._client.where, reason="limit", hint="raise the limit of the proxy before the registry")
        buffer, ended, skip = bytearray(), False, self._offset
        while True:
            while len(buffer) < self._size and not ended:
                piece = next(pieces, None)
                ended = piece is None
                new = (piece or b"")[skip:]
                skip -= len(piece or b"") - len(new)
                buffer += new
            if not buffer:
                return
            chunk, start = bytes(buffer[: self._size]), self._offset
            self._append(chunk)
            if not start <= self._offset <= start + len(chunk):
                what = f"{self._step}: the registry has {self._offset} bytes, not {start} to {start + len(chunk)}"
                raise RegistryError(what, where=self._client.where, hint="run again")
            if self._offset > start:
                self._backoff = self._new_backoff()
            del buffer[: self._offset - start]

    def _new_backoff(self) -> Backoff:
        return Backoff(self._client.transport.timing, self._client.transport.limits, count_work=False)

    def _append(self, chunk: bytes) -> None:
        """Sends one chunk. What is accepted is stored, unless the Range says that a part of it is: other Ranges are wrong.

        Amazon ECR goes on to name the first chunk, zot names the length of the last one, others count from one or say `0-0`.
        """
        headers = {"Content-Type": "application/octet-stream", "Content-Range": f"{self._offset}-{self._offset + len(chunk) - 1}"}
        request = HttpRequest(method="PATCH", url=self._location, step=self._step, headers=headers, body=chunk, retry=False)
        try:
            response = self._client.send(request, good=TAKEN | PERHAPS_TOO_LARGE | RETRIED_STATUSES)
        except ConnectionLost as err:
            if err.permanent or not self._backoff.wait():
                raise
            self._ask()
            return
        if is_too_large(response):
            smaller = max(len(chunk) // 2, self._least)
            if smaller >= len(chunk):
                raise self._client.failure(response, self._step, writes=True)
            self._size = smaller
        elif response.status in RETRIED_STATUSES | {416}:
            if not self._backoff.after(response):
                raise self._client.failure(response, self._step, writes=True)
            if not self._ask() and response.status == 416:
                raise self._client.failure(response, self._step, writes=True)
        else:
            end, reached = self._offset + len(chunk), _reached(response)
            self._go_on(response, reached if reached and self._offset < reached < end else end)

    def _ask(self) -> bool:
        """Asks how much of the blob has arrived, and where the upload continues.

        Returns False where that would be less than was accepted. It goes on behind that all the same: Amazon ECR goes on to name the
        first chunk. Where it was lost indeed, the registry refuses what comes next, or the whole at the end.
        """
        request = HttpRequest(method="GET", url=self._location, step=f"{self._step}: ask how much has arrived")
        response = self._client.send(request, good=TAKEN)
        reached = _reached(response)
        self._go_on(response, max(self._offset, reached or 0))
        return reached is None or reached >= self._offset

    def _go_on(self, response: HttpResponse, offset: int) -> None:
        self._offset = offset
        if response.headers.get("Location"):
            self._move(response)

    def _move(self, response: HttpResponse) -> None:
        plain, location = self._client.transport.plain_http, response.headers.get("Location", "")
        self._location = location_target(response.url, location, step=self._step, plain_http=plain)


def _reached(response: HttpResponse) -> int | None:
    """Returns how much of the blob the registry says that it has. `0-0` stands for nothing, though it means one byte."""
    found = _RANGE.fullmatch(response.headers.get("Range", "").strip())
    last = int(found[1]) if found else None
    return last + 1 if last else last
