"""Fetches a component: every digest and the signature are checked before the file gets its name."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, SignatureError, UsageError, WasmOciError
from wasm_oci.files import atomic_path, open_input, write_file
from wasm_oci.limits import LIMITS
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import (
    DOCKER_LIST_MEDIA_TYPE,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    SIGNATURE_MEDIA_TYPE,
    WASM_LAYER_MEDIA_TYPE,
    Descriptor,
    document_kind,
)
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import artifact_type_of, find_referrers
from wasm_oci.oci.release_index import RELEASE_ARTIFACT_TYPE
from wasm_oci.oci.store import FetchedManifest, Store
from wasm_oci.oci.target import Target
from wasm_oci.trust.trust import SignatureCount, Trust, verify_trusted
from wasm_oci.wasm.sections import read_preamble
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.signature import SignatureData, parse_signature
from wasm_oci.wasmsign.verify import FileVerifier, VerifyResult

_ACCEPT_UNSIGNED = "accept it unsigned only with --allow-unsigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A component that was checked and has its name."""

    digest: Digest
    """The manifest's: what to pin."""
    component: Descriptor
    verified: VerifyResult | None
    """None where it was accepted without a signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A component that was checked and has no name yet."""

    target: Target
    fetched: FetchedManifest
    manifest: Manifest
    component: Path
    signatures: Iterable[bytes]
    """The detached signatures that refer to the manifest, unverified, each read once; raises what reading them raises."""
    where: str


class _Once(Iterable[bytes]):
    """What an iterator yields, read once however often it is asked for, with the error that ended it."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._read: list[bytes] = []
        self._error: WasmOciError | None = None

    def __iter__(self) -> Iterator[bytes]:
        position = 0
        while position < len(self._read) or self._next():
            yield self._read[position]
            position += 1

    def _next(self) -> bool:
        if self._error:
            raise self._error
        try:
            self._read.append(next(self._source))
        except StopIteration:
            return False
        except WasmOciError as err:
            self._error = err
            raise
        return True


Approve = Callable[[Fetched], None]
"""Raises an error for what must not get its name."""


def approve_all(fetched: Fetched) -> None:
    """Has no objection."""
    del fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    result: VerifyResult | None
    detached: tuple[bytes, ...] = ()
    """The signatures that refer to the manifest and verified, as many as were needed."""


def pull(
    target: Target,
    output: Path,
    *,
    trust: Trust | None,
    signature: bytes | None = None,
    pattern: SectionPattern | None = None,
    allow_unsigned: bool = False,
    signature_output: Path | None = None,
    referrers: Iterable[Manifest | Index] | None = None,
    approve: Approve = approve_all,
) -> Pulled:
    """Writes the component of a manifest to `output`, all or nothing, and the detached signature that verified to `signature_output`.

    `signature` is a detached one that counts instead of what the store has; without it, the keys of the embedded one
    and of those that refer to the manifest count together. With `allow_unsigned` a component without any signature is
    accepted, and without `trust` one is not looked for. `referrers` is what refers to the manifest, where only that counts; by default
    the store is asked. `approve` comes last, before anything has its name. Raises UsageError without `trust` otherwise,
    SignatureError (DigestError too) for what does not verify, FormatError for another kind of artifact and where no detached
    signature was needed, and what `approve` raises.
    """
    if trust is None and not allow_unsigned:
        raise UsageError("no public key is given to verify with", hint=f"give one with -K or --trusted-keys; {_ACCEPT_UNSIGNED}")
    if signature is not None and trust is None:
        raise UsageError("a signature needs a public key to verify with", hint="give one with -K or --trusted-keys")
    store, fetched = target.store, target.fetch()
    descriptor = fetched.descriptor
    where = f"{store.name}@{descriptor.digest}"
    manifest = image_manifest(fetched, where)
    component = only_component(manifest, where)
    listed = find_referrers(store, descriptor.digest, SIGNATURE_MEDIA_TYPE) if referrers is None else referrers
    signatures = _Once(islice(detached_signatures(store, listed), LIMITS.signatures))
    with atomic_path(output) as path:
        fetch_component(store, component, path)
        with open_input(path) as stream:
            read_preamble(stream, where=where)
        try:
            nothing = _Verified(result=None)
            verified = _verify(path, iter(signatures), trust, signature, pattern, allow_unsigned=allow_unsigned) if trust else nothing
        except SignatureError as err:
            err.where = where if err.where.startswith(str(path)) else err.where
            raise
        approve(Fetched(target=target, fetched=fetched, manifest=manifest, component=path, signatures=signatures, where=where))
        if signature_output:
            write_file(signature_output, _one_signature(verified.detached, where), what="signature file")
    return Pulled(digest=descriptor.digest, component=component, verified=verified.result)


def _one_signature(payloads: tuple[bytes, ...], where: str) -> bytes:
    """Returns a detached signature as it was published, several as one."""
    if not payloads:
        what = "no detached signature was needed to verify the component, so that there is none to save"
        raise FormatError(what, where=where, hint="omit --signature-output: the signature is part of the component")
    if len(payloads) == 1:
        return payloads[0]
    return SignatureData(sets=tuple(each for payload in payloads for each in parse_signature(payload, where=where).sets)).encode()


def detached_signatures(store: Store, referrers: Iterable[Manifest | Index]) -> Iterator[bytes]:
    """Yields the detached signatures among the referrers of a manifest; unverified.

    Those that cannot be read are passed over; where there were any, an error follows the last signature.
    """
    deferred, seen = Deferred(), set[tuple[Digest, int]]()
    for referrer in referrers:
        if not isinstance(referrer, Manifest) or artifact_type_of(referrer) != SIGNATURE_MEDIA_TYPE:
            continue
        for layer in referrer.layers:
            described = layer.digest, layer.size  # a referrer with a wrong size hides none with the right one
            if layer.media_type != SIGNATURE_MEDIA_TYPE or layer.size > LIMITS.signature_section or described in seen:
                continue
            seen.add(described)
            payload = None
            with deferred.entry():
                payload = b"".join(store.pieces(layer))
            if payload is not None:
                yield payload
    deferred.close()


def image_manifest(fetched: FetchedManifest, where: str) -> Manifest:
    """Raises FormatError for a document of another kind."""
    media_type = fetched.descriptor.media_type
    if media_type != MANIFEST_MEDIA_TYPE:
        several = media_type in (INDEX_MEDIA_TYPE, DOCKER_LIST_MEDIA_TYPE)
        hint = "name one of its manifests by digest" if several else "publish the component as an OCI artifact"
        if media_type == INDEX_MEDIA_TYPE and Index.parse(fetched.data, where=where, skip_bad=True).artifact_type == RELEASE_ARTIFACT_TYPE:
            hint = f"name one of its members, which `wasm_oci release show {shlex.quote(where)}` lists"
            raise FormatError("this is a release, not a component", where=where, hint=hint)
        raise FormatError(f"this is {document_kind(media_type)}, not an image manifest", where=where, hint=hint)
    return Manifest.parse(fetched.data, where=where)


def fetch_component(store: Store, component: Descriptor, path: Path) -> None:
    """Writes a component to a file; raises what reading it raises, and then the file is not to be used."""
    with path.open("wb") as stream:
        for piece in store.pieces(component):
            stream.write(piece)


def only_component(manifest: Manifest, where: str) -> Descriptor:
    found = manifest.components
    if len(found) != 1:
        kinds = ", ".join(sorted({layer.media_type for layer in manifest.layers}))[:200] or "none"
        raise FormatError(
            f"expected exactly one layer of type {WASM_LAYER_MEDIA_TYPE}, found {len(found)} (layer types: {kinds})",
            where=where,
            hint="this is not an artifact with one WebAssembly component",
        )
    return found[0]


def _verify(
    path: Path,
    payloads: Iterator[bytes],
    trust: Trust,
    signature: bytes | None,
    pattern: SectionPattern | None,
    *,
    allow_unsigned: bool,
) -> _Verified:
    """The given signature, else an embedded one, and as many of `payloads`, which refer to the manifest, as are needed."""
    if signature is not None:
        return _Verified(result=verify_trusted(path, trust, signature=signature, pattern=pattern))
    tally, refused, verifier = SignatureCount(trust), None, FileVerifier(path, pattern=pattern)
    detached: list[bytes] = []
    try:
        tally.add(verifier.verify(trust.ed25519_keys))
    except SignatureError as err:
        if err.reason not in ("unsigned", "no_trusted_key"):
            raise
        refused = err
    while not tally.enough and (payload := next(payloads, None)) is not None:
        try:
            tally.add(verifier.verify(trust.ed25519_keys, signature=payload))
        except SignatureError as err:
            refused = err
        else:
            detached.append(payload)
    if refused is None or not tally.empty:
        return _Verified(result=tally.result(where=str(path)), detached=tuple(detached))
    if refused.reason == "unsigned":
        if allow_unsigned:
            return _Verified(result=None)
        refused.hint = f"neither it nor the source holds a signature; {_ACCEPT_UNSIGNED}"
    raise refused
