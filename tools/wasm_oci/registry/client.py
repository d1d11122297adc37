"""One repository of a registry: manifests, blobs and tags (distribution specification 1.1).

What a registry says is compared with what was asked: bytes with their digest, sizes with their descriptor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from wasm_oci.digest import Digest, checked
from wasm_oci.errors import DigestError, FormatError, RegistryError, WasmOciError
from wasm_oci.http.host import allows_plain_http, is_loopback, origin
from wasm_oci.http.messages import ConnectionLost, HttpRequest, HttpResponse
from wasm_oci.http.retry import Backoff
from wasm_oci.http.transport import Transport, location_target
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.registry.auth import Authenticator
from wasm_oci.registry.credentials import CredentialLookup, anonymous
from wasm_oci.registry.errors_from_response import failure, is_html

_DOCKER_TYPES = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json")
ACCEPT = ", ".join((MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE, *_DOCKER_TYPES))
"""Sent with every question for a manifest: docker-registry 2.8.3 answers 404 to `*/*`."""

_NEXT = re.compile(r'<([^<>]*)>\s*(?:;[^,<>]*)?;\s*rel="?next"?')
_PAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PutManifest:
    """What the registry answered to a manifest."""

    subject: str
    """The OCI-Subject header: not empty where the registry keeps the list of referrers itself."""


class RegistryClient:
    """Speaks to one repository. Every method raises AuthError, RegistryError (or NotFoundError) and DigestError."""

    def __init__(
        self,
        reference: Reference,
        *,
        transport: Transport,
        lookup: CredentialLookup = anonymous,
        actions: str = "pull",
        scheme: str = "",
    ) -> None:
        """`actions` is what tokens are asked for, `pull` or `pull,push`; `scheme` overrides http where that is allowed, else https."""
        scheme = scheme or ("http" if allows_plain_http(reference.registry, transport.plain_http) else "https")
        self.encrypted = scheme == "https" or is_loopback(reference.registry)
        self.base = f"{scheme}://{reference.api_host}"
        self.where = reference.name
        self.transport = transport
        self._actions = actions
        self._path = f"{self.base}/v2/{reference.repository}"
        self._scopes = frozenset({f"repository:{reference.repository}:{actions}"})
        self._auth = Authenticator(transport=transport, base=self.base, lookup=lookup)

    @property
    def credential_source(self) -> str:
        """Where the credential is from that was used so far."""
        return self._auth.source

    def url(self, path: str) -> str:
        return f"{self._path}/{path}"

    def send(self, request: HttpRequest, *, good: frozenset[int]) -> HttpResponse:
        """Returns a response whose status is in `good`; answers one challenge; raises for every other status."""
        ours = origin(request.url) == origin(self.base)
        response = self.transport.send(self._signed(request, self._auth.header(self._scopes) if ours else None))
        if response.status == 401 and origin(response.url) == origin(self.base):
            header = self._auth.respond(response.headers.get("WWW-Authenticate", ""), self._scopes, where=self.where)
            if header and ours:
                response = self.transport.send(self._signed(request, header))
        if response.status in good:
            return response
        response.close()
        raise failure(response, step=request.step, where=self.where, registry=self.base, actions=self._actions, auth=self._auth)

    def _signed(self, request: HttpRequest, header: str | None) -> HttpRequest:
        return replace(request, headers={**request.headers, "Authorization": header}) if header else request

    def find_manifest(self, name: Digest | str) -> Descriptor | None:
        """Returns what a tag or digest names, None where the registry says 404; asks with HEAD."""
        step = f"look up manifest {name}"
        request = HttpRequest(method="HEAD", url=self.url(f"manifests/{name}"), step=step, headers={"Accept": ACCEPT})
        response = self.send(request, good=frozenset({200, 404}))
        if response.status == 404:
            return None
        self._check_is_registry(response, step)
        digest = self._header_digest(response, step)
        size = response.headers.get("Content-Length", "")
        if digest is None or not size.isdecimal():
            return self.fetch_manifest(name).descriptor
        self._check_digest(digest, name, step)
        return Descriptor(media_type=_media_type(response), digest=digest, size=int(size[:18]))

    def fetch_manifest(self, name: Digest | str) -> FetchedManifest:
        """Returns the manifest or index; its bytes have the digest that was asked for and that the registry claims."""
        step = f"fetch manifest {name}"
        request = HttpRequest(method="GET", url=self.url(f"manifests/{name}"), step=step, headers={"Accept": ACCEPT})
        response = self.send(request, good=frozenset({200}))
        self._check_is_registry(response, step)
        digest = Digest.of(response.body)
        self._check_digest(digest, name, step)
        claimed = self._header_digest(response, step)
        if claimed and claimed != digest:
            raise DigestError(f"{step}: the content has digest {digest}, the registry says {claimed}", where=self.where)
        media_type = self.json(response, step).get("mediaType")
        descriptor = Descriptor(
            media_type=media_type if isinstance(media_type, str) else _media_type(response), digest=digest, size=len(response.body)
        )
        return FetchedManifest(descriptor=descriptor, data=response.body)

    def put_manifest(self, name: Digest | str, data: bytes, media_type: str) -> PutManifest:
        """Stores a manifest under its digest or a tag; a registry that stored other bytes is a DigestError."""
        step = f"push manifest {name}"
        request = HttpRequest(method="PUT", url=self.url(f"manifests/{name}"), step=step, headers={"Content-Type": media_type}, body=data)
        try:
            response = self.send(request, good=frozenset({201}))
        except RegistryError as err:
            if err.status in (400, 405, 406, 415, 422):
                raise _refused_type(err, data, media_type) from err
            raise
        claimed = self._header_digest(response, step)
        if claimed and claimed != Digest.of(data):
            raise DigestError(f"{step}: the registry stored {claimed} instead of {Digest.of(data)}", where=self.where)
        return PutManifest(subject=response.headers.get("OCI-Subject", ""))

    def has_blob(self, blob: Descriptor) -> bool:
        """Says whether the registry has the blob; a wrong size or digest in its response is an error."""
        step = f"look up blob {blob.digest}"
        request = HttpRequest(method="HEAD", url=self.url(f"blobs/{blob.digest}"), step=step)
        response = self.send(request, good=frozenset({200, 404}))
        if response.status == 404:
            return False
        self._check_is_registry(response, step)
        claimed, size = self._header_digest(response, step), response.headers.get("Content-Length")
        if claimed and claimed != blob.digest:
            raise DigestError(f"{step}: the registry has {claimed} there", where=self.where)
        if size is not None and size != str(blob.size):
            raise DigestError(f"{step}: the registry has {size[:20]} bytes there, not {blob.size}", where=self.where)
        return True

    def blob_pieces(self, blob: Descriptor) -> Iterator[bytes]:
        """Yields a blob's content, resumed where a connection is lost; raises DigestError at its end if it is not the blob.

        The consumer must throw away what it got when this raises.
        """
        return checked(self._stream(blob), blob.digest, blob.size, where=f"{self.where}@{blob.digest}")

    def _stream(self, blob: Descriptor) -> Iterator[bytes]:
        step = f"fetch blob {blob.digest}"
        request = HttpRequest(method="GET", url=self.url(f"blobs/{blob.digest}"), step=step, stream=True)
        backoff = Backoff(self.transport.timing, self.transport.limits, count_work=False)
        offset = 0
        while True:
            headers = {"Range": f"bytes={offset}-"} if offset else {}
            response = self.send(replace(request, headers=headers), good=frozenset({200, 206} if offset else {200}))
            self._check_is_registry(response, step)
            skip = offset if response.status == 200 else 0
            if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {offset}-"):
                response.close()
                raise RegistryError(f"{step}: the registry resumed at the wrong place", where=self.where, hint="run again")
            try:
                for piece in response.pieces(step):
                    new = piece[skip:]
                    skip -= len(piece) - len(new)
                    offset += len(new)
                    yield new
            except ConnectionLost:
                if not backoff.wait():
                    raise
                continue
            return

    def pages(self, path: str, step: str, *, accept: str = "", missing: frozenset[int] = frozenset()) -> Iterator[HttpResponse]:
        """Yields the responses of a list that may go on (Link, rel="next"); one with a status in `missing` is the last."""
        url, headers = self.url(path), {"Accept": accept} if accept else {}
        for _ in range(_PAGES):
            response = self.send(HttpRequest(method="GET", url=url, step=step, headers=headers), good=missing | {200})
            yield response
            more = _NEXT.search(response.headers.get("Link", ""))
            if response.status != 200 or more is None:
                return
            url = location_target(response.url, more[1], step=step)
            if origin(url) != origin(self.base):
                raise RegistryError(f"{step}: the list goes on at another host", where=self.where)
        raise RegistryError(f"{step}: more than {_PAGES} pages", where=self.where, reason="limit")

    def tags(self) -> tuple[str, ...]:
        """Returns the repository's tags, sorted."""
        step, found = "list tags", set[str]()
        for response in self.pages("tags/list", step):
            tags = self.json(response, step).get("tags") or []
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise RegistryError(f"{step}: the registry's response holds no list of tags", where=self.where)
            found.update(tags)
        return tuple(sorted(found))

    def json(self, response: HttpResponse, step: str) -> JsonObject:
        """Returns a response's JSON object; raises RegistryError where it is something else."""
        self._check_is_registry(response, step)
        try:
            return parse_object(response.body, where="", limit=self.transport.limits.manifest)
        except FormatError as err:
            raise RegistryError(f"{step}: the response is {err.what}", where=self.where, hint="check the registry's address") from err

    def _check_is_registry(self, response: HttpResponse, step: str) -> None:
        if is_html(response.headers, response.body):
            response.close()
            hint = "check the registry's address: this may be a web site or a login page"
            raise RegistryError(
                f"{step}: the response is an HTML page, not a registry's", where=self.where, hint=hint, status=response.status
            )

    def _header_digest(self, response: HttpResponse, step: str) -> Digest | None:
        text = response.headers.get("Docker-Content-Digest", "")
        try:
            return Digest.parse(text) if text.startswith("sha256:") else None
        except FormatError as err:
            raise RegistryError(f"{step}: the registry's Docker-Content-Digest is malformed", where=self.where) from err

    def _check_digest(self, found: Digest, name: Digest | str, step: str) -> None:
        if isinstance(name, Digest) and found != name:
            raise DigestError(
                f"{step}: the registry's content has digest {found}", where=self.where, hint="do not use what this registry serves"
            )


def _media_type(response: HttpResponse) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip()


def _refused_type(error: RegistryError, data: bytes, media_type: str) -> WasmOciError:
    """Names the media types of a refused manifest: many registries allow a list of their own."""
    document: Mapping[str, object] = parse_object(data, where="")
    config = document.get("config")
    inner = config.get("mediaType") if isinstance(config, dict) else None
    kinds = f"{media_type} with config {inner}" if inner else media_type
    hint = "check that the registry accepts OCI artifacts of this media type"
    return RegistryError(f"{error.what} (media type {kinds})", where=error.where, hint=hint, reason="manifest_refused", status=error.status)
