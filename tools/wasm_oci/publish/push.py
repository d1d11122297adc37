"""What `wasm_oci push` asks of a release: one artifact, from a request file or from a layout and a reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError
from wasm_oci.publish.release_request import NO_POLICY, ArtifactRequest, DestinationRequest, PolicyRequest, ReleaseRequest
from wasm_oci.publish.request import PushRequest
from wasm_oci.publish.resolve import NamedRepository
from wasm_oci.publish.signing import SignerRequest
from wasm_oci.trust.trust import Trust

DEFAULT_MOVABLE = frozenset({"latest"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the command line says over a request; None and empty leave the request as it is."""

    registries: tuple[str, ...] = ()
    """In place of the request's registries, by their names or hosts."""
    namespace: str | None = None
    tags: tuple[str, ...] = ()
    """In place of the request's tag; what else it is tagged with stays."""
    signature: Path | None = None
    trust: Trust | None = None
    require_signed: bool = False
    """Only ever adds to what the request asks for."""
    policy: PolicyRequest = NO_POLICY
    """Further policies, which only ever add to those of the request."""
    movable_tags: frozenset[str] = frozenset()
    move_tags: bool = False
    plain_http: frozenset[str] = frozenset()
    dry_run: bool | None = None
    fail_fast: bool | None = None
    require_referrers_api: bool = False
    """Only ever adds to what the request asks for."""
    audit_log: Path | None = None


def release_of_request(request: PushRequest, overrides: Overrides) -> ReleaseRequest:
    """Returns the release that a publish target asks for.

    A detached signature that is given takes the place of one to be made: it has to be of the keys that would make it.
    """
    signing = request.signing
    signers = request.signers
    if signing:
        named = {signer.public_key for signer in signers}
        keys = (key.public_key for key in signing.keys if key.public_key)
        signers += tuple(SignerRequest(public_key=key) for key in keys if key not in named)
    elif overrides.signature and request.signature:
        signers = ()  # they made the signature that is replaced
    if signing and signing.image is None and overrides.signature:
        signing = None
    tags = (*(overrides.tags or (request.tag,)), *request.extra_tags)
    signature = overrides.signature or (None if signing else request.signature)
    artifact = ArtifactRequest(
        layout=request.layout,
        referrers=(signature,) if signature else (),
        signing=signing,
        signers=signers,
        trust=overrides.trust,
        require_signed=request.require_signed or overrides.require_signed,
        policy=request.policy.with_other(overrides.policy),
        cosign_legacy=request.cosign_legacy,
        destinations=tuple(DestinationRequest(repository=place, tags=tags) for place in _places(request, overrides)),
        movable_tags=request.movable_tags | overrides.movable_tags,
        move_tags=overrides.move_tags,
        notes=request.notes,
    )
    return ReleaseRequest(
        artifacts=(artifact,),
        dry_run=request.dry_run if overrides.dry_run is None else overrides.dry_run,
        plain_http=request.plain_http | overrides.plain_http,
        ca_files=request.ca_files,
        timeout=request.timeout_seconds,
        fail_fast=request.fail_fast if overrides.fail_fast is None else overrides.fail_fast,
        require_referrers_api=request.require_referrers_api or overrides.require_referrers_api,
        audit_log=overrides.audit_log or (Path(request.audit_log) if request.audit_log else None),
    )


def _places(request: PushRequest, overrides: Overrides) -> list[NamedRepository]:
    """Returns where a request goes; raises UsageError for a registry that is named twice."""
    names = overrides.registries or request.target_registries or (request.registry,)
    where = "--registry" if overrides.registries else request.target
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"registry {twice[0][:100]!r} is named twice", where=where, hint="name each registry once")
    return [
        NamedRepository(
            registries=request.registries,
            registry=name,
            where=where,
            default_registry=request.default_registry,
            credential_files=request.credential_files,
            namespace=request.namespace if overrides.namespace is None else overrides.namespace,
            repository=request.repository,
        )
        for name in names
    ]


def release_of_layout(layout: Path, destination: DestinationRequest, overrides: Overrides, *, digest: Digest | None) -> ReleaseRequest:
    """Returns the release of a layout to one place; with a digest, it must have this one."""
    artifact = ArtifactRequest(
        layout=layout,
        referrers=(overrides.signature,) if overrides.signature else (),
        digest=digest,
        trust=overrides.trust,
        require_signed=overrides.require_signed,
        policy=overrides.policy,
        destinations=(destination,),
        movable_tags=DEFAULT_MOVABLE | overrides.movable_tags,
        move_tags=overrides.move_tags,
    )
    return ReleaseRequest(
        artifacts=(artifact,),
        dry_run=bool(overrides.dry_run),
        plain_http=overrides.plain_http,
        require_referrers_api=overrides.require_referrers_api,
        audit_log=overrides.audit_log,
    )
