"""The table of decisions once more, by real artifacts: a build, `policy check`, publishing and pulling decide as the rows say."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy.artifacts_of_rows import Made, about_itself, make
from policy.table import ROWS, TABLE, subject_of
from wasm_oci.cli.policies.deciding import PolicyCheckRequest, run_check
from wasm_oci.decisions.publishing import by_policies
from wasm_oci.decisions.pulling import PullPolicies
from wasm_oci.errors import PolicyError, UsageError, WasmOciError
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.target import Target
from wasm_oci.policy.reader import parse_policy
from wasm_oci.policy.subject import Registry, Subject
from wasm_oci.policy_facts.artifact_facts import Source
from wasm_oci.policy_facts.judgement import JudgedKey, Judgement, judge
from wasm_oci.policy_facts.place_facts import places_of
from wasm_oci.policy_facts.registry_facts import named_registry
from wasm_oci.policy_facts.world_facts import with_worlds
from wasm_oci.publish.artifact import load_artifact
from wasm_oci.publish.planning import Ready, Resolved
from wasm_oci.publish.registries import RegistryEntry
from wasm_oci.publish.release_request import ArtifactRequest, DestinationRequest, PolicyRequest, ReleaseRequest
from wasm_oci.publish.resolve import Destination, NamedRepository
from wasm_oci.publish.signing import SignerRequest
from wasm_oci.reading.pull import Fetched, detached_signatures
from wasm_oci.registry_config.config_file import load_registry_config
from wasm_oci.trust.trust import Trust
from wasm_oci.trust.trust_store import document_of as trust_document

NOT_MADE = {"api_changes", "denied_digests", "new_imports"}
"""What the artifacts that are made here do not have facts about."""
NOT_IN_BUILD = ("statements", "digest_pin", "key_sources")
"""What a build leaves to later steps; a row says what decides where it is known."""
NOT_OF_FILE = ("annotation", "versions", *NOT_IN_BUILD)


class Named:
    """A layout under the name of a repository."""

    def __init__(self, store: LayoutStore, name: str) -> None:
        self._store, self.name = store, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def rows() -> list[dict[str, Any]]:
    return [row for row in ROWS if not any(member in str(TABLE["policies"][row["policy"]]) for member in NOT_MADE)]


def place_of(subject: Subject) -> tuple[NamedRepository | Reference, frozenset[str]] | None:
    """How the row's registry is named for publishing; None where no name makes it what it is."""
    registry = subject.registry
    if registry is None or not registry.host or "://" in registry.host:
        return None
    with suppress(UsageError):
        Reference.parse("/".join(filter(None, (registry.host, registry.prefix, subject.path))))
        return _place(subject, registry)
    return None


def _place(subject: Subject, registry: Registry) -> tuple[NamedRepository | Reference, frozenset[str]] | None:
    plain = frozenset({registry.host}) if registry.plain_http else frozenset[str]()
    place: NamedRepository | Reference
    if registry.name is None:
        place = Reference.parse("/".join(filter(None, (registry.host, registry.prefix, subject.path))))
    else:
        entry = RegistryEntry(name=registry.name, host=registry.host, prefix=registry.prefix)
        named = f"{registry.host}/{registry.prefix}".strip("/")
        place = NamedRepository(
            registries=(entry,) if registry.name else (),
            registry=registry.name or named,
            namespace=subject.namespace,
            repository=subject.name,
        )
    found = places_of(place, plain)
    same = [(each.registry, each.namespace, each.name) for each in found] == [(registry, subject.namespace, subject.name)]
    return (place, plain) if same else None


def differs(row: dict[str, Any], stage: str, document: dict[str, Any]) -> bool:
    """Whether a decision is not that of the row; rule and check are written for the verdict that all steps share."""
    verdict = row.get("stages", {}).get(stage, row["verdict"])
    if document["decision"] != verdict:
        return True
    by = document["decidedBy"]
    return verdict == row["verdict"] and (by["rule"], by["check"]) != (row["rule"], row.get("check", ""))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], Subject, Made, Path]]:
    """Every row that can be made, its facts, its artifact and its policy."""
    found = []
    for number, row in enumerate(rows()):
        subject = subject_of(row, "publish")
        folder = tmp_path_factory.mktemp(f"row{number}")
        policy = folder / row["policy"]
        policy.write_text(yaml.safe_dump(TABLE["policies"][row["policy"]], sort_keys=False))
        sized = "max_size" in policy.read_text()
        if with_worlds(parse_policy(policy.read_bytes(), where="row"), replace(subject, worlds=None)).worlds not in (None, subject.worlds):
            continue
        if about_itself(subject, subject.digests or ()) and (one := make(folder, subject, sized=sized)):
            found.append((row, subject, one, policy))
    return found


def test_at_publish(made: list[tuple[dict[str, Any], Subject, Made, Path]]) -> None:
    problems, count = [], 0
    for row, subject, one, policy in made:
        place = place_of(subject)
        if place is None or subject.tags is None or subject.time is None or subject.key_sources != ("file",):
            continue
        artifact = load_artifact(one.layout, [*one.files, *one.statements])
        request = ArtifactRequest(
            layout=one.layout,
            policy=PolicyRequest(
                policies=(policy,),
                keys=tuple(one.policy_keys()),
                trust=Trust(keys=tuple(one.publics.values()), known={each.public: each for each in one.trusted(all_keys=False)}),
                overrides=tuple(row["subject"].get("overrides", ())),
            ),
            signers=tuple(SignerRequest(public_key=one.file(number)) for number in one.signers),
            destinations=(DestinationRequest(repository=place[0], tags=subject.tags),),
        )
        store = LayoutStore(one.folder / "empty")
        resolved = Resolved(request=request, artifact=artifact, destinations=(Destination(store=store),))
        decide = by_policies(ReleaseRequest(artifacts=(request,), plain_http=place[1]), subject.time)
        ((decision,),) = (each.decisions for each in decide([resolved], [Ready(artifact=artifact)], None))
        assert decision.document is not None
        assert (decision.denial is None) == (decision.document["decision"] == "allow")
        count += 1
        if differs(row, "publish", decision.document):
            problems.append((decision.document["decision"], decision.document["decidedBy"], row))
    assert problems == []
    assert count > 400


def test_at_pull(made: list[tuple[dict[str, Any], Subject, Made, Path]]) -> None:
    problems, count = [], 0
    for row, subject, one, policy in made:
        place, registry = place_of(subject), subject.registry
        pinning = "digest_pin" in str(TABLE["policies"][row["policy"]])
        second = any(name in str(TABLE["policies"][row["policy"]]) for each in one.signers.values() for name in each.names[1:])
        unfit = (
            "key_sources" in row["subject"]
            or subject.time is None
            or row["subject"].get("overrides")
            or second
            or (len(subject.tags or ()) != 1 and not pinning)
        )
        if place is None or registry is None or unfit:
            continue
        store, artifact = LayoutStore.open(one.layout), load_artifact(one.layout, [*one.files, *one.statements])
        for referrer in artifact.referrers:
            for blob in artifact.blobs:
                store.put_blob(blob.descriptor, blob.content)
            store.attach(referrer)
        tag = subject.tags[0] if subject.tags and not (pinning and subject.pinned) else None
        name = "/".join(filter(None, (registry.host, registry.prefix, subject.path)))
        target = Target(store=Named(store, name), wanted=tag or artifact.descriptor.digest, pinned=bool(subject.pinned))
        entries = (RegistryEntry(name=registry.name, host=registry.host, prefix=registry.prefix),) if registry.name else ()
        known = one.trusted(all_keys=True)
        policies = PullPolicies(
            paths=(policy,),
            text=name,
            trust=Trust(keys=tuple(each.public for each in known), known={each.public: each for each in known}) if known else None,
            entries=entries or ((RegistryEntry(name="other", host="other.example"),) if registry.name == "" else ()),
            plain_http=place[1],
            time=subject.time,
        )
        fetched = store.fetch_manifest(artifact.descriptor.digest)
        component = one.folder / "component.wasm"
        try:
            manifest = Manifest.parse(fetched.data, where=name)
            signatures = detached_signatures(store, find_referrers(store, artifact.descriptor.digest, SIGNATURE_MEDIA_TYPE))
            found = Fetched(target=target, fetched=fetched, manifest=manifest, component=component, signatures=signatures, where=name)
            policies.approve(found)
        except PolicyError as err:
            document = dict(err.verdicts[0])
        else:
            document = dict(policies.decision.document or {})
        count += 1
        if differs(row, "pull", document):
            problems.append((document["decision"], document["decidedBy"], row))
    assert problems == []
    assert count > 400


def test_by_the_check_of_a_build(made: list[tuple[dict[str, Any], Subject, Made, Path]]) -> None:
    """WasmPolicyCheck: an image in a layout, one signature file at most, keys of targets and a trust store."""
    problems, count = [], 0
    for row, subject, one, policy in made:
        asks = any(word in str(TABLE["policies"][row["policy"]]) for word in NOT_IN_BUILD)
        named = named_in_build(one.folder, subject.registry)
        if asks or named is None or len(one.files) > 1 or row["subject"].get("overrides"):
            continue
        registries, registry_list = named
        store, trusted = one.folder / "trusted.json", one.trusted(all_keys=True)
        store.write_text(json.dumps(trust_document(tuple(trusted))))
        (verdict,) = judge(
            Judgement(
                target="//:row",
                name=subject.name,
                namespace=subject.namespace,
                tags=subject.tags,
                registries=registries,
                component=one.folder / "component.wasm",
                layout=one.layout,
                signature=one.files[0] if one.files else None,
                policies=(policy,),
                keys=tuple(JudgedKey(**asdict(each)) for each in one.policy_keys()),
                trust_stores=(store,) if trusted else (),
                registry_list=registry_list,
            )
        )
        count += 1
        if differs(row, "build", verdict.to_json()):
            problems.append((list(verdict.lines()), row))
    assert problems == []
    assert count > 400


def named_in_build(folder: Path, registry: Registry | None) -> tuple[tuple[str, ...], Path | None] | None:
    """How a target names the row's registry, with its list; None where no name makes it what it is."""
    if registry is None:
        return (), None
    place, config = f"{registry.host}/{registry.prefix}".strip("/"), None
    if registry.name is not None:
        config = folder / "list.yaml"
        entry = f"{registry.name}|{place}" if registry.name else "other|other.example"
        config.write_text(json.dumps({"registries": [entry], "plain_http": [registry.host] if registry.plain_http else []}))
    try:
        found = named_registry(registry.name or place, load_registry_config(config) if config else None, ())
    except WasmOciError:
        return None
    return ((registry.name or place,), config) if found == registry else None


def test_by_policy_check(made: list[tuple[dict[str, Any], Subject, Made, Path]]) -> None:
    """`policy check` of a file knows neither annotations nor statements, and one signature file at most."""
    problems, count = [], 0
    for row, subject, one, policy in made:
        text = str(TABLE["policies"][row["policy"]])
        registry = subject.registry
        names = [name for each in one.signers.values() for name in each.names[1:]]
        asks = any(word in text for word in (*NOT_OF_FILE, *names))
        if asks or not subject.tags or len(one.files) > 1 or registry is None or row["subject"].get("overrides"):
            continue
        known = one.trusted(all_keys=True)
        named = registry.name if registry.name is not None else f"{registry.host}/{registry.prefix}".strip("/")
        config = one.folder / "registries.yaml"
        place = f"{registry.host}/{registry.prefix}".strip("/")
        entries = f'registries: ["{registry.name}|{place}"]\n' if registry.name and place else None
        if entries:
            config.write_text(entries)
        if not registry.name or not entries:
            continue
        outcome = run_check(
            PolicyCheckRequest(
                source=Source(
                    text=str(one.folder / "component.wasm"),
                    trust=Trust(keys=tuple(each.public for each in known), known={each.public: each for each in known}) if known else None,
                    signature=one.files[0] if one.files else None,
                    registry_config=config,
                    plain_http=(registry.host,) if registry.plain_http else (),
                ),
                policies=(policy,),
                registries=(named,),
                name=subject.path,
                tags=subject.tags or (),
                at="build",
                time=None,
                previous=None,
                facts=None,
                overrides=(),
                explain=False,
            )
        )
        (document,) = outcome.document["verdicts"]
        count += 1
        if differs(row, "build", document):
            problems.append((document["decision"], document["decidedBy"], row))
    assert problems == []
    assert count > 340
