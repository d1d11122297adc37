"""Decisions about what a build made: one component, the registries that it is for, and whom the names of keys mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.keys.any_key import load_any_public_key
from wasm_oci.keys.key import OPENSSH, require_format
from wasm_oci.limits import LIMITS
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.target import layout_target
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.subject import Registry, Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.asked_facts import with_asked_facts
from wasm_oci.policy_facts.component_facts import read_component
from wasm_oci.policy_facts.known_keys import KnownKeys, keys_of_policy
from wasm_oci.policy_facts.policies import read_policies
from wasm_oci.policy_facts.published_facts import facts_of
from wasm_oci.policy_facts.registry_facts import named_registry
from wasm_oci.policy_facts.signer_facts import read_signers
from wasm_oci.publish.release_request import PolicyKey
from wasm_oci.registry_config.config_file import load_registry_config
from wasm_oci.shape import Runfile


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedKey(PolicyKey):
    """A key that rules may name."""

    signs: bool = False
    """Whether it signs what is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is judged, without files."""

    target: str
    """What errors call it."""
    name: str
    namespace: str = ""
    tags: tuple[str, ...] | None = None
    """None where they are known only when it is published."""
    registries: tuple[str, ...] = ()
    """Names of entries, or hosts; an empty one is the default of the list. Where there are none, none is known."""
    all_registries: bool = False
    """Whether all entries of the list are meant."""
    openssh: bool = False
    """Whether keys in another form than OpenSSH's may not sign."""
    signed_later: bool = False
    """Whether the run that publishes it signs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement(Judged):
    """What is judged, by which policies."""

    component: Runfile
    layout: Runfile | None = None
    """Its image."""
    signature: Runfile | None = None
    policies: tuple[Runfile, ...]
    keys: tuple[JudgedKey, ...] = ()
    trust_stores: tuple[Runfile, ...] = ()
    registry_list: Runfile | None = None


def judge(request: Judgement) -> list[Verdict]:
    """Returns a verdict for each registry, as a build knows it: later steps judge what only they know.

    Raises what reading policies, keys and the component raises, and UsageError for one name of two keys.
    """
    policy = read_policies(request.policies)
    known = KnownKeys.of(keys_of_policy(request.keys, request.trust_stores))
    subject = with_asked_facts(policy, _subject(request, known), known)
    return [decide(policy, replace(subject, registry=registry)) for registry in _registries(request)]


def _registries(request: Judgement) -> Iterator[Registry | None]:
    config = load_registry_config(request.registry_list) if request.registry_list else None
    names = request.registries
    if request.all_registries and config:
        names = tuple(entry.name for entry in config.entries if not entry.mirror_of)
    if not names:
        yield None
    for name in names:
        yield named_registry(name or (config.file.default_registry if config else ""), config, (), where=f"{request.target}: registries")


def _subject(request: Judgement, known: KnownKeys) -> Subject:
    if request.openssh:
        for key in request.keys:
            if key.signs:
                require_format(load_any_public_key(key.public_key), OPENSSH, where=key.label)
    signature = request.signature
    detached = (read_bounded(signature, LIMITS.signature_section, what="signature file"),) if signature else ()
    signers = read_signers(request.component, detached, known)
    manifest = _manifest(request.layout) if request.layout else None
    subject = facts_of(manifest, read_component(request.component), signers)
    if request.signed_later:
        subject = replace(subject, signers=None, unverified=(), digests=None)
    return replace(subject, name=request.name, namespace=request.namespace, at="build", tags=request.tags)


def _manifest(layout: Path) -> Manifest:
    target = layout_target(f"oci:{layout}")
    if target is None:
        raise UsageError("this is not a layout", where=str(layout), hint="name the folder that `wasm_oci image` made")
    return Manifest.parse(target.fetch().data, where=str(layout))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTestRequest(Judgement):
    """The request of a `wasm_policy_test`."""

    expected: Literal["allow", "deny"]
    expected_rule: str = ""
    """The rule that must have decided; empty for any."""
