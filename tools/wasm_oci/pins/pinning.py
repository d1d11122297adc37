"""Finds what a tag names, verifies it as a build will, and says what the lock file holds of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from wasm_oci.decisions.pulling import PullPolicies
from wasm_oci.digest import SHA256, Digest
from wasm_oci.errors import FormatError, SignatureError, UsageError, WasmOciError
from wasm_oci.files import read_bounded
from wasm_oci.http.transport import Transport
from wasm_oci.jsontext import JsonObject, pretty
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import BUNDLE_MEDIA_TYPE, SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.oci.target import Target
from wasm_oci.pins.module_file import PullTag
from wasm_oci.publish.artifact import blobs_of
from wasm_oci.publish.registries import registry_store
from wasm_oci.publish.signing import scratch_folder
from wasm_oci.reading.pull import approve_all, image_manifest, only_component, pull
from wasm_oci.trust.request import TrustRequest
from wasm_oci.trust.trust import Trust
from wasm_oci.trust.trust_store import parse_trust_store
from wasm_oci.wasmsign.verify import VerifyResult
from wasm_oci.wording import shown_value

LOCK_VERSION = 1
_PINNED_TYPES = (SIGNATURE_MEDIA_TYPE, BUNDLE_MEDIA_TYPE)
"""What verification may need of all that refers to a manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What a tag of the module pins from now on."""

    pull: PullTag
    reference: Reference
    digest: Digest
    component: Digest
    referrers: tuple[Digest, ...]
    token_service: str
    """Where the registry has tokens issued; empty where it asked for none."""
    trust: Trust | None
    verified: VerifyResult | None
    """None for `verify = False`."""

    def locked(self) -> JsonObject:
        """Returns the entry of the lock file."""
        entry: JsonObject = {
            "component": str(self.component),
            "image": self.pull.image,
            "manifest": str(self.digest),
            "referrers": [str(digest) for digest in self.referrers],
        }
        return entry | ({"token_service": self.token_service} if self.token_service else {})


def lock_files(pins: Iterable[Pin]) -> Mapping[Path, bytes]:
    """Returns the content of each lock file that the tags name."""
    components: dict[Path, JsonObject] = {}
    for pin in pins:
        if pin.pull.lock:
            components.setdefault(pin.pull.lock, {})[pin.pull.name] = pin.locked()
    return {path: pretty({"components": entries, "version": LOCK_VERSION}) for path, entries in components.items()}


def make_pin(pull_tag: PullTag, *, transport: Transport, environ: Mapping[str, str]) -> Pin:
    """Resolves the tag, or takes the digest where there is no tag, and verifies what it names with the keys and the policy of the tag.

    Raises UsageError for a tag that names nothing, or no keys, what a registry raises, and what `pull` and a policy raise.
    """
    reference, trust = _reference(pull_tag), _trust(pull_tag)
    store = registry_store(reference, transport=transport, environ=environ)
    fetched = store.fetch_manifest(reference.tag or _digest(pull_tag))
    where = f"{reference.name}@{fetched.descriptor.digest}"
    manifest = image_manifest(fetched, where)
    component = only_component(manifest, where)
    if strange := [blob.digest for blob in blobs_of(manifest) if blob.digest.algorithm != SHA256]:
        raise FormatError(f"Bazel cannot download {strange[0]} by its digest", where=where, hint="publish it with SHA-256 digests")
    with scratch_folder() as scratch:
        layout = LayoutStore(scratch / "layout")
        _copy(store, fetched, manifest, layout)
        referrers = tuple(sorted(_referrers(store, fetched.descriptor.digest, layout))) if pull_tag.lock else ()
        try:
            verified = _verified(pull_tag, reference, fetched.descriptor.digest, layout, trust)
        except WasmOciError as err:
            err.where = f"{pull_tag.where}: {where}"
            if isinstance(err, SignatureError) and err.reason == "unsigned" and not pull_tag.lock:
                err.hint = 'if it has a detached signature, add lock = "//:wasm_oci.lock.json"'
            raise
    return Pin(
        pull=pull_tag,
        reference=reference,
        digest=fetched.descriptor.digest,
        component=component.digest,
        referrers=referrers,
        token_service=store.token_service,
        trust=trust,
        verified=verified,
    )


def _reference(tag: PullTag) -> Reference:
    return Reference.parse(f"{tag.image}:{tag.tag}" if tag.tag else tag.image, where=f"{tag.where}: image")


def _digest(tag: PullTag) -> Digest:
    if tag.digest is None:
        raise UsageError("it has neither tag nor digest", where=tag.where, hint="add a tag")
    return tag.digest


def _trust(tag: PullTag) -> Trust | None:
    """Raises UsageError where keys are missing, or nothing is to be verified with those that are given."""
    given = bool(tag.public_keys or tag.trusted_keys)
    if given != tag.verify:
        hint = "remove the keys, or verify = False" if given else "give public_keys or trusted_keys"
        raise UsageError("verify = False, and keys to verify with" if given else "no keys to verify with", where=tag.where, hint=hint)
    if not tag.verify and tag.policy:
        raise UsageError("verify = False, and a policy", where=tag.where, hint="remove one of them")
    if tag.trusted_keys:
        store = read_bounded(tag.trusted_keys, LIMITS.config_file, what="trust store")
        parse_trust_store(store, partial(_refuse_file, tag.trusted_keys), where=str(tag.trusted_keys))
    return TrustRequest(
        public_keys=tag.public_keys,
        trusted_keys=tag.trusted_keys,
        threshold=tag.threshold,
        split_regex=None,
        openssh=False,
        at=None,
        ignore_time=False,
    ).trust()


def _refuse_file(store: Path, name: str) -> NoReturn:
    what = f"public_key_file names {shown_value(name)}, which a build is not given"
    raise UsageError(what, where=str(store), hint="write the key itself, as public_key")


def _copy(store: Store, fetched: FetchedManifest, manifest: Manifest, layout: LayoutStore) -> None:
    for blob in blobs_of(manifest):
        layout.put_blob(blob, partial(store.pieces, blob))
    layout.put_manifest(fetched.descriptor, fetched.data)


def _referrers(store: Store, subject: Digest, layout: LayoutStore) -> Iterator[Digest]:
    """Copies what verification may need, as far as Bazel can download it, and yields the digests."""
    for artifact_type in _PINNED_TYPES:
        for referrer in find_referrers(store, subject, artifact_type):
            if isinstance(referrer, Manifest) and all(blob.digest.algorithm == SHA256 for blob in blobs_of(referrer)):
                described = referrer.descriptor()
                _copy(store, FetchedManifest(descriptor=described, data=referrer.raw), referrer, layout)
                yield described.digest


def _verified(tag: PullTag, reference: Reference, digest: Digest, layout: LayoutStore, trust: Trust | None) -> VerifyResult | None:
    approve = approve_all
    if tag.policy:
        text = f"{reference}@{digest}"
        policies = PullPolicies(paths=(tag.policy,), text=text, trust=trust, time=trust.at if trust else None, copy_of=reference)
        approve = policies.approve
    target = Target(store=layout, wanted=digest, pinned=True)
    return pull(target, layout.folder.with_name("component.wasm"), trust=trust, allow_unsigned=not tag.verify, approve=approve).verified
