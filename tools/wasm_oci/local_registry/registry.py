"""What a registry is made of, and how it behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from wasm_oci.limits import LIMITS
from wasm_oci.local_registry.access import Access
from wasm_oci.local_registry.storage import Repository, Storage
from wasm_oci.local_registry.uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Where registries differ. Sizes are bytes, times are seconds."""

    referrers_api: bool = True
    """False: 404 in plain text, and no OCI-Subject header, as docker-registry 2.8.3 answers."""
    immutable_tags: bool = False
    """True: a tag that exists cannot be moved to another digest, nor deleted."""
    access: Access | None = field(default=None, repr=False)
    max_blob: int = LIMITS.wasm_file
    max_manifest: int = LIMITS.manifest
    read_timeout: float = LIMITS.read_timeout
    """Longest silence of a client before its connection is closed."""


class Registry:
    """The state that all requests share."""

    def __init__(self, state: Path, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.storage = Storage(state)
        self.uploads = Uploads(self.storage.incoming)

    def repository(self, name: str) -> Repository:
        return self.storage.repository(name)
