"""The file of a policy, in YAML or JSON. `docs/policy.md` explains each member.

default:
  signing: required
components:
  - pattern: prod-*
    signing: required
    keys: [production_key, backup_key]
registries:
  - registry: ghcr.io/my-org
    plain_http: denied
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from wasm_oci.limits import LIMITS
from wasm_oci.policy.policy_types import (
    Bound,
    CheckName,
    ComponentPattern,
    DigestText,
    Few,
    LastSecond,
    Many,
    Mode,
    Name,
    Pattern,
    PredicateType,
    Reason,
    RegistryText,
)
from wasm_oci.policy.subject import KeyFormat, KeySource, SignatureType
from wasm_oci.shape import OR_ONE, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceEntry:
    """Interfaces, by name and version."""

    interface: Pattern
    """A name such as `wasi:http/types`, a package such as `wasi:http`, or a pattern; for core modules `module/name`."""
    at_least: Bound | None = None
    """The first version: `0.2.3`, or a series such as `"0.2"`, which begins with its pre-releases."""
    below: Bound | None = None
    """The first version that is not meant any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredAnnotation:
    """An annotation that must be there."""

    name: Name
    """The name of the annotation."""
    matches: str | None = None
    """An RE2 expression that the whole value must match; without it, any value that is not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForbiddenAnnotation:
    """An annotation that must not be there."""

    name: Pattern
    """The name of the annotation, or a pattern of names."""
    contains: str | None = None
    """An RE2 expression; only values in which it matches anywhere are forbidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementEntry:
    """A signed statement that must be there."""

    predicate_type: PredicateType
    """Its predicate type, such as `https://slsa.dev/verification_summary/v1`, or a name that `wasm_oci attest` takes, such as `vsa`."""
    keys: Annotated[tuple[Name, ...], Few] | None = None
    """Names of the keys of which one must have signed it; without it, any trusted key."""
    threshold: int | None = None
    """How many different keys must have signed it; 1 without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagEntry:
    """Which tags are allowed."""

    semver: bool = False
    """Whether each tag must be a semantic version, so that there is no `latest`."""
    allowed: Annotated[tuple[Pattern, ...], Few] | None = None
    """Patterns of which each tag must match one."""
    denied: Annotated[tuple[Pattern, ...], Few] | None = None
    """Patterns of which no tag may match one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What is required. Each member that is left out says nothing."""

    mode: Mode = "enforce"
    """`warn` makes findings of this rule warnings."""
    signing: Literal["required", "optional"] | None = None
    """Whether it must be signed. With `optional`, a signature that is there must be of the keys below."""
    keys: Annotated[tuple[Name, ...], Few] | None = None
    """Names of the keys of which one must have signed; without it, any trusted key."""
    threshold: int | None = None
    """How many different keys must have signed; 1 without it."""
    signature_types: Annotated[tuple[SignatureType, ...], Few] | None = None
    """The kinds of signature that count."""
    key_formats: Annotated[tuple[KeyFormat, ...], Few] | None = None
    """The forms of key whose signatures count."""
    development_keys: Literal["allowed", "denied"] | None = None
    """Whether signatures of keys that a build made count."""
    key_sources: Annotated[tuple[KeySource, ...], Few] | None = None
    """Where the secret keys may be that sign when it is published."""
    required_annotations: Annotated[tuple[RequiredAnnotation, ...], Few] | None = None
    """Annotations that must be there."""
    forbidden_annotations: Annotated[tuple[ForbiddenAnnotation, ...], Few] | None = None
    """Annotations that must not be there."""
    versions: Literal["equal", "any"] | None = None
    """Whether its own tag, the version annotation and the version in the component must be equal."""
    allowed_imports: Annotated[tuple[InterfaceEntry, ...], Many] | None = None
    """All that it may import itself; an empty list allows nothing."""
    denied_imports: Annotated[tuple[InterfaceEntry, ...], Few] | None = None
    """What neither it nor anything nested in it may import."""
    required_exports: Annotated[tuple[InterfaceEntry, ...], Few] | None = None
    """What it must export."""
    worlds: Annotated[tuple[Name, ...], Few] | None = None
    """Worlds of which it must target one, such as `wasi:http/proxy@0.2.0`."""
    new_imports: Literal["approved", "any"] | None = None
    """Whether what it imports and the version in the registry does not needs one of the `approvals`."""
    api_changes: Literal["compatible", "any"] | None = None
    """Whether a version with the same major number must be usable in place of the one in the registry."""
    max_size: int | None = None
    """The most bytes that the component may have."""
    allowed_registries: Annotated[tuple[RegistryText, ...], Few] | None = None
    """Registries that it may be in: names of entries, or hosts with or without a prefix."""
    namespaces: Annotated[tuple[ComponentPattern, ...], Few] | None = None
    """Patterns of which the namespace must match one."""
    tags: TagEntry | None = None
    """Which tags are allowed."""
    plain_http: Literal["allowed", "loopback", "denied"] | None = None
    """Whether the registry may be reached without TLS; `loopback` allows this machine only."""
    digest_pin: Literal["required", "optional"] | None = None
    """Whether pulling needs the digest."""
    statements: Annotated[tuple[StatementEntry, ...], Few] | None = None
    """Signed statements that must be there."""
    source: str = ""
    """Where the rule was written, in a policy that a program made of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRule(Requirements):
    """What is required of the components with a name."""

    pattern: ComponentPattern
    """Which components: a pattern with `/` is of namespace and name, any other of the name. `*` stands for any characters."""
    registries: Annotated[tuple[RegistryText, ...], Few] | None = None
    """Only in these registries; without it, in all."""
    name: Name | None = None
    """What verdicts call the rule; `component:PATTERN` without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRule(Requirements):
    """What is required of everything in a registry."""

    registry: RegistryText
    """The name of the registry's entry, or its host, with or without a prefix."""
    name: Name | None = None
    """What verdicts call the rule; `registry:NAME` without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralRule(Requirements):
    """What is required of everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedDigest:
    """An artifact that is denied everywhere."""

    digest: DigestText
    """The digest of the manifest or of the component."""
    reason: Reason
    """Why."""
    source: str = ""
    """Where the rule was written, in a policy that a program made of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """An import that components may have from now on."""

    interface: Pattern
    """The interface, or its package; at least that has to be named."""
    components: Annotated[tuple[ComponentPattern, ...], Few]
    """Which components, as in `pattern` of a rule."""
    reason: Reason
    """Why."""
    approved_by: Reason
    """Who decided."""
    expires: LastSecond | None = None
    """The last day or second on which it may be published with this approval."""
    source: str = ""
    """Where the rule was written, in a policy that a program made of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An emergency exception, which has to be asked for by name, and is recorded."""

    name: Name
    """What it is asked for by."""
    checks: Annotated[tuple[CheckName, ...], Few]
    """Which findings do not deny."""
    components: Annotated[tuple[ComponentPattern, ...], Few]
    """For which components, as in `pattern` of a rule."""
    registries: Annotated[tuple[RegistryText, ...], Few] | None = None
    """In which registries; without it, in all."""
    reason: Reason
    """Why."""
    approved_by: Reason
    """Who decided."""
    expires: LastSecond
    """The last day or second of the exception."""
    source: str = ""
    """Where the rule was written, in a policy that a program made of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A policy for building, publishing and pulling components."""

    schemaVersion: Literal[1] = 1
    """The version of this form."""
    name: Name | None = None
    """What verdicts and annotations call the policy."""
    mode: Mode = "enforce"
    """`warn` makes all findings warnings."""
    always: Annotated[tuple[GeneralRule, ...], OR_ONE, Many] = ()
    """What is required of everything, whatever other rules say."""
    default: Annotated[tuple[GeneralRule, ...], OR_ONE, Many] = ()
    """What is required where no rule for a registry or component speaks about the same member."""
    registries: Annotated[tuple[RegistryRule, ...], Size(0, LIMITS.policy_rules)] = ()
    """What is required of everything in a registry."""
    components: Annotated[tuple[ComponentRule, ...], Size(0, LIMITS.policy_rules)] = ()
    """What is required of components by name."""
    denied_digests: Annotated[tuple[DeniedDigest, ...], Size(0, LIMITS.policy_rules)] = ()
    """Artifacts that are denied everywhere."""
    approvals: Annotated[tuple[Approval, ...], Size(0, LIMITS.policy_rules)] = ()
    """Imports that components may have from now on."""
    overrides: Annotated[tuple[Override, ...], Many] = ()
    """Emergency exceptions, which have to be asked for by name."""
