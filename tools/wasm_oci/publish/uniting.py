"""Makes a release one object: the index of what goes to a registry, and the plans for it and for the members beside it.

An index may name only what is in its own repository (distribution specification, "Pushing Manifests"), so that each member is stored
there too.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

from wasm_oci.attest.find import find_statements
from wasm_oci.attest.write import sign_statement
from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, NotFoundError, UsageError, WasmOciError
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.keys.signer import AnySigner
from wasm_oci.oci.descriptor import TITLE_ANNOTATION
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.release_index import VERSION_ANNOTATION, Member, ReleaseIndex
from wasm_oci.oci.store import FetchedManifest, MountingStore, Store
from wasm_oci.publish.artifact import Artifact, statement_referrer, with_referrers
from wasm_oci.publish.looking import Question, make_known_plan, make_plan
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Placing, Stage
from wasm_oci.publish.release_request import DestinationRequest, IndexRequest
from wasm_oci.publish.resolve import Destination, NamedRepository
from wasm_oci.publish.signing import Signing
from wasm_oci.trust.predicate_types import SIGN
from wasm_oci.trust.trust import Trust

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A registry whose artifacts are released as one object."""

    request: IndexRequest
    destination: Destination
    current: ReleaseIndex | None = None
    """What the first of its tags that exists names."""
    current_digest: Digest | None = None
    signers: tuple[AnySigner, ...] = ()
    """Those of a statement each about the index."""
    unsigned: WasmOciError | None = None
    """Why a dry run has none."""

    @property
    def store(self) -> Store:
        return self.destination.store

    @property
    def repository(self) -> str:
        return repository_in(self.request.destination.repository)

    def is_own(self, store: Store) -> bool:
        """Returns whether the index is in the same repository, or folder."""
        return store.identity == self.store.identity

    def tags_of(self, store: Store, destination: DestinationRequest) -> tuple[str, ...]:
        """Returns the tags of a member: none in a folder, where those of all members would be one list."""
        return () if self._in_folder(store) else destination.tags

    def plan_member(
        self,
        artifact: Artifact,
        store: Store,
        destination: DestinationRequest,
        question: Question,
        *,
        movable: Collection[str],
        move_tags: bool,
    ) -> list[Plan]:
        """Returns the plan for a member in its own repository, and the one beside the index where that is another repository.

        Nothing is asked for what the current release names already.
        """
        tags, own = self.tags_of(store, destination), self.is_own(store)
        placing = Placing(unit=store.place, child=self._in_folder(store))
        if self.current and self.current_digest and self.current.names(member_of(artifact, destination)):
            return [make_known_plan(artifact, store, tags, named_by=self.current_digest, placing=placing)]
        plans = [make_plan(artifact, store, tags, movable=movable, move_tags=move_tags, question=question, placing=placing)]
        if not own:
            source = store.repository if isinstance(store, MountingStore) else ""
            beside = Placing(stage=Stage.BESIDE, unit=store.place, child=True, mount_from=source)
            plans.append(make_plan(artifact, self.store, question=question, placing=beside))
        return plans

    def plan_index(self, members: Sequence[Member], question: Question) -> Plan:
        """Returns the plan for the index of `members` and the statements about it; raises UsageError where there are none."""
        request = self.request
        if not members:
            raise UsageError("no artifact goes to the registry of this release index", where=self.store.name, hint="leave it out")
        artifact = request.ready or Artifact(
            manifest=ReleaseIndex.of(self.repository, members).index(), blobs=(), where=f"release {self.store.name}"
        )
        question.error = question.error or self.unsigned
        return make_plan(
            question.ask(self.store.place, lambda: self._signed(artifact)) or artifact,
            self.store,
            request.destination.tags,
            movable=request.movable_tags,
            move_tags=request.move_tags,
            question=question,
            placing=Placing(stage=Stage.INDEX, unit=self.store.place),
        )

    def _signed(self, artifact: Artifact) -> Artifact:
        """Returns the index with a statement of each signer; one that signs in another way each time makes none where there is one."""
        subject = FetchedManifest(descriptor=artifact.descriptor, data=artifact.manifest.raw)
        signers = [each for each in self.signers if each.public.deterministic or not self._has_statement(subject, each.public)]
        return with_referrers(artifact, [statement_referrer(sign_statement(subject, SIGN, {}, signer)) for signer in signers])

    def _has_statement(self, subject: FetchedManifest, public: AnyPublicKey) -> bool:
        found = find_statements(self.store, subject, trust=Trust.of_keys([public]), predicate_type=SIGN)
        return any(each.key for each in found)

    def _in_folder(self, store: Store) -> bool:
        return self.is_own(store) and not isinstance(store, MountingStore)


def with_signers(unit: Unit, signing: Signing | None, *, dry_run: bool) -> Unit:
    """Returns the unit with the signers that it asks for; in a dry run why a key cannot be used is in it, else that is raised."""
    if signing is None or not unit.request.statement_keys:
        return unit
    try:
        return replace(unit, signers=tuple(signing.statement_signers(unit.request.statement_keys)))
    except WasmOciError as err:
        if not dry_run:
            raise
        return replace(unit, unsigned=err)


def member_of(artifact: Artifact, destination: DestinationRequest) -> Member:
    """Returns an artifact as a release index names it."""
    repository = repository_in(destination.repository)
    annotations = artifact.manifest.annotations
    return Member(
        descriptor=artifact.descriptor,
        repository=repository,
        title=annotations.get(TITLE_ANNOTATION) or repository.rpartition("/")[2],
        version=annotations.get(VERSION_ANNOTATION, ""),
        tags=frozenset(destination.tags),
        referrers=frozenset(referrer.descriptor().digest for referrer in artifact.referrers),
    )


def repository_in(place: NamedRepository | Reference) -> str:
    """Returns the name of a repository without what its registry puts before it."""
    return place.name if isinstance(place, NamedRepository) else place.repository


def with_current(unit: Unit, question: Question) -> Unit:
    """Returns the unit with the release that its registry has now, as far as that can be known by one request for each tag."""
    if unit.request.ask_all:
        return unit
    for tag in unit.request.destination.tags:
        found = question.ask(unit.store.place, partial(_find_release, unit.store, tag))
        if found:
            return replace(unit, current=found[0], current_digest=found[1])
    return unit


def _find_release(store: Store, tag: str) -> tuple[ReleaseIndex, Digest] | None:
    """None where the tag does not exist, or names something else, which the plan for the tag is about."""
    try:
        fetched = store.fetch_manifest(tag)
        return ReleaseIndex.parse(fetched, where=f"{store.name}:{tag}"), fetched.descriptor.digest
    except NotFoundError:
        return None
    except (FormatError, UsageError) as err:
        _log.warning("tag %s is not used to find out what is there: %s", tag, err)
        return None
