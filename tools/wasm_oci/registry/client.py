"""One repository of a registry: manifests, blobs and tags (distribution specification 1.1).

What a registry says is compared with what was asked: bytes with their digest, sizes with their descriptor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from wasm_oci.digest import ALGORITHMS, SHA256, Digest
from wasm_oci.errors import DigestError, FormatError, RegistryError, WasmOciError
from wasm_oci.http.host import allows_plain_http, host_of, is_loopback, origin
from wasm_oci.http.messages import HttpRequest, HttpResponse
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, Descriptor
from wasm_oci.oci.reference import Reference, is_tag
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.registry.auth import Authenticator
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import CredentialLookup, anonymous
from wasm_oci.registry.errors_from_response import error_code, failure, hidden, is_html, missing_manifest, refused_manifest
from wasm_oci.registry.link import next_path
from wasm_oci.registry.written import Written

_DOCKER_TYPES = ("application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.distribution.manifest.list.v2+json")
ACCEPT = ", ".join((MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE, *_DOCKER_TYPES))
"""Sent with every question for a manifest: docker-registry 2.8.3 answers 404 to `*/*`."""

_PAGES = 100
_PROXY = "check the registry's proxy"
_KIND = "manifests"
_STORED = frozenset({200, 201, 202})
_REFUSED = frozenset({400, 403, 404, 405, 406, 409, 412, 415, 422})
_NOT_YET_THERE = ("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN")
ANY_STATUS = frozenset(range(200, 600))


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
        self._lookup = lookup
        self._credential: Credential | None = None
        self._asked = self._closed = self._readable = False
        self._auth = Authenticator(transport=transport, base=self.base, lookup=self._find_credential)
        self._attached: dict[Digest, dict[Digest, tuple[str, Descriptor]]] = {}
        self.written = Written(transport.timing, transport.limits)

    @property
    def credential_source(self) -> str:
        """Where the credential is from that was used so far."""
        return self._auth.source

    def attached(self, subject: Digest) -> dict[Digest, tuple[str, Descriptor]]:
        """What this run attached to a manifest, and by which way it should be found."""
        return self._attached.setdefault(subject, {})

    def url(self, path: str) -> str:
        return f"{self._path}/{path}"

    def send(self, request: HttpRequest, *, good: frozenset[int]) -> HttpResponse:
        """Returns a response whose status is in `good`; answers a challenge; raises for every other status.

        A registry that refuses without a challenge, or does not find what it was asked for, may only want to know who asks:
        then /v2/ is asked for the challenge, once.
        """
        ours = origin(request.url) == origin(self.base)
        header = self._auth.header(self._scopes) if ours else None
        response = self.transport.send(_signed(request, header))
        if response.status == 401 and origin(response.url) == origin(self.base):
            answer = self._auth.respond(response.headers.get("WWW-Authenticate", ""), self._scopes, where=self.where)
            if answer and ours:
                header = answer
                response = self.transport.send(_signed(request, header))
        perhaps = response.status in (401, 403) or (response.status == 404 and not self._readable)
        if header is None and ours and perhaps and (header := self._log_in()):
            response.close()
            response = self.transport.send(_signed(request, header))
        self._readable |= ours and response.status < 300
        if response.status in good:
            return response
        response.close()
        raise self.failure(response, request.step, writes=request.method in ("POST", "PUT"))

    def _log_in(self) -> str | None:
        """Returns what answers the challenge of the registry's own end point, None where it makes none or was asked before."""
        if self._asked:
            return None
        self._asked = True
        response = self.transport.send(HttpRequest(method="GET", url=f"{self.base}/v2/", step="ask how to log in"))
        if response.status != 401 or origin(response.url) != origin(self.base):
            return None
        self._closed = True
        return self._auth.respond(response.headers.get("WWW-Authenticate", ""), self._scopes, where=self.where)

    def _find_credential(self) -> Credential:
        self._credential = self._lookup()
        return self._credential

    def may_hide(self, response: HttpResponse) -> bool:
        """Says whether this 404 may mean "not allowed": the registry wants a login, got none, and showed nothing of the repository yet.

        A token that nobody had to log in for opens what is public: then an unknown manifest is just that.
        """
        known = self._credential is not None and not self._credential.anonymous
        if known or self._readable or not (self._closed or self._credential is not None):
            return False
        return self._auth.header(self._scopes) is None or error_code(response) != "MANIFEST_UNKNOWN"

    def failure(self, response: HttpResponse, step: str, *, writes: bool = False) -> WasmOciError:
        """Returns the error for a response that does not do what `step` asked for."""
        where = self.where
        return failure(response, step=step, where=where, registry=self.base, actions=self._actions, auth=self._auth, writes=writes)

    def find_manifest(self, name: Digest | str) -> Descriptor | None:
        """Returns what a tag or digest names, None where it does not exist.

        HEAD is believed only where it names a digest; whatever else it says is confirmed by GET. What this run wrote is
        waited for. Raises AuthError where "not found" may mean "not allowed".
        """
        while True:
            found = self._look_up(name)
            if not self.written.wait_for(_KIND, name, found.digest if found else None):
                return found

    def _look_up(self, name: Digest | str) -> Descriptor | None:
        step = f"look up manifest {name}"
        request = HttpRequest(method="HEAD", url=self.url(f"manifests/{name}"), step=step, headers={"Accept": ACCEPT})
        response = self.send(request, good=ANY_STATUS - {401})
        digest = self.header_digest(response, step) if response.status == 200 else None
        size = response.headers.get("Content-Length", "")
        comparable = digest and (isinstance(name, str) or digest.algorithm == name.algorithm)
        if digest and comparable and size.isdecimal() and not is_html(response.headers, b""):
            self._check_digest(digest, name, step)
            return Descriptor(media_type=_media_type(response), digest=digest, size=int(size[:18]))
        response = self._get(name)
        if response.status != 404:
            return self._fetched(response, name).descriptor
        if self.may_hide(response):
            raise hidden(response, step=step, where=self.where, host=host_of(self.base), auth=self._auth)
        return None

    def fetch_manifest(self, name: Digest | str) -> FetchedManifest:
        """Returns the manifest or index; its bytes have the digest that was asked for and that the registry claims.

        What this run wrote is waited for.
        """
        while True:
            response = self._get(name)
            fetched = self._fetched(response, name) if response.status != 404 else None
            if not self.written.wait_for(_KIND, name, fetched.descriptor.digest if fetched else None):
                break
        if fetched is None:
            hides = self.may_hide(response)
            raise missing_manifest(response, name, where=self.where, host=host_of(self.base), auth=self._auth, may_hide=hides)
        return fetched

    def _get(self, name: Digest | str) -> HttpResponse:
        step = f"fetch manifest {name}"
        request = HttpRequest(method="GET", url=self.url(f"manifests/{name}"), step=step, headers={"Accept": ACCEPT})
        return self.send(request, good=frozenset({200, 404}))

    def _fetched(self, response: HttpResponse, name: Digest | str) -> FetchedManifest:
        step = f"fetch manifest {name}"
        self.check_is_registry(response, step)
        claimed = self.header_digest(response, step)
        promised = name if isinstance(name, Digest) else claimed
        digest = Digest.of(response.body, promised.algorithm if promised else SHA256)
        self._check_digest(digest, name, step)
        if claimed and not claimed.is_of(response.body):
            raise DigestError(f"{step}: the content has digest {digest}, the registry says {claimed}", where=self.where)
        media_type = manifest_type(self.json(response, step), _media_type(response))
        return FetchedManifest(descriptor=Descriptor(media_type=media_type, digest=digest, size=len(response.body)), data=response.body)

    def put_manifest(self, name: Digest | str, data: bytes, media_type: str, *, settles: bool = True) -> PutManifest:
        """Stores a manifest under its digest or a tag; a registry that stored other bytes is a DigestError.

        Success is what reading it back shows: some registries answer 200 or 202 where the specification has 201. One that
        does not know yet the blobs that this run sent is asked again. `settles`: nobody else writes this name, so that it is
        waited for until it reads as written. Raises TagConflictError too, where the registry says that it does not move tags.
        """
        step = f"push manifest {name}"
        request = HttpRequest(method="PUT", url=self.url(f"manifests/{name}"), step=step, headers={"Content-Type": media_type}, body=data)
        while (response := self.send(request, good=_STORED | _REFUSED)).status in _REFUSED:
            if error_code(response) in _NOT_YET_THERE and (self.written.wait_for_any("blobs") or self.written.wait_for_any(_KIND)):
                continue
            error = self.failure(response, step, writes=True)
            raise refused_manifest(error, response, name, data, media_type, hide=self._auth.hide)
        self.check_is_registry(response, step)
        digest = Digest.of(data, name.algorithm if isinstance(name, Digest) else SHA256)
        if (claimed := self.header_digest(response, step)) and not claimed.is_of(data):
            raise DigestError(f"{step}: the registry stored {claimed} instead of {digest}", where=self.where)
        for written in {str(name), str(digest)} if settles else ():
            self.written.note(_KIND, written, digest)
        return PutManifest(subject=response.headers.get("OCI-Subject", ""))

    def pages(self, path: str, step: str, *, accept: str = "") -> Iterator[HttpResponse]:
        """Yields the responses of a list that may go on; one that is not a page, whatever its status, is the last."""
        url, headers = self.url(path), {"Accept": accept} if accept else {}
        ends = self.transport.timing.clock() + self.transport.limits.list_time
        for _ in range(_PAGES):
            response = self.send(HttpRequest(method="GET", url=url, step=step, headers=headers), good=ANY_STATUS)
            yield response
            try:
                path_and_query = next_path(response) if response.status == 200 else None
            except ValueError as err:
                raise RegistryError(f"{step}: the next page of the list is not on this registry", where=self.where, hint=_PROXY) from err
            if path_and_query is None:
                return
            url = f"{self.base}{path_and_query}"
            if self.transport.timing.clock() > ends:
                what = f"{step}: the list takes longer than {self.transport.limits.list_time:g} s"
                raise RegistryError(what, where=self.where, reason="too_slow", hint="run again later")
        raise RegistryError(f"{step}: more than {_PAGES} pages", where=self.where, reason="limit")

    def tags(self) -> tuple[str, ...]:
        """Returns the repository's tags, sorted; raises RegistryError where they are too many."""
        step, found = "list tags", set[str]()
        for response in self.pages("tags/list", step):
            if response.status != 200:
                raise self.failure(response, step)
            tags = self.json(response, step).get("tags")
            if not isinstance(tags, list | None) or not all(isinstance(tag, str) and is_tag(tag) for tag in tags or ()):
                raise RegistryError(f"{step}: the registry's response holds no list of tags", where=self.where)
            found.update(tags or ())
            if len(found) > self.transport.limits.tags:
                raise RegistryError(f"{step}: more than {self.transport.limits.tags}", where=self.where, reason="limit")
        return tuple(sorted(found))

    def json(self, response: HttpResponse, step: str) -> JsonObject:
        """Returns a response's JSON object; raises RegistryError where it is something else."""
        self.check_is_registry(response, step)
        try:
            return parse_object(response.body, where="", limit=self.transport.limits.manifest)
        except FormatError as err:
            raise RegistryError(f"{step}: the response is {err.what}", where=self.where, hint="check the registry's address") from err

    def check_is_registry(self, response: HttpResponse, step: str) -> None:
        if is_html(response.headers, response.body):
            response.close()
            hint = "check the registry's address: this may be a web site or a login page"
            what = f"{step}: the response is an HTML page, not a registry's"
            raise RegistryError(what, where=self.where, hint=hint, status=response.status)

    def header_digest(self, response: HttpResponse, step: str) -> Digest | None:
        text = response.headers.get("Docker-Content-Digest", "")
        try:
            return Digest.parse(text) if text.partition(":")[0] in ALGORITHMS else None
        except FormatError as err:
            raise RegistryError(f"{step}: the registry's Docker-Content-Digest is malformed", where=self.where) from err

    def _check_digest(self, found: Digest, name: Digest | str, step: str) -> None:
        if isinstance(name, Digest) and found != name:
            hint = "do not use what this registry serves"
            raise DigestError(f"{step}: the registry's content has digest {found}", where=self.where, hint=hint)


def _media_type(response: HttpResponse) -> str:
    return response.headers.get("Content-Type", "").partition(";")[0].strip()


def _signed(request: HttpRequest, header: str | None) -> HttpRequest:
    return replace(request, headers={**request.headers, "Authorization": header}) if header else request


def manifest_type(document: JsonObject, header: str) -> str:
    """Returns a manifest's own media type, else the response's, else the one whose members it has."""
    if isinstance(stated := document.get("mediaType"), str) and stated:
        return stated
    if header.startswith("application/vnd."):
        return header
    members = {"manifests", "layers", "config"} & document.keys()
    return INDEX_MEDIA_TYPE if members == {"manifests"} else MANIFEST_MEDIA_TYPE if members == {"config", "layers"} else header
