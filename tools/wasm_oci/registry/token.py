"""What a token service answers (distribution's "Token Authentication Specification" and "JSON Web Token" pages)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS

TOKEN_LIFE = 60.0
"""Seconds that a token lives where its response does not say."""
_SHOWN = 8
"""Scopes of a token that are looked at."""
_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token for one set of scopes."""

    value: str = field(repr=False)
    since: float
    expires: float
    granted: tuple[str, ...] | None = None
    """The scopes that it says it is for; a repository without actions is one to which nothing is allowed. None where it does not say."""

    @property
    def is_usable(self) -> bool:
        return self.value.isascii() and self.value.isprintable() and bool(self.value) and " " not in self.value


def read_token(document: JsonObject, now: float) -> Token | None:
    """Returns the token of a token service's response, None where it has none that can be sent."""
    value = document.get("access_token") or document.get("token")
    if not isinstance(value, str):
        return None
    token = Token(value=value, since=now, expires=now + _life(document) * 0.9, granted=_granted(document, value))
    return token if token.is_usable else None


def _life(document: JsonObject) -> float:
    life = document.get("expires_in")
    return float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) and 0 < life < 1e9 else TOKEN_LIFE


def _granted(document: JsonObject, value: str) -> tuple[str, ...] | None:
    """Reads the `access` claim of a token, which nobody verifies here: it is shown and decides nothing."""
    try:
        payload = value.split(".")[1] if value.count(".") == 2 else ""
        claims = parse_object(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), where="", limit=LIMITS.token_response)
    except (FormatError, binascii.Error, ValueError):
        claims = {}
    access = claims.get("access")
    if isinstance(access, list):
        return tuple(_scope(each) for each in access[:_SHOWN] if isinstance(each, dict))
    scope = document.get("scope")
    return tuple(scope[:_LONGEST].split()[:_SHOWN]) if isinstance(scope, str) and scope else None


def _scope(entry: dict[str, Any]) -> str:
    actions = entry.get("actions")
    names = ",".join(str(action) for action in actions) if isinstance(actions, list) else ""
    return f"{entry.get('type')}:{entry.get('name')}:{names}"[:_LONGEST]
