"""Fault injection: rules that say which requests go wrong, and how.

registry.faults.add(Fault(method="PUT", path=r"/manifests/v1$", effect=Reply(status=500, body=b"<html>")))
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass

from instruments.effects import Disconnect, Effect
from wasm_oci.local_registry.messages import ServedRequest, ServedResponse
from wasm_oci.local_registry.service import Responder


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule: what it applies to, and what then happens.

    `method` is one method, several with `|`, or `*`; `path` is searched for (`re.search`) in the path as sent.
    Of the requests that match, those from number `nth` (from 1) on are hit, `times` of them (None: all).
    """

    effect: Effect
    method: str = "*"
    path: str = ""
    nth: int = 1
    times: int | None = 1
    seen: int = 0
    """How many requests matched."""
    hits: int = 0
    """How many of them went wrong: a test can prove that its fault happened."""

    def matches(self, request: ServedRequest) -> bool:
        return (self.method == "*" or request.method in self.method.split("|")) and re.search(self.path, request.path) is not None


class Faults:
    """The rules in force; of two that would hit one request, the first does."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._silence = threading.local()

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._rules.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._rules.clear()

    def end(self) -> None:
        """Ends every stall."""
        self._ended.set()

    def stall(self) -> None:
        """Waits for as long as the request that this thread has refused stalls."""
        seconds, self._silence.seconds = getattr(self._silence, "seconds", 0.0), 0.0
        self._ended.wait(seconds)

    def __call__(self, request: ServedRequest, respond: Responder) -> ServedResponse:
        """The middleware of a registry: has the request answered by `respond`, or as a rule says."""
        effect = self._next(request)
        if effect is None:
            return respond(request)
        try:
            return effect.apply(request, respond)
        except Disconnect as err:
            self._silence.seconds = err.stall
            raise

    def _next(self, request: ServedRequest) -> Effect | None:
        with self._lock:
            for rule in self._rules:
                if not rule.matches(request):
                    continue
                rule.seen += 1
                if rule.seen >= rule.nth and (rule.times is None or rule.hits < rule.times):
                    rule.hits += 1
                    return rule.effect
        return None
