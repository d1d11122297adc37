"""Blobs: pull, ranges, delete, and every way of pushing (distribution specification, "Pushing blobs")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from wasm_oci.digest import ALGORITHMS, SHA256, Digest
from wasm_oci.local_registry.messages import OCTETS, Refusal, ServedRequest, ServedResponse, bounded, digest_header
from wasm_oci.local_registry.names import is_repository, needed_digest, parse_digest
from wasm_oci.local_registry.registry import Registry
from wasm_oci.local_registry.uploads import Upload

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_CONTENT_RANGE = re.compile(r"(?:bytes )?(\d{1,18})-(\d{1,18})(?:/(?:\d{1,18}|\*))?")


def get_blob(registry: Registry, request: ServedRequest, name: str, reference: str) -> ServedResponse:
    digest = needed_digest(reference)
    path = registry.repository(name).find_blob(digest)
    if path is None:
        raise Refusal(404, "BLOB_UNKNOWN", f"blob {digest} not found in {name}")
    size = path.stat().st_size
    headers = {"Content-Type": OCTETS, "Accept-Ranges": "bytes", **digest_header(digest)}
    wanted = _RANGE.fullmatch(request.headers.get("range", ""))
    if wanted is None or not any(wanted.groups()) or (all(wanted.groups()) and int(wanted[1]) > int(wanted[2])):
        return ServedResponse(status=200, headers=headers, file=path, length=size)
    first, last = _bounds(wanted[1], wanted[2], size)
    if first > last:
        unsatisfiable = {"Content-Range": f"bytes */{size}"}
        raise Refusal(416, "SIZE_INVALID", f"the blob has {size} bytes", headers=unsatisfiable)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return ServedResponse(status=206, headers=headers, file=path, offset=first, length=last - first + 1)


def delete_blob(registry: Registry, request: ServedRequest, name: str, reference: str) -> ServedResponse:
    del request
    if not registry.repository(name).delete_blob(needed_digest(reference)):
        raise Refusal(404, "BLOB_UNKNOWN", f"blob {reference} not found in {name}")
    return ServedResponse(status=202)


def open_upload(registry: Registry, request: ServedRequest, name: str) -> ServedResponse:
    """POST: mounts, takes a whole blob at once, or opens a upload."""
    if mounted := _mount(registry, request, name):
        return _created(name, mounted)
    upload = registry.uploads.open(name, _algorithm(request))
    if "digest" not in request.query:
        return _accepted(upload)
    try:
        return _finish(registry, request, upload)
    except BaseException:
        registry.uploads.close(upload)
        raise


def _algorithm(request: ServedRequest) -> str:
    """Returns the algorithm that the digest of an upload will probably have ("Pushing a blob in chunks", `digest-algorithm`)."""
    text = request.query.get("digest-algorithm") or request.query.get("digest", "").partition(":")[0]
    return text if text in ALGORITHMS else SHA256


def patch_upload(registry: Registry, request: ServedRequest, name: str, identifier: str) -> ServedResponse:
    with _writing(registry, request, name, identifier) as upload:
        upload.append(_content(registry, request, upload))
        return _accepted(upload)


def upload_status(registry: Registry, request: ServedRequest, name: str, identifier: str) -> ServedResponse:
    del request
    upload = registry.uploads.find(name, identifier)
    return ServedResponse(status=204, headers=_progress(upload))


def finish_upload(registry: Registry, request: ServedRequest, name: str, identifier: str) -> ServedResponse:
    with _writing(registry, request, name, identifier) as upload:
        return _finish(registry, request, upload)


def cancel_upload(registry: Registry, request: ServedRequest, name: str, identifier: str) -> ServedResponse:
    with _writing(registry, request, name, identifier) as upload:
        registry.uploads.close(upload)
    return ServedResponse(status=204)


def _finish(registry: Registry, request: ServedRequest, upload: Upload) -> ServedResponse:
    digest = needed_digest(request.query.get("digest", ""))
    upload.finish(_content(registry, request, upload), digest, registry.repository(upload.repository))
    registry.uploads.close(upload)
    return _created(upload.repository, digest)


def _content(registry: Registry, request: ServedRequest, upload: Upload) -> Iterator[bytes]:
    """Returns the request's content once its place in the blob is checked (Content-Range is inclusive)."""
    given = request.headers.get("content-range")
    if given is not None:
        found = _CONTENT_RANGE.fullmatch(given)
        if found is None:
            raise Refusal(400, "BLOB_UPLOAD_INVALID", "Content-Range must be START-END, both inclusive")
        start, end = int(found[1]), int(found[2])
        if start != upload.size:
            raise Refusal(416, "BLOB_UPLOAD_INVALID", f"the next byte is {upload.size}, not {start}", headers=_progress(upload))
        if request.body.length not in (None, end - start + 1):
            raise Refusal(400, "SIZE_INVALID", "Content-Range and Content-Length do not match")
    return bounded(request.body, registry.behaviour.max_blob - upload.size, what="rest of a blob")


@contextmanager
def _writing(registry: Registry, request: ServedRequest, name: str, identifier: str) -> Iterator[Upload]:
    """Yields the upload for this request alone; the request must have come by the latest Location."""
    upload = registry.uploads.find(name, identifier)
    if not upload.lock.acquire(blocking=False):
        raise Refusal(409, "BLOB_UPLOAD_INVALID", "another request is writing to this upload")
    try:
        if request.method != "DELETE" and request.query.get("_state", str(upload.size)) != str(upload.size):
            raise Refusal(416, "BLOB_UPLOAD_INVALID", "this is not the latest Location of the upload", headers=_progress(upload))
        yield upload
    finally:
        upload.lock.release()


def _mount(registry: Registry, request: ServedRequest, name: str) -> Digest | None:
    wanted, source = request.query.get("mount"), request.query.get("from", "")
    digest = parse_digest(wanted) if wanted else None
    if digest is None or not is_repository(source):
        return None
    path = registry.repository(source).find_blob(digest)
    if path is None:
        return None
    if registry.behaviour.access:
        registry.behaviour.access.check(request.headers.get("authorization", ""), source, "pull")
    registry.repository(name).link(path, digest)
    return digest


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _progress(upload: Upload) -> dict[str, str]:
    location = f"/v2/{upload.repository}/blobs/uploads/{upload.id}?_state={upload.size}"
    return {"Location": location, "Range": f"0-{max(upload.size - 1, 0)}", "Docker-Upload-UUID": upload.id}


def _accepted(upload: Upload) -> ServedResponse:
    return ServedResponse(status=202, headers=_progress(upload))


def _created(name: str, digest: Digest) -> ServedResponse:
    return ServedResponse(status=201, headers={"Location": f"/v2/{name}/blobs/{digest}", **digest_header(digest)})
