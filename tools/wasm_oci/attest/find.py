"""The statements about a manifest in a store, each verified or with the reason why it is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from wasm_oci.attest.bundle import parse_bundle
from wasm_oci.attest.statement import Statement, parse_statement
from wasm_oci.attest.verify import Budget, verify_bundle
from wasm_oci.digest import Digest
from wasm_oci.errors import DigestError, FormatError, LimitError, NotFoundError, SignatureError, WasmOciError
from wasm_oci.keys.key import AnyPublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.oci.deferred import Deferred
from wasm_oci.oci.descriptor import BUNDLE_MEDIA_TYPE, Descriptor
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.store import FetchedManifest, Store, read_blob
from wasm_oci.trust.trust import Trust

_GRAVEST = (
    *("key_revoked", "bad_signature", "other_subject", "key_expired", "key_not_yet_valid", "malformed_statement"),
    *("limit", "no_trusted_key", "keyless", "other_predicate"),
)
"""Of several statements that do not verify, the error is that of the first of these reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStatement:
    """A statement as it was found."""

    referrer: Digest | None = None
    """The manifest by which it refers to its subject."""
    bundle: Digest | None = None
    statement: Statement | None = None
    """None where it cannot be read. Without `key`, it is what somebody claims."""
    key: AnyPublicKey | None = None
    """The trusted key that signed it: then it is verified."""
    error: WasmOciError | None = None
    """Why it is not verified, or cannot be read."""


def find_statements(
    store: Store, subject: FetchedManifest, *, trust: Trust | None, predicate_type: str | None = None
) -> Iterator[FoundStatement]:
    """Yields the statements about a manifest, verified with `trust`; without it, as they claim to be.

    What refers to the manifest without being a bundle is passed over. One that does not verify, or whose blob is gone, hides no other;
    that the store failed is raised after the last of them. Raises LimitError and RegistryError where they are too many to look at: a
    caller that needs only some may stop before.
    """
    deferred, budget, left, seen = Deferred(), Budget(), LIMITS.bundle_bytes, set[tuple[Digest, int]]()
    where = f"{store.name}@{subject.descriptor.digest}"
    for number, referrer in enumerate(find_referrers(store, subject.descriptor.digest, BUNDLE_MEDIA_TYPE)):
        if number >= LIMITS.referrers:
            raise LimitError(f"more than {LIMITS.referrers} statements", where=where, hint="remove statements that are not needed")
        digest = referrer.descriptor().digest
        try:
            layer = _layer(referrer)
        except FormatError as err:
            yield FoundStatement(referrer=digest, error=err)
            continue
        if (layer.digest, layer.size) in seen:  # a referrer with a wrong size hides none with the right one
            continue
        seen.add((layer.digest, layer.size))
        left -= layer.size
        if left < 0 or budget.spent:
            what = f"the statements have more than {LIMITS.bundle_bytes} bytes, or too many signatures that may be of the given keys"
            raise LimitError(what, where=where, hint="remove statements that are not needed, or give fewer keys")
        read = None
        with deferred.entry():
            try:
                data = read_blob(store, layer, limit=LIMITS.bundle, what="statement")
            except (NotFoundError, DigestError) as err:
                read = FoundStatement(error=err)
            else:
                read = _verified(data, subject.data, trust, predicate_type, budget) if trust else _claimed(data, subject.data)
        if read is not None:
            yield replace(read, referrer=digest, bundle=layer.digest)
    deferred.close()


def require_statement(store: Store, subject: FetchedManifest, *, trust: Trust, predicate_type: str) -> tuple[FoundStatement, ...]:
    """Returns verified statements of a type by as many keys as are required; no more are looked at than that needs.

    Raises SignatureError where there are none, or too few: with reason `unsigned` where there is no statement at all, else with that of
    one that does not verify, or what `Trust.accepted_keys` raises. Raises what `find_statements` raises where they cannot be known.
    """
    verified, failures, keys = [], list[WasmOciError](), set[AnyPublicKey]()
    for found in find_statements(store, subject, trust=trust, predicate_type=predicate_type):
        if found.key is None:
            failures += [found.error] if found.error else []
            continue
        verified.append(found)
        keys.add(found.key)
        if len(keys) >= trust.threshold:
            return tuple(verified)
    raise missing_statement(f"{store.name}@{subject.descriptor.digest}", predicate_type, verified, failures, trust)


def missing_statement(
    where: str, predicate_type: str | None, verified: Sequence[FoundStatement], failures: Sequence[WasmOciError], trust: Trust
) -> SignatureError:
    """Returns the error for statements by fewer keys than are required, of what was found."""
    keys = [found.key for found in verified if found.key]
    if keys:
        try:
            trust.accepted_keys(keys, where=where)
        except SignatureError as err:
            return err
        raise ValueError("there are enough keys")
    kind = f" of type {predicate_type}" if predicate_type else ""
    if not failures:
        hint = "make one with `wasm_oci attest`"
        return SignatureError(f"no statement{kind} refers to it", where=where, hint=hint, reason="unsigned")
    first = min(failures, key=lambda failure: _GRAVEST.index(failure.reason) if failure.reason in _GRAVEST else len(_GRAVEST))
    count = "the only statement" if len(failures) == 1 else f"none of {len(failures)} statements"
    verifies = "does not verify" if len(failures) == 1 else "verifies"
    what = f"{count} that refers to it {verifies}{kind and f' as one{kind}'}: {first.what}"
    return SignatureError(what, where=where, hint=first.hint, reason=first.reason)


def _layer(referrer: Manifest | Index) -> Descriptor:
    """Returns the layer that is the bundle; raises FormatError where there is not exactly one, or it is too large."""
    layers = referrer.layers if isinstance(referrer, Manifest) else ()
    where = f"referrer {referrer.descriptor().digest}"
    if len(layers) != 1 or layers[0].media_type != BUNDLE_MEDIA_TYPE:
        raise FormatError("it does not have exactly one layer that is a bundle", where=where, reason="malformed_statement")
    if layers[0].size > LIMITS.bundle:
        raise LimitError(f"the statement has {layers[0].size} bytes, more than {LIMITS.bundle}", where=where)
    return layers[0]


def _verified(data: bytes, manifest: bytes, trust: Trust, predicate_type: str | None, budget: Budget) -> FoundStatement:
    try:
        verified = verify_bundle(data, manifest=manifest, trust=trust, where=_where(data), predicate_type=predicate_type, budget=budget)
    except SignatureError as err:
        return replace(_claimed(data, manifest), error=err)
    return FoundStatement(statement=verified.statement, key=verified.key)


def _claimed(data: bytes, manifest: bytes) -> FoundStatement:
    where = _where(data)
    try:
        statement = parse_statement(parse_bundle(data, where=where).envelope.payload, where=f"{where}: statement")
        statement.require_subject(manifest, where=where)
    except (FormatError, SignatureError) as err:
        return FoundStatement(error=err)
    return FoundStatement(statement=statement)


def _where(data: bytes) -> str:
    return f"statement {Digest.of(data)}"
