"""A token server (distribution's "Token Authentication Specification" and "OAuth2 Token Authentication").

with token_server(users={"robot": "s3cret"}) as tokens, start(auth=Bearer(realm=tokens.realm, grants=tokens.grants)) as registry:
    ...
    assert tokens.requests[-1].user == "robot"
"""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Grants = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """One question for a token, without its secrets."""

    method: str
    service: str
    scopes: tuple[str, ...]
    user: str
    """The user that was recognised; empty for an anonymous question."""
    grant_type: str
    authorization: bool
    query: Mapping[str, list[str]] = field(default_factory=dict)
    status: int = 0


@dataclass(slots=True, kw_only=True)
class TokenServer:
    """What the server knows, and what it was asked. Fields may be changed while it runs."""

    users: dict[str, str] = field(default_factory=dict, repr=False)
    refresh_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """User by identity token."""
    anonymous: frozenset[str] = frozenset({"pull"})
    """What a question without credentials is granted."""
    post: bool = True
    """False: 404 to the OAuth2 form, as servers without it answer."""
    answer_key: str = "token"
    expires_in: int | None = 300
    mint: Callable[[Grants], str] = lambda _: uuid.uuid4().hex
    """Makes a token that says what it allows, for a registry that does not ask `grants`."""
    response: tuple[int, bytes] | None = None
    """Instead of a token: this status and content."""
    requests: list[TokenRequest] = field(default_factory=list)
    realm: str = ""
    _issued: dict[str, Grants] = field(default_factory=dict, repr=False)

    def grants(self, token: str) -> Grants | None:
        """For `access.Bearer`: what a token allows, None for one that was not issued here."""
        return self._issued.get(token)

    def revoke(self) -> None:
        """Every token issued so far is unknown from here on."""
        self._issued.clear()

    def issue(self, user: str, scopes: tuple[str, ...]) -> str:
        granted = set()
        for scope in scopes:
            _, repository, actions = scope.split(":", 2)
            granted |= {(repository, action) for action in actions.split(",") if user or action in self.anonymous}
        token = self.mint(frozenset(granted))
        self._issued[token] = frozenset(granted)
        return token


@contextmanager
def token_server(*, users: Mapping[str, str] | None = None, refresh_tokens: Mapping[str, str] | None = None) -> Iterator[TokenServer]:
    """Answers on a free port of 127.0.0.1; `users` holds passwords by name."""
    tokens = TokenServer(users=dict(users or {}), refresh_tokens=dict(refresh_tokens or {}))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("TokenHandler", (_Handler,), {"tokens": tokens}))
    tokens.realm = f"http://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield tokens
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    tokens: TokenServer

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        user, known = self._basic_user()
        self._reply(query, user=user, known=known, scopes=tuple(query.get("scope", ())), grant_type="")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        grant_type = form.get("grant_type", [""])[0]
        if grant_type == "refresh_token":
            user = self.tokens.refresh_tokens.get(form.get("refresh_token", [""])[0], "")
            known = bool(user)
        else:
            user = form.get("username", [""])[0]
            known = user in self.tokens.users and form.get("password") == [self.tokens.users[user]]
        scopes = tuple(form.get("scope", [""])[0].split())
        if self.tokens.post:
            self._reply(form, user=user, known=known, scopes=scopes, grant_type=grant_type)
        else:
            self._send(404, b"404 page not found\n", form, user=user, scopes=scopes, grant_type=grant_type)

    def log_message(self, format: str, *args: object) -> None:
        """Tests read `requests` instead."""

    def _basic_user(self) -> tuple[str, bool]:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return "", True
        user, _, password = base64.b64decode(value).decode().partition(":")
        return user, scheme.lower() == "basic" and self.tokens.users.get(user) == password

    def _reply(self, query: Mapping[str, list[str]], *, user: str, known: bool, scopes: tuple[str, ...], grant_type: str) -> None:
        if self.tokens.response:
            status, body = self.tokens.response
        elif not known:
            status, body = 401, b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong credentials","detail":null}]}'
        else:
            key = "access_token" if grant_type else self.tokens.answer_key
            document: dict[str, object] = {key: self.tokens.issue(user, scopes)}
            if self.tokens.expires_in is not None:
                document["expires_in"] = self.tokens.expires_in
            status, body = 200, json.dumps(document).encode()
        self._send(status, body, query, user=user if known else "", scopes=scopes, grant_type=grant_type)

    def _send(
        self, status: int, body: bytes, query: Mapping[str, list[str]], *, user: str, scopes: tuple[str, ...], grant_type: str
    ) -> None:
        public = {name: values for name, values in query.items() if name not in ("password", "refresh_token")}
        record = TokenRequest(
            method=self.command,
            service=query.get("service", [""])[0],
            scopes=scopes,
            user=user,
            grant_type=grant_type,
            authorization="Authorization" in self.headers,
            query=public,
            status=status,
        )
        self.tokens.requests.append(record)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
