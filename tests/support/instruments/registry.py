"""The local registry for tests: in this process, on a free port, with fault injection and every request on record.

with start() as registry:
    push_to(registry.host)
    assert [request.method for request in registry.requests] == ["HEAD", "PUT"]
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from instruments.faults import Faults
from wasm_oci.local_registry.access import Access
from wasm_oci.local_registry.access_log import Exchange
from wasm_oci.local_registry.registry import Behaviour
from wasm_oci.local_registry.server import LOOPBACK, ServedRegistry, serve


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningRegistry:
    """A registry that answers; see `start`."""

    served: ServedRegistry
    faults: Faults
    requests: list[Exchange] = field(default_factory=list)
    """Every request so far."""

    @property
    def port(self) -> int:
        return self.served.port

    @property
    def host(self) -> str:
        """What stands before the first slash of a reference."""
        return self.served.host

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.served.addresses

    @property
    def state(self) -> Path:
        """The folder of the layouts."""
        return self.served.registry.storage.root

    @property
    def behaviour(self) -> Behaviour:
        return self.served.registry.behaviour

    def behave(self, **changes: Any) -> None:
        """Changes fields of `Behaviour` from the next request on, such as `immutable_tags=True`."""
        self.served.registry.behaviour = replace(self.behaviour, **changes)


@contextmanager
def start(
    state: Path | None = None,
    *,
    port: int = 0,
    referrers_api: bool = True,
    immutable_tags: bool = False,
    auth: Access | None = None,
    addresses: Sequence[str] = LOOPBACK,
    **behaviour: Any,
) -> Iterator[RunningRegistry]:
    """A registry on a free port, in a temporary folder unless told; `behaviour` is any further field of `Behaviour`."""
    settings = Behaviour(referrers_api=referrers_api, immutable_tags=immutable_tags, access=auth, **behaviour)
    requests, faults = list[Exchange](), Faults()

    def observe(exchange: Exchange) -> None:
        requests.append(exchange)
        faults.stall()

    with ExitStack() as stack:
        folder = state or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="local_registry.")))
        served = stack.enter_context(serve(folder, port=port, behaviour=settings, addresses=addresses, observer=observe, middleware=faults))
        stack.callback(faults.end)
        yield RunningRegistry(served=served, faults=faults, requests=requests)
