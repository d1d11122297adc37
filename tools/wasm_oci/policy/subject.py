"""The facts about an artifact that a policy judges. They were verified elsewhere; None says that a fact is not known.

A subject is also a document, in logs of decisions and in files of facts: `shape.read_object` reads what `documents.document_of` writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal

from wasm_oci.policy.interfaces import Import
from wasm_oci.policy.names import RegistryName, comparable_host
from wasm_oci.policy.versions import find_version
from wasm_oci.shape import Parsed
from wasm_oci.trust.timestamps import parse_timestamp

UNKNOWN_VERSION = "unknown"
"""The version of a previous artifact that says none."""
VERSION_ANNOTATION = "org.opencontainers.image.version"
Stage = Literal["build", "publish", "pull"]
SignatureType = Literal["embedded", "detached"]
KeyFormat = Literal["compact", "openssh", "pem"]
KeySource = Literal["file", "env", "stdin", "keychain", "ssh-agent", "command"]
ApiChange = Literal["compatible", "breaking"]
Time = Annotated[datetime, Parsed(str, parse_timestamp)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where the artifact is, or goes."""

    name: str | None = None
    """The name of the registry's entry; empty for one that has none, None where nobody looked for one."""
    host: str = ""
    """Empty for a layout folder."""
    prefix: str = ""
    """What every repository of the entry begins with."""
    plain_http: bool | None = None
    loopback: bool = False
    """Whether it is on this machine."""

    def __str__(self) -> str:
        place = "/".join(filter(None, (self.host, self.prefix)))
        return f"{self.name} ({place})" if self.name and place and self.name != place else self.name or place


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A key that signed, and whose signature verified."""

    key_id: str
    """Hexadecimal; two signers with one key id are one."""
    names: tuple[str, ...] = ()
    """What rules may call the key: the name of its target, its label, its name in a trust store."""
    signature: SignatureType = "embedded"
    format: KeyFormat = "compact"
    development: bool = False
    """Whether a build made the key."""
    revoked: bool = False
    not_before: Time | None = None
    not_after: Time | None = None

    def __str__(self) -> str:
        return f"{self.names[0]} ({self.key_id})" if self.names else self.key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A signature that verified and does not count."""

    signer: Signer
    why: str
    wanted: str
    """How a signature of the same key would count, such as `in openssh form`; empty where none would."""

    def __str__(self) -> str:
        return f"{self.signer} {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A signed statement about the artifact whose signature verified."""

    predicate_type: str
    digest: str
    """The digest that it is about."""
    signers: tuple[Signer, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    """Signers that do not count here; the evaluator finds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One annotation of the manifest."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The version that the registry has now."""

    version: str = ""
    """Empty where it has none: nothing was published yet."""
    imports: tuple[Import, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One artifact for one registry, at one step."""

    name: str
    """The last segment of the package name."""
    namespace: str = ""
    """What is before it in the repository, without the registry's prefix."""
    at: Stage = "publish"
    time: Time | None = None
    """When the decision is made; not used at build."""
    registry: Registry | None = None
    tags: tuple[str, ...] | None = None
    """All tags that name it, its own one first."""
    pinned: bool | None = None
    """At pull: whether the digest was given."""
    digests: tuple[str, ...] | None = None
    """Of the manifest and of the component, by each algorithm that is known."""
    size: int | None = None
    """Bytes of the component."""
    version: str | None = None
    """What the component itself says; empty where it says nothing."""
    annotations: tuple[Annotation, ...] | None = None
    signers: tuple[Signer, ...] | None = None
    """Each verified; None where nobody verified."""
    unverified: tuple[str, ...] = ()
    """Key ids of signatures that no known key verifies."""
    unknown_keys: tuple[str, ...] = ()
    """Names of keys in rules that no known key has."""
    set_aside: tuple[SetAside, ...] = ()
    """Signatures that verified and do not count here; the evaluator finds them."""
    key_sources: tuple[KeySource, ...] | None = None
    """Where the secret keys were that signed in this run."""
    imports: tuple[Import, ...] | None = None
    """Its own imports, and those of everything nested."""
    exports: tuple[Import, ...] | None = None
    worlds: tuple[str, ...] | None = None
    """The worlds that it was found to target."""
    unlisted: tuple[str, ...] = ()
    """Why the lists of imports and exports may not be whole."""
    previous: Previous | None = None
    api_change: ApiChange | None = None
    """What changed against the previous version, for those that use it."""
    api_problem: str = ""
    """What is not compatible."""
    statements: tuple[Statement, ...] | None = None

    @property
    def path(self) -> str:
        """Namespace and name."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def location(self) -> tuple[str, tuple[str, ...]]:
        """The host, comparable, and all segments after it."""
        registry = self.registry or Registry()
        return _located(registry.host, registry.prefix, self.path)

    def is_in(self, registries: Iterable[RegistryName]) -> bool:
        """Returns whether it is known to be in one of the registries."""
        if self.registry is None:
            return False
        name, (host, path) = self.registry.name, self.location
        return any(each.matches(name, host, path) for each in registries)

    @property
    def releases(self) -> tuple[str, ...]:
        """The versions that it is published as: all tags that are one, else the annotation, or what the component says."""
        tags = tuple(tag for tag in self.tags or () if find_version(tag))
        return tags or tuple(filter(None, (self.annotation_values.get(VERSION_ANNOTATION) or self.version,)))

    @property
    def is_signed(self) -> bool:
        return bool(self.signers or self.unverified or self.set_aside)

    @property
    def annotation_values(self) -> Mapping[str, str]:
        return {each.name: each.value for each in self.annotations or ()}


@lru_cache(maxsize=4096)
def _located(host: str, prefix: str, path: str) -> tuple[str, tuple[str, ...]]:
    return comparable_host(host), tuple((f"{prefix}/{path}" if prefix else path).split("/"))
