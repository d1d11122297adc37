"""Uploads a blob: one session, one streamed PUT, in chunks where that is too large or breaks off; a lost session is begun anew.

See the distribution specification, "Pushing a blob monolithically" and "Mounting a blob from another repository".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wasm_oci.digest import Checked, checked
from wasm_oci.errors import AuthError, DigestError, RegistryError
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse, StreamBody
from wasm_oci.http.retry import RETRIED_STATUSES, Backoff
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.store import NOT_STORED, Content
from wasm_oci.registry.blobs import KIND, has_blob
from wasm_oci.registry.session import RegistrySession
from wasm_oci.registry.upload_session import PERHAPS_TOO_LARGE, TAKEN, UploadSession, is_too_large

_SESSION_LOST = RETRIED_STATUSES | {404, 416}
_PERHAPS_THERE = frozenset({400, 409})
"""The refusals of a blob that another program stored at the same time, as Nexus Repository answers."""
_NOT_MOUNTED = frozenset({201, 202, 400, 401, 403, 404, 405})
_NEVER_MOUNTED = frozenset({401, 403, 405})


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What an upload took."""

    sent: int
    """Bytes of the attempt that succeeded; 0 where the blob was there."""
    mounted: bool = False


def upload_blob(client: RegistrySession, blob: Descriptor, content: Content, *, mount_from: str = "", missing: bool = False) -> Uploaded:
    """Stores a blob, unless the registry has it; `content` opens it, once for each attempt.

    It is not asked for where it is known to be `missing`. With `mount_from`, a repository of the same registry, a mount is tried
    first; its refusal is not an error, and the first one that the registry says it did is looked for. A large blob whose upload breaks
    off goes on where the registry says that it is. Raises DigestError where `content` is not the blob, else as `RegistrySession`.
    """
    if not missing and has_blob(client, blob):
        return Uploaded(sent=0)
    return _Upload(
        client=client,
        blob=blob,
        content=content,
        mount_from=mount_from,
        step=f"upload blob {blob.digest}",
        backoff=Backoff(client.transport.timing, client.transport.limits, count_work=False),
    ).run()


@dataclass(slots=True, kw_only=True)
class _Upload:
    """All attempts to upload one blob."""

    client: RegistrySession
    blob: Descriptor
    content: Content
    mount_from: str
    step: str
    backoff: Backoff
    in_chunks: bool = False
    resumed: UploadSession | None = field(default=None, init=False)
    """A session that broke off, and has a part of the blob."""

    def run(self) -> Uploaded:
        while True:
            session = self.resumed or self._open()
            if session is None:
                return Uploaded(sent=0, mounted=True)
            try:
                response = self._send(session)
            except RegistryError as err:
                if err.status in _PERHAPS_THERE and has_blob(self.client, self.blob, confirm=False):
                    return Uploaded(sent=self.blob.size)
                if not self._may_go_on(err):
                    raise
                session = session if isinstance(err, ConnectionLost) else None
            else:
                if response is None:
                    self.in_chunks, self.resumed = True, None
                    continue
                if response.status not in RETRIED_STATUSES:
                    if self._is_stored(response):
                        return Uploaded(sent=self.blob.size)
                    session = None
                elif not self.backoff.after(response):
                    raise self.client.failure(response, self.step, writes=True)
            if has_blob(self.client, self.blob):
                return Uploaded(sent=self.blob.size)
            self.resumed = self._resumed(session)

    def _may_go_on(self, error: RegistryError) -> bool:
        """Waits before the next attempt, where one may get further. What a resumed session says of the content is about all of it."""
        if isinstance(error, ConnectionLost):
            return not error.permanent and self.backoff.wait()
        lost = error.status in _SESSION_LOST or (self.resumed is not None and error.status == 400)
        return lost and error.reason != "too_large" and self.backoff.wait()

    def _resumed(self, session: UploadSession | None) -> UploadSession | None:
        """Returns a session that goes on where it broke off. A large blob goes in chunks from now on, of which only one can be lost."""
        if self.blob.size <= self.client.transport.limits.upload_chunk:
            return None
        self.in_chunks = True
        return session if session and session.find_out(self.blob.size) else None

    def _open(self) -> UploadSession | None:
        """Opens an upload session; None where the blob was mounted, or is there after all."""
        client, step = self.client, f"open upload of {self.blob.digest}"
        response = self._mount(step) if self.mount_from and client.mounts.get(self.mount_from, True) else None
        if response and response.status == 201 and self._is_mounted():
            return None
        if response is None or response.status != 202:
            response = client.send(HttpRequest(method="POST", url=client.url("blobs/uploads/"), step=step), good=frozenset({201, 202}))
            if response.status == 201 and has_blob(client, self.blob):
                return None
        if not response.headers.get("Location"):
            raise RegistryError(f"{step}: the registry names no Location", where=client.where, hint="check the registry's address")
        return UploadSession(client, response, self.step)

    def _mount(self, step: str) -> HttpResponse | None:
        """Asks once for the blob of another repository, with the right to read that one; None where that gets no usable response.

        A repository from which the registry mounts nothing is not asked for again.
        """
        url = f"{self.client.url('blobs/uploads/')}?mount={self.blob.digest}&from={self.mount_from}"
        request, also = HttpRequest(method="POST", url=url, step=step, retry=False), frozenset({f"repository:{self.mount_from}:pull"})
        response: HttpResponse | None = None
        try:
            response = self.client.send(request, good=_NOT_MOUNTED, also=also)
        except RegistryError:
            return None
        except AuthError:
            pass
        if response is None or response.status in _NEVER_MOUNTED:
            self.client.mounts[self.mount_from] = False
        return response

    def _is_mounted(self) -> bool:
        """Whether the blob is there that the registry says it mounted, as far as that is looked for."""
        client = self.client
        client.written.note(KIND, self.blob.digest, self.blob.digest)
        if self.mount_from not in client.mounts:
            client.mounts[self.mount_from] = has_blob(client, self.blob)
        return client.mounts[self.mount_from]

    def _send(self, session: UploadSession) -> HttpResponse | None:
        """Returns the response to the last request of an upload, which the registry may not have taken.

        None where the blob is too large for one request, and may go in chunks.
        """
        client, blob = self.client, self.blob

        def pieces() -> Checked:
            return checked(self.content(), blob.digest, blob.size, where=f"blob {blob.digest} to upload")

        if self.in_chunks:
            with pieces() as whole:
                session.send(whole)
        url = f"{session.location}{'&' if '?' in session.location else '?'}digest={blob.digest}"
        body = b"" if self.in_chunks else StreamBody(size=blob.size, pieces=pieces)
        headers = {"Content-Type": "application/octet-stream"}
        request = HttpRequest(method="PUT", url=url, step=self.step, headers=headers, body=body, retry=False)
        response = client.send(request, good=TAKEN | PERHAPS_TOO_LARGE | RETRIED_STATUSES)
        if response.status not in PERHAPS_TOO_LARGE:
            return response
        if not self.in_chunks and is_too_large(response) and blob.size > client.transport.limits.upload_chunk_least:
            return None
        error = client.failure(response, self.step, writes=True)
        if is_too_large(response):
            error.reason = "too_large"
        raise error

    def _is_stored(self, response: HttpResponse) -> bool:
        """Whether the registry has the blob, as it says; raises where that cannot be, and when it said so often enough."""
        _check_stored(self.client, self.blob, response, self.step)
        self.client.written.note(KIND, self.blob.digest, self.blob.digest)
        if response.status == 201 or has_blob(self.client, self.blob):
            return True
        if not self.backoff.wait():
            what = f"{self.step}: status {response.status}, and the blob is not there"
            raise RegistryError(what, where=self.client.where, hint=NOT_STORED)
        return False


def _check_stored(client: RegistrySession, blob: Descriptor, response: HttpResponse, step: str) -> None:
    claimed = response.headers.get("Docker-Content-Digest", "")
    if claimed.startswith(f"{blob.digest.algorithm}:") and claimed != str(blob.digest):
        raise DigestError(f"{step}: the registry stored something else", where=client.where, hint=NOT_STORED)
