"""What a run wrote, so that a registry which does not show it yet is asked again before its response is believed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.limits import Limits
from wasm_oci.timing import Timing

_LONGEST_PAUSE = 2.0


@dataclass(slots=True, kw_only=True)
class _Write:
    digests: Collection[Digest]
    since: float
    pause: float = 0.125


class Written:
    """Names and digests that a registry accepted from this run: for `settle_time` after that they are waited for."""

    def __init__(self, timing: Timing, limits: Limits) -> None:
        self._timing = timing
        self._limits = limits
        self._writes: dict[tuple[str, str], _Write] = {}

    def note(self, kind: str, name: object, *digests: Digest) -> None:
        """Notes that the registry accepted content under `name`, and its digests; `kind` is manifests, blobs or referrers."""
        self._writes[kind, str(name)] = _Write(digests=digests, since=self._timing.clock())

    def wait_for(self, kind: str, name: object, found: Digest | None = None) -> bool:
        """Waits a moment where `name` was written by this run and does not read so yet; returns False, at once, in all other cases.

        `found` is what was read, None where the registry does not have the name.
        """
        write = self._writes.get((kind, str(name)))
        return write is not None and found not in write.digests and self._wait(write)

    def wait_for_any(self, kind: str) -> bool:
        """Waits a moment where anything of a kind was written lately."""
        writes = [write for (each, _), write in self._writes.items() if each == kind]
        return bool(writes) and self._wait(max(writes, key=lambda write: write.since))

    def _wait(self, write: _Write) -> bool:
        write.pause = min(write.pause * 2, _LONGEST_PAUSE)
        if self._timing.clock() + write.pause > write.since + self._limits.settle_time:
            return False
        self._timing.sleep(write.pause)
        return True
