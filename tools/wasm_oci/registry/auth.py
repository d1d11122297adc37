"""Answers a registry's challenge: bearer tokens (Docker Registry v2 token authentication) and Basic (RFC 7617)."""

from __future__ import annotations

import base64
import threading
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from wasm_oci.errors import AuthError, FormatError, RegistryError
from wasm_oci.http.host import allows_plain_http, host_of, is_internal, is_loopback, parse_web_address
from wasm_oci.http.messages import HttpRequest, HttpResponse
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.redaction import conceal
from wasm_oci.registry.challenge import Challenge, parse_challenges
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import CredentialLookup
from wasm_oci.registry.errors_from_response import error_code, words_of
from wasm_oci.registry.token import TOKEN_LIFE, Token, read_token

_CLIENT_ID = "rules_wasm_oci"
_UNSAFE_REALM = "unsafe_realm"


class Authenticator:
    """Makes the Authorization header for one repository; tokens are kept for each set of scopes. Safe to share between threads."""

    def __init__(self, *, transport: Transport, base: str, lookup: CredentialLookup) -> None:
        """`base` is the registry's URL, such as https://ghcr.io."""
        self._transport = transport
        self._base = base
        self._lookup = lookup
        self._clock = transport.timing.clock
        self._lock = threading.RLock()
        self._basic = False
        self._bearer: Challenge | None = None
        self._tokens: dict[frozenset[str], Token] = {}
        self.credential: Credential | None = None
        """The one that was looked up, None as long as the registry did not ask."""

    @property
    def hint(self) -> str:
        """What to do about a 401."""
        return login_hint(self.credential, self._base)

    @property
    def source(self) -> str:
        """Where the credential is from; says so where the registry never asked for one."""
        return self.credential.source if self.credential else "none (the registry did not ask)"

    def header(self, scopes: frozenset[str]) -> str | None:
        """Returns the header for `scopes` as far as it is known without asking."""
        if self._basic and self.credential:
            return self._basic_header(self.credential)
        token = self._tokens.get(scopes)
        return f"Bearer {token.value}" if token and self._clock() < token.expires else None

    @property
    def scheme(self) -> str:
        """How the registry wants a login: bearer, basic, or empty as long as it did not ask."""
        return "bearer" if self._bearer else "basic" if self._basic else ""

    @property
    def token_service(self) -> str:
        """The URL, without scopes, where the registry has tokens issued; empty as long as it asked for none."""
        return _service_url(self._bearer) if self._bearer else ""

    def granted(self, scopes: frozenset[str]) -> tuple[str, ...] | None:
        """What the token says it allows, None where there is none or it does not say."""
        token = self._tokens.get(scopes)
        return token.granted if token else None

    def is_old(self, scopes: frozenset[str]) -> bool:
        """Whether the token is so old that it may have expired, whatever its token service said."""
        token = self._tokens.get(scopes)
        return token is not None and self._clock() >= token.since + TOKEN_LIFE

    def respond(self, challenge: str, scopes: frozenset[str], *, where: str, refused: str | None = None) -> str | None:
        """Returns a new header that answers a 401's WWW-Authenticate, or None where there is no credential for it.

        `refused` is the header that was not accepted; what it was made of is looked up again where it cannot be made anew.
        Raises AuthError for an unsafe or refusing token service, RegistryError for one that fails.
        """
        challenges = parse_challenges(challenge)
        with self._lock:
            if header := self._newer(scopes, refused):
                return header
            self._known()
            bearer = next((c for c in challenges if c.scheme == "bearer"), None)
            if bearer is not None:
                self._bearer = bearer
                return self._new_token(bearer, scopes, where=where, refused=refused)
            if any(c.scheme == "basic" for c in challenges):
                return self._new_basic(refused)
        return None if challenges or not refused else self.renew(scopes, where=where, refused=refused)

    def current(self, scopes: frozenset[str], *, where: str) -> str | None:
        """Returns `header`, with a new token in the place of one that has expired; raises as `respond`."""
        header = self.header(scopes)
        return self.renew(scopes, where=where, refused=None) if header is None and scopes in self._tokens else header

    def replace(self, scopes: frozenset[str], *, where: str, refused: str) -> str | None:
        """`renew` where the credential itself was refused, and not a token that was made of it."""
        made = self._bearer is not None and not (self.credential and self.credential.registry_token)
        return None if made else self.renew(scopes, where=where, refused=refused)

    def renew(self, scopes: frozenset[str], *, where: str, refused: str | None) -> str | None:
        """The same for a refusal that names no challenge."""
        with self._lock:
            if header := self._newer(scopes, refused):
                return header
            return self._new_token(self._bearer, scopes, where=where, refused=refused) if self._bearer else self._new_basic(refused)

    def _newer(self, scopes: frozenset[str], refused: str | None) -> str | None:
        """What another thread got in the meantime."""
        header = self.header(scopes)
        return header if header != refused else None

    def _new_token(self, challenge: Challenge, scopes: frozenset[str], *, where: str, refused: str | None) -> str | None:
        credential: Credential | None = self._known()
        if credential and credential.registry_token and refused == f"Bearer {credential.registry_token}":
            credential = self._renewed()
        if credential is None:
            return None
        try:
            token = self._token(challenge, scopes, credential, where=where)
        except AuthError as err:
            renewed = self._renewed() if err.reason != _UNSAFE_REALM else None
            if renewed is None:
                raise
            token = self._token(challenge, scopes, renewed, where=where)
        conceal(token.value)
        self._tokens[scopes] = token
        self._basic = False
        return f"Bearer {token.value}"

    def _new_basic(self, refused: str | None) -> str | None:
        credential: Credential | None = self._known()
        if credential and credential.password and self._basic_header(credential) == refused:
            credential = self._renewed()
        if credential is None or not credential.password:
            return None
        self._basic = True
        return self._basic_header(credential)

    def _known(self) -> Credential:
        if self.credential is None:
            self.credential = _concealed(self._lookup())
        return self.credential

    def _renewed(self) -> Credential | None:
        """What has taken the credential's place since it was looked up, None where nothing has."""
        renewed = self.credential.renew() if self.credential and self.credential.renew else None
        if renewed is not None:
            self.credential = _concealed(renewed)
        return renewed

    def _basic_header(self, credential: Credential, password: str = "") -> str:
        pair = f"{credential.username}:{password or credential.password}".encode()
        encoded = base64.b64encode(pair).decode("ascii")
        conceal(encoded)
        return f"Basic {encoded}"

    def _token(self, challenge: Challenge, scopes: frozenset[str], credential: Credential, *, where: str) -> Token:
        if credential.registry_token:
            return Token(value=credential.registry_token, since=self._clock(), expires=float("inf"))
        return self._fetch(challenge, scopes, credential, where=where)

    def _fetch(self, challenge: Challenge, scopes: frozenset[str], credential: Credential, *, where: str) -> Token:
        realm = challenge.parameters.get("realm", "")
        check_realm(realm, self._base, where=where, plain_http=self._transport.plain_http)
        wanted = sorted(scopes)  # what the registry suggests may be wider, and its token service would get our credential for it
        service = challenge.parameters.get("service", "")
        if credential.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": credential.identity_token, "client_id": _CLIENT_ID}
            form |= {"service": service, "scope": " ".join(wanted)}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            response = self._ask("POST", realm, headers, urlencode(form).encode(), leave_host=False)
            if response.status not in (401, 404, 405):
                return self._read(response, wanted, credential, where=where)
        headers = {}
        if not credential.anonymous:
            headers["Authorization"] = self._basic_header(credential, password=credential.identity_token)
        response = self._ask("GET", _service_url(challenge, *(("scope", scope) for scope in wanted)), headers, b"", leave_host=True)
        return self._read(response, wanted, credential, where=where)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, leave_host: bool) -> HttpResponse:
        request = HttpRequest(
            method=method, url=url, headers=headers, body=body, step="fetch a token", limit=LIMITS.token_response, leave_host=leave_host
        )
        return self._transport.send(request)

    def _read(self, response: HttpResponse, wanted: Sequence[str], credential: Credential, *, where: str) -> Token:
        service = f"the token service {host_of(response.url)}"
        if response.status in (400, 401, 403):
            words = words_of(response)
            said = f"{response.status} ({words})" if words else str(response.status)
            what = f"{service} answers {said}; asked for {' '.join(wanted)}; credential: {credential.source}"
            hint = login_hint(credential, self._base)
            raise AuthError(what, where=where, hint=hint, status=response.status, code=error_code(response))
        if response.status != 200:
            raise RegistryError(f"{service} answered {response.status}", where=where, status=response.status, hint="run again later")
        try:
            document = parse_object(response.body, where="", limit=LIMITS.token_response)
        except FormatError as err:
            raise RegistryError(f"{service} did not answer with JSON", where=where, hint="check the registry's address") from err
        if (token := read_token(document, self._clock())) is None:
            raise RegistryError(f"{service} gave no usable token", where=where, hint="check the registry's address")
        return token


def _service_url(challenge: Challenge, *further: tuple[str, str]) -> str:
    parts, service = urlsplit(challenge.parameters.get("realm", "")), challenge.parameters.get("service", "")
    query = [*parse_qsl(parts.query, keep_blank_values=True), *([("service", service)] if service else []), *further]
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def _concealed(credential: Credential) -> Credential:
    conceal(*(secret for value in credential.secrets for secret in (value, quote(value, safe=""))))
    return credential


def login_hint(credential: Credential | None, base: str) -> str:
    """Returns what to do about a refused or missing credential."""
    if credential is None or credential.anonymous:
        return f"log in with `docker login {host_of(base)}`, or name a variable in the registry's entry"
    return f"check that the credential from {credential.source} is valid and not expired"


def check_realm(realm: str, base: str, *, where: str, plain_http: Collection[str] = ()) -> None:
    """Raises AuthError where a registry names a token service that must not see a credential.

    The service needs https, unless the registry itself is reached over plain http and it is the same host, this machine
    or a host of `plain_http`; an address of a private network or of this machine only where the registry has the same host.
    """
    if problem := _problem_of(realm, base, plain_http):
        raise AuthError(
            f"refused to send a credential to the token service that the registry names: {problem}",
            where=where,
            hint="check the registry's address",
            reason=_UNSAFE_REALM,
        )


def _problem_of(realm: str, base: str, plain_http: Collection[str]) -> str:
    try:
        service, registry = parse_web_address(realm), parse_web_address(base)
    except ValueError:
        return "it is not a valid https address"
    same = service.host == registry.host or (is_loopback(service.host) and is_loopback(registry.host))
    named = service.scheme == registry.scheme == "http" and not is_loopback(service.host) and allows_plain_http(service.netloc, plain_http)
    if service.has_user:
        return "its address holds a user name"
    if service.scheme == "http" and not (registry.scheme == "http" and (same or named)):
        return "it uses plain http"
    if not (same or named) and is_internal(service.host):
        return "it is an address of a private network or of this machine"
    return ""
