"""How registries ask for a login at their own end point, /v2/ (distribution specification 1.1, "Determining Support")."""

from __future__ import annotations

import threading

from wasm_oci.http.host import origin
from wasm_oci.http.messages import HttpRequest
from wasm_oci.http.retry import RETRIED_STATUSES
from wasm_oci.http.transport import Transport


class EndPoint:
    """The own end point of one registry; it is asked once for all repositories of a run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._challenge: str | None = None

    @classmethod
    def of(cls, base: str, transport: Transport) -> EndPoint:
        """Returns the one that all clients of `transport` share; `base` is the registry's URL, such as https://ghcr.io."""
        return transport.shared((cls, base), cls)

    def challenge(self, base: str, transport: Transport) -> str:
        """Returns the WWW-Authenticate header of its refusal, empty where it lets everybody in; raises as `Transport.send`."""
        with self._lock:
            if self._challenge is not None:
                return self._challenge
            response = transport.send(HttpRequest(method="GET", url=f"{base}/v2/", step="ask how to log in"))
            refuses = response.status == 401 and origin(response.url) == origin(base)
            challenge = response.headers.get("WWW-Authenticate", "") if refuses else ""
            if response.status not in RETRIED_STATUSES:
                self._challenge = challenge
            return challenge
