"""The faults that every request of a release meets in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fakes.timing import FakeTime
from instruments.effects import Corrupt, Effect, Half, Hangup, Pretend, Redirect, Reply, Stall, wrong_digest
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder

SECRET = "canary-71b0"
_HTML = f"<html><body>{SECRET}\n\033[31m</body></html>".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """The response comes after `seconds` of a run's own time."""

    time: FakeTime
    seconds: float

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        self.time.sleep(self.seconds)
        return response


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptBody:
    """A response whose content has another first byte; one without content stays as it is."""

    def apply(self, request: ServedRequest, carry: Responder) -> ServedResponse:
        response = carry(request)
        return Corrupt().apply(request, lambda _: response) if response.size and request.method != "HEAD" else response


Kind = Callable[[FakeTime], Effect]

KINDS: dict[str, Kind] = {
    "dropped": lambda time: Hangup(),
    "response_lost": lambda time: Hangup(stored=True),
    "late": lambda time: Late(time=time, seconds=20_000),
    "429": lambda time: Reply(status=429, body=b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}'),
    "429_soon": lambda time: Reply(status=429, headers={"Retry-After": "2"}),
    "429_in_an_hour": lambda time: Reply(status=429, headers={"Retry-After": "3600"}),
    "500": lambda time: Reply(status=500, body=_HTML),
    "503_soon": lambda time: Reply(status=503, headers={"Retry-After": "1"}),
    "html": lambda time: Reply(status=200, headers={"Content-Type": "text/html"}, body=_HTML),
    "wrong_digest": lambda time: wrong_digest(),
    "other_content": lambda time: CorruptBody(),
    "half": lambda time: Half(),
    "redirect": lambda time: Redirect(url=f"http://127.0.0.1:1{{path}}?signature={SECRET}"),
    "redirect_loop": lambda time: Redirect(url="{path}"),
    "pretended": lambda time: Pretend(),
    "silence": lambda time: Stall(seconds=60),
}
"""By name; each may be of a run's own time."""
