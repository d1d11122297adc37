"""Answers a registry's challenge: bearer tokens (Docker Registry v2 token authentication) and Basic (RFC 7617)."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from wasm_oci.errors import AuthError, FormatError, RegistryError
from wasm_oci.http.host import allows_plain_http, host_of, is_internal, is_loopback, parse_web_address
from wasm_oci.http.messages import HttpRequest, HttpResponse
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.redaction import conceal, redacted
from wasm_oci.registry.challenge import Challenge, parse_challenges
from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import CredentialLookup

_TOKEN_LIFE = 60.0
"""Seconds that a token lives where its response does not say."""
_CLIENT_ID = "rules_wasm_oci"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    value: str
    expires: float


class Authenticator:
    """Makes the Authorization header for one registry; tokens are kept for each set of scopes."""

    def __init__(self, *, transport: Transport, base: str, lookup: CredentialLookup) -> None:
        """`base` is the registry's URL, such as https://ghcr.io."""
        self._transport = transport
        self._base = base
        self._lookup = lookup
        self._clock = transport.timing.clock
        self._basic = False
        self._tokens: dict[frozenset[str], _Token] = {}
        self._credential: Credential | None = None

    @property
    def hint(self) -> str:
        """What to do about a 401."""
        return login_hint(self._credential, self._base)

    @property
    def source(self) -> str:
        """Where the credential is from; says so where the registry never asked for one."""
        return self._credential.source if self._credential else "none (the registry did not ask)"

    def hide(self, text: str) -> str:
        """Returns `text`, which a registry wrote, without the secrets that it was sent."""
        return redacted(text)

    def header(self, scopes: frozenset[str]) -> str | None:
        """Returns the header for `scopes` as far as it is known without asking."""
        if self._basic and self._credential:
            return self._basic_header(self._credential)
        token = self._tokens.get(scopes)
        return f"Bearer {token.value}" if token and self._clock() < token.expires else None

    def respond(self, challenge: str, scopes: frozenset[str], *, where: str) -> str | None:
        """Returns a new header that answers a 401's WWW-Authenticate, or None where there is no credential for it.

        Raises AuthError for an unsafe or refusing token service, RegistryError for one that fails.
        """
        challenges = parse_challenges(challenge)
        self._credential = credential = self._credential or self._lookup()
        conceal(*(secret for value in credential.secrets for secret in (value, quote(value, safe=""))))
        bearer = next((c for c in challenges if c.scheme == "bearer"), None)
        if bearer is not None:
            if credential.registry_token:
                value, life = credential.registry_token, float("inf")
            else:
                value, life = self._fetch(bearer, scopes, credential, where=where)
            conceal(value)
            self._tokens[scopes] = _Token(value=value, expires=self._clock() + life * 0.9)
            return f"Bearer {value}"
        if any(c.scheme == "basic" for c in challenges) and credential.password:
            self._basic = True
            return self._basic_header(credential)
        return None

    def _basic_header(self, credential: Credential, password: str = "") -> str:
        pair = f"{credential.username}:{password or credential.password}".encode()
        encoded = base64.b64encode(pair).decode("ascii")
        conceal(encoded)
        return f"Basic {encoded}"

    def _fetch(self, challenge: Challenge, scopes: frozenset[str], credential: Credential, *, where: str) -> tuple[str, float]:
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
                return self._token(response, credential, where=where)
        headers = {}
        if not credential.anonymous:
            headers["Authorization"] = self._basic_header(credential, password=credential.identity_token)
        parts = urlsplit(realm)
        query = parse_qsl(parts.query, keep_blank_values=True)
        query += ([("service", service)] if service else []) + [("scope", scope) for scope in wanted]
        response = self._ask("GET", urlunsplit(parts._replace(query=urlencode(query), fragment="")), headers, b"", leave_host=True)
        return self._token(response, credential, where=where)

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, leave_host: bool) -> HttpResponse:
        request = HttpRequest(
            method=method, url=url, headers=headers, body=body, step="fetch a token", limit=LIMITS.token_response, leave_host=leave_host
        )
        return self._transport.send(request)

    def _token(self, response: HttpResponse, credential: Credential, *, where: str) -> tuple[str, float]:
        service = f"the token service {host_of(response.url)}"
        if response.status in (400, 401, 403):
            what = f"{service} answers {response.status} (credential: {credential.source})"
            raise AuthError(what, where=where, hint=login_hint(credential, self._base))
        if response.status != 200:
            raise RegistryError(f"{service} answered {response.status}", where=where, status=response.status, hint="run again later")
        try:
            document = parse_object(response.body, where="", limit=LIMITS.token_response)
        except FormatError as err:
            raise RegistryError(f"{service} did not answer with JSON", where=where, hint="check the registry's address") from err
        value = document.get("access_token") or document.get("token")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value:
            raise RegistryError(f"{service} gave no usable token", where=where, hint="check the registry's address")
        return value, _life(document)


def login_hint(credential: Credential | None, base: str) -> str:
    """Returns what to do about a refused or missing credential."""
    if credential is None or credential.anonymous:
        return f"log in with `docker login {host_of(base)}`, or name a variable in the registry's entry"
    return f"check that the credential from {credential.source} is valid and not expired"


def _life(document: JsonObject) -> float:
    life = document.get("expires_in")
    return float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) and 0 < life < 1e9 else _TOKEN_LIFE


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
            reason="unsafe_realm",
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
