"""What all requests to one repository of a registry have in common: who asks, how a refusal is read, and lists of pages.

See the distribution specification 1.1, "Endpoints" and "Error Codes".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wasm_oci.digest import ALGORITHMS, Digest
from wasm_oci.errors import FormatError, RegistryError, WasmOciError
from wasm_oci.http.host import allows_plain_http, is_loopback, origin
from wasm_oci.http.messages import HttpRequest, HttpResponse
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.reference import Reference
from wasm_oci.registry.auth import Authenticator
from wasm_oci.registry.credentials import CredentialLookup, anonymous
from wasm_oci.registry.errors_from_response import error_code, failure, is_html, says_expired
from wasm_oci.registry.link import next_path
from wasm_oci.registry.logins import EndPoint
from wasm_oci.registry.written import Written

ANY_STATUS = frozenset(range(200, 600))

_PAGES = 100
_PROXY = "check the registry's proxy"


class RegistrySession:
    """Sends requests about one repository. Every method raises AuthError, RegistryError (or NotFoundError) and DigestError."""

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
        self.origin = origin(self.base)
        self.where = reference.name
        self.transport = transport
        self._actions = actions
        self.repository = reference.repository
        self._path = f"{self.base}/v2/{reference.repository}"
        self._scopes = frozenset({f"repository:{reference.repository}:{actions}"})
        self._asked = self._closed = self._readable = False
        self.unknown = False
        """Whether the registry said that it has no such repository, and nothing was sent there since."""
        self.auth = Authenticator(transport=transport, base=self.base, lookup=lookup)
        self.mounts: dict[str, bool] = {}
        """Whether blobs of another repository of this registry can be mounted here, as far as that is known."""
        self._attached: dict[Digest, dict[Digest, tuple[str, Descriptor]]] = {}
        self.written = Written(transport.timing, transport.limits)

    @property
    def credential_source(self) -> str:
        """Where the credential is from that was used so far."""
        return self.auth.source

    @property
    def hint(self) -> str:
        return self.auth.hint

    @property
    def granted(self) -> str | None:
        """The actions that the token allows in this repository, None where that is not known."""
        scopes = self.auth.granted(self._scopes)
        if scopes is None:
            return None
        own = f"repository:{self.repository}:"
        return ",".join(scope.removeprefix(own) for scope in scopes if scope.startswith(own))

    @property
    def rights(self) -> str:
        """What was asked for and, as far as it is known, granted."""
        granted = self.granted
        return f"asked for {self._actions}" + ("" if granted is None else f", granted {granted or 'nothing'}")

    def attached(self, subject: Digest) -> dict[Digest, tuple[str, Descriptor]]:
        """What this run attached to a manifest, and by which way it should be found."""
        return self._attached.setdefault(subject, {})

    def url(self, path: str) -> str:
        return f"{self._path}/{path}"

    def send(self, request: HttpRequest, *, good: frozenset[int], also: frozenset[str] = frozenset()) -> HttpResponse:
        """Returns a response whose status is in `good`; answers a challenge; raises for every other status.

        A token is asked for this repository's scope and for those of `also`.
        A registry that refuses without a challenge, or does not find what it was asked for, may only want to know who asks:
        then /v2/ is asked for the challenge. A token or credential that the registry took before and refuses now is renewed, once.
        """
        self.unknown = self.unknown and request.method in ("GET", "HEAD")
        ours, scopes = origin(request.url) == self.origin, self._scopes | also
        header = self.auth.current(scopes, where=self.where) if ours else None
        response = self.transport.send(_signed(request, header))
        if ours and (answer := self._answer(response, header, scopes)):
            response = self._send_again(request, answer, after=response)
            outdated = header is None and (response.status == 401 or says_expired(response))
            if outdated and (answer := self.auth.replace(scopes, where=self.where, refused=answer)):
                response = self._send_again(request, answer, after=response)
        self._readable |= ours and response.status < 300
        if response.status in good:
            return response
        response.close()
        raise self.failure(response, request.step, writes=request.method in ("POST", "PUT"))

    def _send_again(self, request: HttpRequest, header: str, *, after: HttpResponse) -> HttpResponse:
        after.close()
        return self.transport.send(_signed(request, header))

    def _answer(self, response: HttpResponse, header: str | None, scopes: frozenset[str]) -> str | None:
        """Returns the Authorization header to ask again with, None where the response to `header` is the last word."""
        if response.status < 400:
            return None
        if origin(response.url) == self.origin:
            challenge = response.headers.get("WWW-Authenticate", "")
            if response.status == 401 and (answer := self.auth.respond(challenge, scopes, where=self.where, refused=header)):
                return answer
            if header and (says_expired(response) or (response.status == 403 and self.auth.is_old(scopes))):
                return self.auth.renew(scopes, where=self.where, refused=header)
        perhaps = response.status in (401, 403) or (response.status == 404 and not self._readable)
        return self._log_in(scopes) if header is None and perhaps else None

    def _log_in(self, scopes: frozenset[str]) -> str | None:
        """Returns what answers the challenge of the registry's own end point, None where it makes none or was answered before."""
        if self._asked:
            return None
        challenge = EndPoint.of(self.base, self.transport).challenge(self.base, self.transport)
        self._asked, self._closed = True, bool(challenge)
        return self.auth.respond(challenge, scopes, where=self.where) if challenge else None

    def may_hide(self, response: HttpResponse) -> bool:
        """Says whether this 404 may mean "not allowed": the registry wants a login, got none, and showed nothing of the repository yet.

        A token that nobody had to log in for opens what is public: then an unknown manifest is just that.
        """
        credential = self.auth.credential
        known = credential is not None and not credential.anonymous
        if known or self._readable or not (self._closed or credential is not None):
            return False
        return self.auth.header(self._scopes) is None or error_code(response) != "MANIFEST_UNKNOWN"

    def failure(self, response: HttpResponse, step: str, *, writes: bool = False) -> WasmOciError:
        """Returns the error for a response that does not do what `step` asked for."""
        where = self.where
        return failure(response, step=step, where=where, registry=self.base, actions=self._actions, login=self, writes=writes)

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
                raise RegistryError(f"{step}: {err}", where=self.where, hint=_PROXY) from err
            if path_and_query is None:
                return
            url = f"{self.base}{path_and_query}"
            if self.transport.timing.clock() > ends:
                what = f"{step}: the list takes longer than {self.transport.limits.list_time:g} s"
                raise RegistryError(what, where=self.where, reason="too_slow", hint="run again later")
        raise RegistryError(f"{step}: more than {_PAGES} pages", where=self.where, reason="limit")

    def json(self, response: HttpResponse, step: str) -> JsonObject:
        """Returns a response's JSON object; raises RegistryError where it is something else."""
        self.check_is_registry(response, step)
        try:
            return parse_object(response.body, where="", limit=self.transport.limits.manifest)
        except FormatError as err:
            raise RegistryError(f"{step}: the response is {err.what}", where=self.where, hint="check the registry's address") from err

    def check_is_registry(self, response: HttpResponse, step: str) -> None:
        if is_html(response):
            response.close()
            hint = "check the registry's address: this may be a web site or a login page"
            what = f"{step}: the response is an HTML page, not a registry's"
            raise RegistryError(what, where=self.where, hint=hint, status=response.status)

    def header_digest(self, response: HttpResponse, step: str) -> Digest | None:
        """Returns what the registry says that the digest is; a proxy may have doubled the header."""
        given = {each.strip() for each in response.headers.get("Docker-Content-Digest", "").split(",")}
        text = given.pop() if len(given) == 1 else ", ".join(sorted(given))
        try:
            return Digest.parse(text) if text.partition(":")[0] in ALGORITHMS else None
        except FormatError as err:
            raise RegistryError(f"{step}: the registry's Docker-Content-Digest is malformed", where=self.where) from err


def _signed(request: HttpRequest, header: str | None) -> HttpRequest:
    return replace(request, headers={**request.headers, "Authorization": header}) if header else request
