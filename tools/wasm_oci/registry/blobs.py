"""Reads blobs: whether one is there, its content, and both of its ends (distribution specification 1.1, "Pulling blobs")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wasm_oci.digest import checked
from wasm_oci.errors import DigestError, RegistryError
from wasm_oci.http.body import encoding_of
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse
from wasm_oci.http.retry import Backoff
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.registry.headers import parse_size, size_of
from wasm_oci.registry.session import ANY_STATUS, RegistrySession

KIND = "blobs"
_FOUND = frozenset({200, 206, 404, 416})


def has_blob(client: RegistrySession, blob: Descriptor, *, confirm: bool = True) -> bool:
    """Says whether the registry has the blob; a wrong size or digest in its response is an error.

    HEAD is believed where it names the blob's size, and without `confirm` where it says 404: in all other cases GET has to confirm
    it, because there are registries, proxies and signed URLs that refuse HEAD, and some that answer 200 or 404 to every HEAD.
    """
    while True:
        there = _by_head(client, blob)
        if there or ((confirm or there is None) and _by_get(client, blob)):
            return True
        if not client.written.wait_for(KIND, blob.digest):
            return False


def _by_head(client: RegistrySession, blob: Descriptor) -> bool | None:
    """None where the response tells neither."""
    step = f"look up blob {blob.digest}"
    response = client.send(HttpRequest(method="HEAD", url=client.url(f"blobs/{blob.digest}"), step=step), good=ANY_STATUS - {401})
    if response.status != 200:
        return False if response.status == 404 else None
    claimed = client.header_digest(response, step)
    if claimed and claimed.contradicts(blob.digest):
        raise DigestError(f"{step}: the registry has {claimed} there", where=client.where)
    return response.headers.get("Content-Length") == str(blob.size) or None


def _by_get(client: RegistrySession, blob: Descriptor) -> bool:
    """Asks for the first byte only."""
    step = f"look up blob {blob.digest}"
    request = HttpRequest(method="GET", url=client.url(f"blobs/{blob.digest}"), step=step, headers={"Range": "bytes=0-0"}, stream=True)
    response = client.send(request, good=_FOUND)
    try:
        if response.status == 404:
            return False
        client.check_is_registry(response, step)
        _check_size(client, blob, response, step)
    finally:
        response.close()
    return True


def _check_size(client: RegistrySession, blob: Descriptor, response: HttpResponse, step: str) -> int | None:
    """Returns the size of the whole blob as the response has it, None where it does not say; raises DigestError for another one."""
    size = _size_of(response)
    if size is not None and size != blob.size:
        response.close()
        raise DigestError(f"{step}: the registry has {size} bytes there, not {blob.size}", where=client.where)
    return size


def _size_of(response: HttpResponse) -> int | None:
    """Returns how long the whole blob is, None where the response does not say."""
    if response.status in (206, 416):
        return parse_size(response.headers.get("Content-Range", "").rpartition("/")[2].strip())
    return size_of(response.headers)


def blob_pieces(client: RegistrySession, blob: Descriptor) -> Iterator[bytes]:
    """Yields a blob's content, resumed where a connection is lost; raises DigestError at its end if it is not the blob.

    The consumer must throw away what it got when this raises.
    """
    return checked(_stream(client, blob), blob.digest, blob.size, where=f"{client.where}@{blob.digest}")


def _stream(client: RegistrySession, blob: Descriptor) -> Iterator[bytes]:
    step = f"fetch blob {blob.digest}"
    request = HttpRequest(method="GET", url=client.url(f"blobs/{blob.digest}"), step=step, stream=True)
    backoff = Backoff(client.transport.timing, client.transport.limits, count_work=False)
    pace = client.transport.pace(step, request.url)
    offset, lost_at, encoded = 0, 0, False
    while True:
        ranged = offset > 0 and not encoded
        headers = {"Range": f"bytes={offset}-"} if ranged else {}
        response = client.send(replace(request, headers=headers), good=frozenset({200, 206} if ranged else {200, 404}))
        if response.status == 404:
            if not client.written.wait_for(KIND, blob.digest):
                raise client.failure(response, step)
            continue
        client.check_is_registry(response, step)
        encoded = bool(encoding_of(response.headers))
        if response.status == 206 and (encoded or not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")):
            response.close()
            raise RegistryError(f"{step}: the registry resumed at the wrong place", where=client.where, hint="run again")
        skip = offset if response.status == 200 else 0
        try:
            for piece in response.pieces(step, pace, size=blob.size):
                new = piece[skip:]
                skip -= len(piece) - len(new)
                offset += len(new)
                yield new
        except ConnectionLost as err:
            if offset >= lost_at + client.transport.limits.upload_chunk:
                backoff = Backoff(client.transport.timing, client.transport.limits, count_work=False)
            lost_at = offset
            if offset < blob.size and (err.permanent or not backoff.wait()):
                raise
        else:
            return
        if offset == blob.size:
            return


def blob_ends(client: RegistrySession, blob: Descriptor, length: int) -> tuple[bytes, bytes] | None:
    """Returns the first and the last `length` bytes of a blob that is longer, None where the registry knows no ranges.

    Raises DigestError where the blob has another size.
    """
    first = _range(client, blob, 0, length)
    last = first and _range(client, blob, blob.size - length, blob.size)
    return (first, last) if first and last else None


def _range(client: RegistrySession, blob: Descriptor, start: int, stop: int) -> bytes | None:
    step = f"fetch bytes {start} to {stop - 1} of blob {blob.digest}"
    headers = {"Range": f"bytes={start}-{stop - 1}"}
    request = HttpRequest(method="GET", url=client.url(f"blobs/{blob.digest}"), step=step, headers=headers, stream=True)
    while (response := client.send(request, good=frozenset({200, 206, 404}))).status == 404:
        if not client.written.wait_for(KIND, blob.digest):
            raise client.failure(response, step)
    client.check_is_registry(response, step)
    size = _check_size(client, blob, response, step)
    if response.status != 206 or encoding_of(response.headers) or size is None:
        response.close()
        return None
    if response.headers.get("Content-Range", "").strip() != f"bytes {start}-{stop - 1}/{blob.size}":
        response.close()
        raise RegistryError(f"{step}: the registry sent another range", where=client.where, hint="run again")
    content = bytearray()
    for piece in response.pieces(step):
        content += piece
        if len(content) > stop - start:
            response.close()
            break
    return bytes(content)
