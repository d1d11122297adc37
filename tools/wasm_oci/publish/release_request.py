"""What is to be published together, and where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError
from wasm_oci.keys.sources.signing_keys import SigningKey
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.oci.reference import Reference
from wasm_oci.publish.artifact import Artifact, Referrer
from wasm_oci.publish.resolve import NamedRepository
from wasm_oci.publish.signing import DeferredSigning, SignerRequest
from wasm_oci.shape import BUILD_AGAIN, Runfile
from wasm_oci.trust.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyKey:
    """A public key that rules of a policy name."""

    name: str
    """The name of its target."""
    label: str = ""
    """The label of its target, which rules may name too."""
    public_key: Runfile
    development: bool = False
    """Whether a build made the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementKey:
    """A key that signs the statements which a policy requires: one that is outside the build, or a development key's file."""

    public_key: Runfile
    source: KeySource | None = None
    secret_key: Runfile | None = None

    def signing_key(self, where: str) -> SigningKey:
        """Raises FormatError unless exactly one of both says where the secret key is."""
        if (self.source is None) == (self.secret_key is None):
            raise FormatError("exactly one of source and secret_key is needed", where=where, hint=BUILD_AGAIN)
        source = self.source or KeySource(kind="file", ref=str(self.secret_key))
        return SigningKey(source=source, public_key=self.public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequest:
    """What the policies of an artifact are, all of which speak."""

    policies: tuple[Path, ...] = ()
    keys: tuple[PolicyKey, ...] = ()
    trust_stores: tuple[Path, ...] = ()
    """Trust stores, whose keys have names, dates and revocations."""
    trust: Trust | None = None
    """Further keys, which need not have signed."""
    statement_keys: tuple[SigningKey, ...] = ()
    """The keys that sign statements, beside those that sign the artifact in this run."""
    overrides: tuple[str, ...] = ()
    """The overrides that are asked for by name."""
    override_reason: str = ""
    """Why they are asked for; for the record."""
    wasm_tools: Path | None = None
    """The program that compares two versions; None for the one on PATH."""

    def with_other(self, other: PolicyRequest) -> PolicyRequest:
        """Returns a request in which the policies of both speak."""
        return replace(
            self,
            policies=tuple(dict.fromkeys((*self.policies, *other.policies))),
            keys=tuple(dict.fromkeys((*self.keys, *other.keys))),
            trust_stores=tuple(dict.fromkeys((*self.trust_stores, *other.trust_stores))),
            trust=self.trust or other.trust,
            statement_keys=tuple(dict.fromkeys((*self.statement_keys, *other.statement_keys))),
            overrides=tuple(dict.fromkeys((*self.overrides, *other.overrides))),
            override_reason=self.override_reason or other.override_reason,
            wasm_tools=other.wasm_tools or self.wasm_tools,
        )


NO_POLICY = PolicyRequest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationRequest:
    """Where an artifact goes, and the tags that it gets there; without tags it is published by digest."""

    repository: NamedRepository | Reference
    tags: tuple[str, ...] = ()

    @property
    def named(self) -> NamedRepository:
        """The repository of a request of a target, which names its registry; raises TypeError for another one."""
        if not isinstance(self.repository, NamedRepository):
            raise TypeError("a publish request names its registry")
        return self.repository


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRequest:
    """An artifact, and all that is asked for it."""

    layout: Path | None = None
    """None where it is made only when the component is signed, or where it is ready."""
    ready: Artifact | None = None
    """An artifact that was read already, in place of a layout."""
    referrers: tuple[Path | Referrer, ...] = ()
    """What travels with it: files of detached signatures, and manifests that are ready."""
    signing: DeferredSigning | None = None
    """The signature that the release has to make."""
    signers: tuple[SignerRequest, ...] = ()
    """All that have to have signed it when it is published, whoever makes the signature."""
    trust: Trust | None = None
    """Whom to trust, of which as many have to have signed it as this asks for."""
    require_signed: bool = False
    """Whether it is refused unless a known key signed it: see `gate.require_signed`."""
    policy: PolicyRequest = NO_POLICY
    """The policies that have to allow it at each destination."""
    cosign_legacy: bool = False
    """Whether the keys that sign in this run sign for cosign's tag too, before the artifact has a tag."""
    digest: Digest | None = None
    """What the manifest has to be, where that is known."""
    destinations: tuple[DestinationRequest, ...]
    movable_tags: frozenset[str] = frozenset()
    move_tags: bool = False
    notes: Mapping[str, Any] = field(default_factory=dict)
    """What the result carries along."""

    @property
    def run_keys(self) -> tuple[SigningKey, ...]:
        """The keys that sign in this run: those of its signature, and those of statements about it."""
        own = self.signing.keys if self.signing else ()
        return tuple(dict.fromkeys((*own, *self.policy.statement_keys)))

    @property
    def target(self) -> str:
        """The label of the target that asks for it, empty where there is none."""
        return str(self.notes.get("target", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRequest:
    """A release index: it names all artifacts that go to its registry, which becomes a unit."""

    destination: DestinationRequest
    movable_tags: frozenset[str] = frozenset()
    move_tags: bool = False
    ask_all: bool = False
    """Whether the destinations are asked for what the release index that has one of the tags names already."""
    ready: Artifact | None = None
    """The index where it exists already, as for a promotion; else it is made of the artifacts."""
    policy: PolicyRequest = NO_POLICY
    """The policies that have to allow where it goes, and its tags."""
    statement_keys: tuple[SigningKey, ...] = ()
    """The keys that sign a statement each about the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What is to be published together."""

    artifacts: tuple[ArtifactRequest, ...]
    indexes: tuple[IndexRequest, ...] = ()
    """At most one for each registry."""
    dry_run: bool = False
    """Ends after the plan."""
    plain_http: frozenset[str] = frozenset()
    """The hosts that may be reached without TLS, beside this machine."""
    ca_files: tuple[str, ...] = ()
    """A `host[:port]=FILE` of certificate authorities for each host that has its own."""
    timeout: float | None = None
    """Longest silence of a registry in seconds; None for `LIMITS.read_timeout`."""
    fail_fast: bool = True
    audit_log: Path | None = None
    """The folder of the log that has to have a record of this; None for no record."""
    read_whole: bool = False
    """Whether blobs of any size are read back whole."""
    require_referrers_api: bool = False
    """Whether a registry without the referrers API is refused."""

    @property
    def deferred(self) -> list[DeferredSigning]:
        """The signatures that have to be made."""
        return [artifact.signing for artifact in self.artifacts if artifact.signing]

    @property
    def secret_keys(self) -> list[SigningKey]:
        """The keys of all signatures and statements."""
        statements = (key for artifact in self.artifacts for key in artifact.policy.statement_keys)
        of_indexes = (key for index in self.indexes for key in index.statement_keys)
        return [*(key for each in self.deferred for key in each.keys), *statements, *of_indexes]

    @property
    def places(self) -> tuple[NamedRepository | Reference, ...]:
        """Everything that is published to, in its order."""
        artifacts = (destination.repository for artifact in self.artifacts for destination in artifact.destinations)
        return (*artifacts, *(index.destination.repository for index in self.indexes))
