"""What a credential may do in a repository, found out by asking: read, and begin an upload that is cancelled at once.

See the distribution specification 1.1, "Pulling manifests" and "Pushing a blob monolithically".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.errors import AuthError, RegistryError, WasmOciError
from wasm_oci.http.host import host_of
from wasm_oci.http.location import location_target
from wasm_oci.http.messages import ConnectionLost, HttpRequest
from wasm_oci.jsontext import JsonObject
from wasm_oci.registry.client import ACCEPT, RegistryClient
from wasm_oci.registry.errors_from_response import error_code, hidden
from wasm_oci.registry.session import ANY_STATUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What the registry answered to one action."""

    action: str
    """pull or push."""
    allowed: bool | None
    """None where the response tells neither."""
    status: int = 0
    code: str = ""
    """The registry's own error code, empty where it gave none."""
    note: str = ""
    error: WasmOciError | None = None

    def to_json(self) -> JsonObject:
        return {"allowed": self.allowed, "status": self.status or None, "code": self.code or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginReport:
    """How a login at a repository went; never a secret."""

    repository: str
    credential_source: str
    scheme: str
    """bearer, basic, or empty where the registry did not ask for a login."""
    asked: str
    """The actions that were asked for, separated by commas."""
    granted: str | None
    """The actions that the token names, None where there is no token or it names none."""
    rights: tuple[Right, ...]

    @property
    def error(self) -> WasmOciError | None:
        """Why the first action that is not allowed is not."""
        return next((right.error for right in self.rights if right.error), None)

    def to_json(self) -> JsonObject:
        return {
            "repository": self.repository,
            "credential": self.credential_source,
            "challenge": self.scheme or None,
            "asked": self.asked.split(","),
            "granted": None if self.granted is None else [action for action in self.granted.split(",") if action],
            "rights": {right.action: right.to_json() for right in self.rights},
            "next": self.error.hint if self.error else None,
        }


def check_login(client: RegistryClient, name: Digest | str | None, *, push: bool) -> LoginReport:
    """Returns what the client's credential may do; `name` is read where it is given, else the list of tags.

    `push` opens an upload session and cancels it; nothing else is written. Raises ConnectionLost where there is no response.
    """
    rights = [_checked("pull", lambda: _read(client, name))]
    if push:
        rights.append(_checked("push", lambda: _open_upload(client)))
    return LoginReport(
        repository=client.where,
        credential_source=client.credential_source,
        scheme=client.auth.scheme,
        asked="pull,push" if push else "pull",
        granted=client.granted,
        rights=tuple(rights),
    )


def _checked(action: str, ask: Callable[[], Right]) -> Right:
    try:
        return ask()
    except ConnectionLost:
        raise
    except (AuthError, RegistryError) as err:
        code = err.code if isinstance(err, AuthError) else ""
        return Right(action=action, allowed=False if isinstance(err, AuthError) else None, status=err.status, code=code, error=err)


def _read(client: RegistryClient, name: Digest | str | None) -> Right:
    step = f"read manifest {name}" if name else "list tags"
    path = f"manifests/{name}" if name else "tags/list?n=1"
    headers = {"Accept": ACCEPT} if name else {}
    response = client.send(HttpRequest(method="GET", url=client.url(path), step=step, headers=headers), good=frozenset({200, 404}))
    client.check_is_registry(response, step)
    if response.status == 404 and client.may_hide(response):
        raise hidden(response, step=step, where=client.where, host=host_of(client.base), login=client)
    if response.status == 200:
        return Right(action="pull", allowed=True, status=200)
    return Right(action="pull", allowed=None, status=404, code=error_code(response), note="not refused, and there is nothing to read")


def _open_upload(client: RegistryClient) -> Right:
    step = "open an upload session"
    request = HttpRequest(method="POST", url=client.url("blobs/uploads/"), step=step, retry=False)
    response = client.send(request, good=frozenset({202}))
    cancelled = 0
    with suppress(AuthError, RegistryError):
        location = location_target(response.url, response.headers.get("Location", ""), step=step, plain_http=client.transport.plain_http)
        cancel = HttpRequest(method="DELETE", url=location, step="cancel an upload session", retry=False)
        cancelled = client.send(cancel, good=ANY_STATUS).status
    note = "" if 200 <= cancelled < 300 else "the registry did not cancel the upload session, which expires by itself"
    return Right(action="push", allowed=True, status=202, note=note)
