"""Who may do what (distribution's "Token Authentication Specification", and RFC 7617 Basic)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from wasm_oci.local_registry.messages import Refusal


class Access(Protocol):
    """Decides about one request."""

    def check(self, authorization: str, repository: str, action: str) -> None:
        """`action` is pull, push or delete; `repository` is empty for `/v2/`. Raises Refusal 401 with a challenge."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """One user name and password."""

    user: str
    password: str = field(repr=False)
    realm: str = "local registry"

    def check(self, authorization: str, repository: str, action: str) -> None:
        del repository, action
        expected = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "basic" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
            raise _unauthorized(f'Basic realm="{self.realm}"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Tokens from a token server: `grants` returns what a token allows, or None for one that it does not know.

    A grant is (repository, action), such as `("library/hello", "push")`.
    """

    realm: str
    grants: Callable[[str], frozenset[tuple[str, str]] | None] = field(repr=False)
    service: str = "local-registry"

    def check(self, authorization: str, repository: str, action: str) -> None:
        scheme, _, token = authorization.partition(" ")
        granted = self.grants(token.strip()) if scheme.lower() == "bearer" else None
        if granted is not None and (not repository or (repository, action) in granted):
            return
        challenge = f'Bearer realm="{self.realm}",service="{self.service}"'
        if repository:
            actions = "pull,push" if action == "push" else action
            challenge += f',scope="repository:{repository}:{actions}"'
        if granted is not None:
            challenge += ',error="insufficient_scope"'
        elif authorization:
            challenge += ',error="invalid_token"'
        raise _unauthorized(challenge)


def _unauthorized(challenge: str) -> Refusal:
    return Refusal(401, "UNAUTHORIZED", "authentication is required", headers={"WWW-Authenticate": challenge})
