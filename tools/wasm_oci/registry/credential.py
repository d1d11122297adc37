"""What a registry may be shown to let somebody in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A user with a password, an identity token, or a ready bearer token; all empty means anonymous."""

    source: str
    """Where it is from, in words that may be shown; never a value."""
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    """An OAuth2 refresh token for the registry's token service."""
    registry_token: str = field(default="", repr=False)
    """A bearer token that the registry itself accepts."""
    renew: Callable[[], Credential | None] | None = field(default=None, repr=False, compare=False)
    """Looks up what has taken this one's place once it was refused, None if nothing has; absent if it cannot change in a run."""

    @property
    def anonymous(self) -> bool:
        return not (self.password or self.identity_token or self.registry_token)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must never be shown."""
        return tuple(value for value in (self.password, self.identity_token, self.registry_token) if value)


ANONYMOUS = Credential(source="none (anonymous)")
