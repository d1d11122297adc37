"""Uploads a blob: one session, one streamed PUT, in chunks where that is too large; a lost session is started again.

See the distribution specification, "Pushing a blob monolithically".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wasm_oci.digest import checked
from wasm_oci.errors import DigestError, RegistryError
from wasm_oci.http.location import location_target
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse, StreamBody
from wasm_oci.http.retry import RETRIED_STATUSES, Backoff
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.store import NOT_STORED, Content
from wasm_oci.registry.blobs import KIND, has_blob
from wasm_oci.registry.chunked_upload import PERHAPS_TOO_LARGE, TAKEN, ChunkedUpload, is_too_large
from wasm_oci.registry.session import RegistrySession

_SESSION_LOST = RETRIED_STATUSES | {404, 416}


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What an upload took."""

    sent: int
    """Bytes of the attempt that succeeded; 0 where the blob was there."""
    mounted: bool = False


def upload_blob(client: RegistrySession, blob: Descriptor, content: Content, *, mount_from: str = "", missing: bool = False) -> Uploaded:
    """Stores a blob, unless the registry has it; `content` opens it, once for each attempt.

    It is not asked for where it is known to be `missing`. With `mount_from`, a repository of the same registry, a mount is tried
    first; its refusal is not an error. Raises DigestError where `content` is not the blob, else as `RegistrySession`.
    """
    if not missing and has_blob(client, blob):
        return Uploaded(sent=0)
    step = f"upload blob {blob.digest}"
    backoff = Backoff(client.transport.timing, client.transport.limits, count_work=False)
    in_chunks = False
    while True:
        opened = _open(client, blob, mount_from)
        if opened is None:
            return Uploaded(sent=0, mounted=True)
        try:
            response = _put(client, blob, content, opened, step, in_chunks=in_chunks)
        except ConnectionLost as err:
            if err.permanent or not backoff.wait():
                raise
        except RegistryError as err:
            if err.status not in _SESSION_LOST or err.reason == "too_large" or not backoff.wait():
                raise
        else:
            if response is None:
                in_chunks = True
                continue
            _check_stored(client, blob, response, step)
            client.written.note(KIND, blob.digest, blob.digest)
            if response.status == 201 or has_blob(client, blob):
                return Uploaded(sent=blob.size)
            if not backoff.wait():
                raise RegistryError(f"{step}: status {response.status}, and the blob is not there", where=client.where, hint=NOT_STORED)
        if has_blob(client, blob):
            return Uploaded(sent=blob.size)


def _open(client: RegistrySession, blob: Descriptor, mount_from: str) -> HttpResponse | None:
    """Returns the response that opened an upload session; None where the blob was mounted, or is there after all."""
    step = f"open upload of {blob.digest}"
    url = client.url("blobs/uploads/")
    if mount_from:
        request = HttpRequest(method="POST", url=f"{url}?mount={blob.digest}&from={mount_from}", step=step)
        response = client.send(request, good=frozenset({201, 202, 400, 401, 403, 404, 405}))
        if response.status == 201:
            return None
    if not mount_from or response.status != 202:
        response = client.send(HttpRequest(method="POST", url=url, step=step), good=frozenset({201, 202}))
        if response.status == 201 and has_blob(client, blob):
            return None
    if not response.headers.get("Location"):
        raise RegistryError(f"{step}: the registry names no Location", where=client.where, hint="check the registry's address")
    return response


def _put(
    client: RegistrySession, blob: Descriptor, content: Content, opened: HttpResponse, step: str, *, in_chunks: bool
) -> HttpResponse | None:
    """Returns the response to the last request of an upload; None where the blob is too large for one request, and may go in chunks."""

    def pieces() -> Iterator[bytes]:
        return checked(content(), blob.digest, blob.size, where=f"blob {blob.digest} to upload")

    location = location_target(opened.url, opened.headers.get("Location", ""), step=step, plain_http=client.transport.plain_http)
    if in_chunks:
        location = ChunkedUpload(client, location, opened, step).send(pieces())
    url = f"{location}{'&' if '?' in location else '?'}digest={blob.digest}"
    body = b"" if in_chunks else StreamBody(size=blob.size, pieces=pieces)
    headers = {"Content-Type": "application/octet-stream"}
    request = HttpRequest(method="PUT", url=url, step=step, headers=headers, body=body, retry=False)
    response = client.send(request, good=TAKEN | PERHAPS_TOO_LARGE)
    if response.status in TAKEN:
        return response
    if not in_chunks and is_too_large(response) and blob.size > client.transport.limits.upload_chunk_least:
        return None
    error = client.failure(response, step, writes=True)
    if is_too_large(response):
        error.reason = "too_large"
    raise error


def _check_stored(client: RegistrySession, blob: Descriptor, response: HttpResponse, step: str) -> None:
    claimed = response.headers.get("Docker-Content-Digest", "")
    if claimed.startswith(f"{blob.digest.algorithm}:") and claimed != str(blob.digest):
        raise DigestError(f"{step}: the registry stored something else", where=client.where, hint=NOT_STORED)
