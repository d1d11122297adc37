"""Decisions about what a build made: one component, the registries that it is for, and whom the names of keys mean."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.keys.key import OPENSSH, AnyPublicKey, PublicKey, load_public_key, require_format
from wasm_oci.limits import LIMITS
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.target import layout_target
from wasm_oci.policy.evaluate import decide
from wasm_oci.policy.model import joined
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Annotation, Registry, Signer, Subject
from wasm_oci.policy.verdict import Verdict
from wasm_oci.policy_facts.artifact_facts import Source, read_subject
from wasm_oci.policy_facts.registry_facts import named_registry
from wasm_oci.registry_config.config_file import RegistryConfig, parse_registry_config
from wasm_oci.shape import Runfile
from wasm_oci.trust.trust import Trust, TrustedKey
from wasm_oci.trust.trust_store import load_trust_store


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedKey:
    """A key by the names that rules use."""

    name: str
    label: str
    development: bool
    """Whether a build made it."""
    signs: bool = False
    """Whether it signs what is judged."""
    public_key: Runfile


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
    keys: tuple[NamedKey, ...] = ()
    trust_stores: tuple[Runfile, ...] = ()
    registry_list: Runfile | None = None


def judge(request: Judgement) -> list[Verdict]:
    """Returns a verdict for each registry, as a build knows it: later steps judge what only they know.

    Raises what reading policies, keys and the component raises, and UsageError for one name of two keys.
    """
    policy = joined(parse_policy(read_bounded(path, LIMITS.config_file, what="policy"), where=str(path)) for path in request.policies)
    subject = _subject(request)
    return [decide(policy, replace(subject, registry=registry)) for registry in _registries(request)]


def _registries(request: Judgement) -> Iterator[Registry | None]:
    config = _registry_config(request.registry_list)
    names = request.registries
    if request.all_registries and config:
        names = tuple(entry.name for entry in config.entries if not entry.mirror_of)
    if not names:
        yield None
    for name in names:
        yield named_registry(name or (config.file.default_registry if config else ""), config, ())


def _registry_config(path: Path | None) -> RegistryConfig | None:
    if path is None:
        return None
    return parse_registry_config(read_bounded(path, LIMITS.config_file, what="list of registries"), where=str(path))


def _subject(request: Judgement) -> Subject:
    names = _Names(request)
    subject = read_subject(Source(text=os.fspath(request.component), trust=names.trust, signature=request.signature))
    subject = replace(subject, name=request.name, namespace=request.namespace, at="build", tags=request.tags)
    if request.signed_later:
        subject = replace(subject, signers=None, unverified=())
    else:
        subject = replace(subject, signers=tuple(names.named(signer) for signer in subject.signers or ()))
    if request.layout:
        manifest = _manifest(request.layout)
        annotations = tuple(Annotation(name=name, value=text) for name, text in sorted(manifest.annotations.items()))
        digests = () if request.signed_later else tuple(map(str, sorted(Digest.all_of(manifest.raw))))
        subject = replace(subject, annotations=annotations, digests=(*digests, *(subject.digests or ())))
    return subject


def _manifest(layout: Path) -> Manifest:
    target = layout_target(f"oci:{layout}")
    if target is None:
        raise UsageError("this is not a layout", where=str(layout), hint="name the folder that `wasm_oci image` made")
    return Manifest.parse(target.fetch().data, where=str(layout))


class _Names:
    """Which key each name means."""

    def __init__(self, request: Judgement) -> None:
        self._names: dict[str, list[str]] = {}
        self._development: set[str] = set()
        known: dict[AnyPublicKey, TrustedKey] = {}
        owner: dict[str, str] = {}
        for key in (key for path in request.trust_stores for key in load_trust_store(path)):
            if isinstance(key.public, PublicKey):
                known[key.public] = key
                self._add(key.public, (key.name,), development=key.development, owner=owner)
        keys: list[AnyPublicKey] = list(known)
        for each in request.keys:
            public = load_public_key(each.public_key)
            if request.openssh and each.signs:
                require_format(public, OPENSSH, where=each.label)
            keys.append(public)
            self._add(public, (each.name, each.label), development=each.development, owner=owner)
        self.trust = Trust(keys=tuple(dict.fromkeys(keys)), known=known)

    def _add(self, key: PublicKey, names: tuple[str, ...], *, development: bool, owner: dict[str, str]) -> None:
        key_id = key.key_id.hex()
        for name in filter(None, names):
            if owner.setdefault(name, key_id) != key_id:
                hint = "rename a target, or write full labels"
                raise UsageError(f"{name} is the name of two keys, {owner[name]} and {key_id}", where="trusted_keys", hint=hint)
            self._names[key_id] = list(dict.fromkeys([*self._names.get(key_id, ()), name]))
        if development:
            self._development.add(key_id)

    def named(self, signer: Signer) -> Signer:
        names = tuple(self._names.get(signer.key_id, ()))
        return replace(signer, names=names, development=signer.development or signer.key_id in self._development)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTestRequest(Judgement):
    """The request of a `wasm_policy_test`."""

    expected: Literal["allow", "deny"]
    expected_rule: str = ""
    """The rule that must have decided; empty for any."""
