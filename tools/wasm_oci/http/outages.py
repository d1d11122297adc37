"""Places that stopped to respond in a run: they are not asked again, because each further request would wait as long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wasm_oci.errors import AuthError, RegistryError, WasmOciError
from wasm_oci.http.host import host_of
from wasm_oci.http.messages import ConnectionLost
from wasm_oci.http.retry import RETRIED_STATUSES

_ENOUGH = 3
"""Things in succession that ended without a response, each after all its attempts, until a place that can be reached counts as out."""


def is_outage(error: WasmOciError) -> bool:
    """Returns whether an error is none of a registry's answers: it did not respond, was too slow, or could not do it now (429, 5xx)."""
    status = error.status if isinstance(error, AuthError | RegistryError) else 0
    return isinstance(error, ConnectionLost) or status in RETRIED_STATUSES or error.reason == "too_slow"


@dataclass(slots=True)
class Outages:
    """The places of a run; safe to share between threads."""

    _known: dict[str, ConnectionLost] = field(default_factory=dict)
    _lost: dict[str, int] = field(default_factory=dict)

    def is_out(self, place: str) -> bool:
        """Returns whether a place is known not to respond."""
        return place in self._known

    @contextmanager
    def watch(self, place: str) -> Iterator[None]:
        """Notes whether a place responds to what the block asks; raises RegistryError instead for one that is out."""
        if known := self._known.get(place):
            what = f"{known.what} (not tried again in this run)"
            raise RegistryError(what, where=known.where, hint=known.hint, reason=known.reason)
        try:
            yield
        except ConnectionLost as err:
            self._lost[place] = self._lost.get(place, 0) + 1
            itself = err.where == host_of(place)  # another host is one that a response of the place redirects to
            if (err.unreachable and itself) or self._lost[place] >= _ENOUGH:
                self._known[place] = err
            raise
        except WasmOciError:
            self._lost[place] = 0
            raise
        self._lost[place] = 0
