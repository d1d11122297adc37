"""Reads back what a run sent, by GET, and compares it: nothing but this is called proof that it was stored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from wasm_oci.errors import DigestError, NotFoundError, RegistryError, WasmOciError
from wasm_oci.files import open_input
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.referrers import listed_referrers
from wasm_oci.oci.store import NOT_STORED, FinishedStore, Store
from wasm_oci.publish.artifact import Blob
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.plan_steps import Action

WHOLE = "done (whole)"
ENDS = f"done (size, first and last {LIMITS.read_back_end // 1024} KiB)"


@runtime_checkable
class RangedStore(Protocol):
    """A store that gives parts of a blob."""

    def ends(self, blob: Descriptor, length: int) -> tuple[bytes, bytes] | None:
        """Returns the first and the last `length` bytes of a longer blob, None where only the whole can be had."""


def confirm_blobs(plan: Plan, *, whole: bool) -> Iterator[tuple[Blob, str]]:
    """Yields each blob that was sent and what was read of it; raises DigestError or RegistryError for one that does not come back.

    Where the manifest is new, the blobs that it needs and that were there already are sampled too.
    """
    store = plan.destination
    for step in plan.blobs:
        if step.action.writes:
            yield step.blob, _confirm_blob(store, step.blob, whole=whole, largest=LIMITS.read_back)
        elif plan.manifest is Action.CREATE and isinstance(store, RangedStore):
            yield step.blob, _confirm_blob(store, step.blob, whole=False, largest=2 * LIMITS.read_back_end)


def _confirm_blob(store: Store, blob: Blob, *, whole: bool, largest: int) -> str:
    descriptor = blob.descriptor
    try:
        large = descriptor.size > largest and not whole
        ends = store.ends(descriptor, LIMITS.read_back_end) if large and isinstance(store, RangedStore) else None
        if ends is not None:
            _check_ends(blob, ends)
            return ENDS
        for _piece in store.pieces(descriptor):
            pass
    except NotFoundError as err:
        what = f"{blob.role} blob {descriptor.digest} was accepted but not stored"
        raise RegistryError(what, where=store.name, hint=NOT_STORED, reason="blob_not_stored") from err
    except DigestError as err:
        what = f"{blob.role} blob {descriptor.digest} was accepted but comes back with different content: {err.what}"
        raise DigestError(what, where=store.name, hint=NOT_STORED) from err
    return WHOLE


def _check_ends(blob: Blob, ends: tuple[bytes, bytes]) -> None:
    if ends != _ends_of(blob, LIMITS.read_back_end):
        raise DigestError(f"its first or last {LIMITS.read_back_end} bytes differ")


def _ends_of(blob: Blob, length: int) -> tuple[bytes, bytes]:
    if blob.file:
        with open_input(blob.file, what="blob") as stream:
            first = stream.read(length)
            stream.seek(max(stream.seek(0, os.SEEK_END) - length, 0))
            return first, stream.read(length)
    first, last = b"", b""
    for piece in blob.content():
        first += piece[: length - len(first)]
        last = (last + piece)[-length:]
    return first, last


def confirm_manifest(plan: Plan) -> bool:
    """Returns whether the manifest comes back by its digest; raises where it comes back as another one.

    False is an answer only where a tag follows: there are registries that show a manifest only while it has a tag.
    """
    digest = plan.artifact.descriptor.digest
    try:
        fetched = plan.destination.fetch_manifest(plan.name)
    except NotFoundError as err:
        if plan.manifest is Action.CREATE and any(tag.action.writes for tag in plan.tags):
            return False
        raise manifest_lost(plan) from err
    if fetched.data != plan.artifact.manifest.raw:
        raise DigestError(f"manifest {digest} came back with different content", where=plan.destination.name)
    return True


def manifest_lost(plan: Plan) -> RegistryError:
    """Returns the error for a manifest that was accepted and does not come back."""
    what = f"manifest {plan.artifact.descriptor.digest} was accepted but not stored"
    return RegistryError(what, where=plan.destination.name, hint=NOT_STORED, reason="manifest_not_stored")


def confirm_referrers(plan: Plan) -> None:
    """Raises where a reader of the destination would not find all referrers, or would find other content."""
    destination = plan.destination
    listed = listed_referrers(destination, [referrer.manifest for referrer in plan.referrers if not referrer.child])
    for referrer in plan.referrers:
        what = "signature" if referrer.is_signature else "referrer"
        if referrer.digest not in listed and not referrer.child:
            raise NotFoundError(
                f"the {what} {referrer.digest} was pushed, but the destination does not list it",
                where=destination.name,
                hint="run again: another program may have changed the list at the same time",
            )
        if destination.fetch_manifest(referrer.manifest.descriptor()).data != referrer.manifest.raw:
            raise DigestError(f"manifest {referrer.digest} of the {what} came back with different content", where=destination.name)


def finish(stores: Iterable[Store]) -> dict[str, WasmOciError]:
    """Has those places that keep what they are given only at the end keep it; returns why they do not, by their identities."""
    errors: dict[str, WasmOciError] = {}
    for identity, store in {store.identity: store for store in stores}.items():
        try:
            if isinstance(store, FinishedStore):
                store.finish()
        except WasmOciError as err:
            errors[identity] = err
    return errors
