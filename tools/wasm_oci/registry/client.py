"""One repository of a registry: manifests and tags (distribution specification 1.1).

What a registry says is compared with what was asked: bytes with their digest, sizes with their descriptor.
"""

from __future__ import annotations

from dataclasses import dataclass

from wasm_oci.digest import SHA256, Digest
from wasm_oci.errors import DigestError, FormatError, RegistryError
from wasm_oci.http.host import host_of
from wasm_oci.http.messages import HttpRequest, HttpResponse
from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.descriptor import (
    DOCKER_LIST_MEDIA_TYPE,
    DOCKER_MANIFEST_MEDIA_TYPE,
    INDEX_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE,
    Descriptor,
    is_media_type,
)
from wasm_oci.oci.reference import is_tag
from wasm_oci.oci.store import NOT_STORED, FetchedManifest
from wasm_oci.registry.errors_from_response import error_code, hidden, missing_manifest, refused_manifest
from wasm_oci.registry.headers import media_type_of, size_of
from wasm_oci.registry.session import ANY_STATUS, RegistrySession
from wasm_oci.wording import shown_value

ACCEPT = ", ".join((MANIFEST_MEDIA_TYPE, INDEX_MEDIA_TYPE, DOCKER_MANIFEST_MEDIA_TYPE, DOCKER_LIST_MEDIA_TYPE))
"""Sent with every question for a manifest: docker-registry 2.8.3 answers 404 to `*/*`."""

_KIND = "manifests"
_DISTRUST = "do not use what this registry serves"
_STORED = frozenset({200, 201, 202})
_REFUSED = frozenset({400, 403, 404, 405, 406, 409, 412, 415, 422})
_NOT_YET_THERE = ("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN", "MANIFEST_UNKNOWN")


@dataclass(frozen=True, slots=True, kw_only=True)
class PutManifest:
    """What the registry answered to a manifest."""

    subject: str
    """The OCI-Subject header: not empty where the registry keeps the list of referrers itself."""


class RegistryClient(RegistrySession):
    """Speaks to one repository. Every method raises AuthError, RegistryError (or NotFoundError) and DigestError."""

    def find_manifest(self, name: Digest | str) -> Descriptor | None:
        """Returns what a tag or digest names, None where it does not exist.

        HEAD is believed only where it names digest, size and media type; whatever else it says is confirmed by GET. What this run wrote is
        waited for. Raises AuthError where "not found" may mean "not allowed".
        """
        while True:
            found = self._look_up(name)
            if not self.written.wait_for(_KIND, name, found.digest if found else None):
                return found

    def _look_up(self, name: Digest | str) -> Descriptor | None:
        step = f"look up manifest {name}"
        request = HttpRequest(method="HEAD", url=self.url(f"manifests/{name}"), step=step, headers={"Accept": ACCEPT})
        response = self.send(request, good=ANY_STATUS - {401})
        digest = self.header_digest(response, step) if response.status == 200 else None
        size, media_type = size_of(response.headers), media_type_of(response.headers)
        comparable = digest and (isinstance(name, str) or digest.algorithm == name.algorithm)
        if digest and comparable and size is not None and media_type not in ("", "text/html"):
            self._check_digest(digest, name, step)
            return Descriptor(media_type=media_type, digest=digest, size=size)
        fetched = self._read(name)
        return fetched.descriptor if fetched else None

    def read_manifest(self, name: Digest | str) -> FetchedManifest | None:
        """Returns the content of what a tag or digest names, None where it does not exist; else as `find_manifest`."""
        while True:
            found = self._read(name)
            if not self.written.wait_for(_KIND, name, found.descriptor.digest if found else None):
                return found

    def _read(self, name: Digest | str) -> FetchedManifest | None:
        response = self._get(name)
        if response.status != 404:
            return self._fetched(response, name)
        if self.may_hide(response):
            raise hidden(response, step=f"look up manifest {name}", where=self.where, host=host_of(self.base), login=self)
        self.unknown = error_code(response) == "NAME_UNKNOWN"
        return None

    def fetch_manifest(self, name: Digest | str) -> FetchedManifest:
        """Returns the manifest or index; its bytes have the digest that was asked for and that the registry claims.

        What this run wrote is waited for.
        """
        while True:
            response = self._get(name)
            fetched = self._fetched(response, name) if response.status != 404 else None
            if not self.written.wait_for(_KIND, name, fetched.descriptor.digest if fetched else None):
                break
        if fetched is None:
            hides = self.may_hide(response)
            raise missing_manifest(response, name, where=self.where, host=host_of(self.base), may_hide=hides)
        return fetched

    def _get(self, name: Digest | str) -> HttpResponse:
        step = f"fetch manifest {name}"
        request = HttpRequest(method="GET", url=self.url(f"manifests/{name}"), step=step, headers={"Accept": ACCEPT})
        return self.send(request, good=frozenset({200, 404}))

    def _fetched(self, response: HttpResponse, name: Digest | str) -> FetchedManifest:
        step = f"fetch manifest {name}"
        self.check_is_registry(response, step)
        claimed = self.header_digest(response, step)
        promised = name if isinstance(name, Digest) else claimed
        digest = Digest.of(response.body, promised.algorithm if promised else SHA256)
        self._check_digest(digest, name, step)
        if claimed and not claimed.is_of(response.body):
            actual = Digest.of(response.body, claimed.algorithm)
            raise DigestError(f"{step}: the content has digest {actual}, the registry says {claimed}", where=self.where)
        try:
            media_type = manifest_type(self.json(response, step), media_type_of(response.headers))
        except FormatError as err:
            raise RegistryError(f"{step}: {err.what}", where=self.where, hint=err.hint) from err
        return FetchedManifest(descriptor=Descriptor(media_type=media_type, digest=digest, size=len(response.body)), data=response.body)

    def put_manifest(self, name: Digest | str, data: bytes, media_type: str, *, settles: bool = True) -> PutManifest:
        """Stores a manifest under its digest or a tag; a registry that stored other bytes is a DigestError.

        Success is what reading it back shows: some registries answer 200 or 202 where the specification has 201. One that
        does not know yet the blobs that this run sent is asked again. `settles`: nobody else writes this name, so that it is
        waited for until it reads as written. Raises TagConflictError too, where the registry says that it does not move tags.
        """
        step = f"push manifest {name}"
        request = HttpRequest(method="PUT", url=self.url(f"manifests/{name}"), step=step, headers={"Content-Type": media_type}, body=data)
        while (response := self.send(request, good=_STORED | _REFUSED)).status in _REFUSED:
            if error_code(response) in _NOT_YET_THERE and (self.written.wait_for_any("blobs") or self.written.wait_for_any(_KIND)):
                continue
            error = self.failure(response, step, writes=True)
            raise refused_manifest(error, response, name, data, media_type)
        self.check_is_registry(response, step)
        digest = Digest.of(data, name.algorithm if isinstance(name, Digest) else SHA256)
        if (claimed := self.header_digest(response, step)) and not claimed.is_of(data):
            sent = Digest.of(data, claimed.algorithm)
            raise DigestError(f"{step}: the registry stored {claimed} instead of {sent}", where=self.where, hint=NOT_STORED)
        for written in {str(name), str(digest)} if settles else ():
            self.written.note(_KIND, written, *Digest.all_of(data))
        return PutManifest(subject=response.headers.get("OCI-Subject", ""))

    def tags(self) -> tuple[str, ...]:
        """Returns the repository's tags, sorted; raises RegistryError where they are too many."""
        step, found = "list tags", set[str]()
        for response in self.pages("tags/list", step):
            if response.status != 200:
                raise self.failure(response, step)
            tags = self.json(response, step).get("tags")
            if not isinstance(tags, list | None) or not all(isinstance(tag, str) and is_tag(tag) for tag in tags or ()):
                raise RegistryError(f"{step}: the registry's response holds no list of tags", where=self.where)
            found.update(tags or ())
            if len(found) > self.transport.limits.tags:
                raise RegistryError(f"{step}: more than {self.transport.limits.tags}", where=self.where, reason="limit")
        return tuple(sorted(found))

    def _check_digest(self, found: Digest, name: Digest | str, step: str) -> None:
        if isinstance(name, Digest) and found != name:
            raise DigestError(f"{step}: the registry's content has digest {found}", where=self.where, hint=_DISTRUST)


def manifest_type(document: JsonObject, header: str) -> str:
    """Returns a manifest's own media type, else the response's, else the one whose members it has.

    Raises FormatError for one of its own that is malformed, or that the response contradicts: other programs believe the response.
    See the distribution specification 1.1, "Pulling manifests".
    """
    stated, specific = document.get("mediaType"), header.startswith("application/vnd.")
    if stated not in (None, ""):
        if not isinstance(stated, str) or not is_media_type(stated):
            raise FormatError(f"the manifest's mediaType is no media type, but {shown_value(stated)}", hint=_DISTRUST)
        if specific and stated.lower() != header:
            raise FormatError(f"the manifest's mediaType is {stated}, but the response's Content-Type is {header}", hint=_DISTRUST)
        return stated
    if specific:
        return header
    members = {"manifests", "layers", "config"} & document.keys()
    return INDEX_MEDIA_TYPE if members == {"manifests"} else MANIFEST_MEDIA_TYPE if members == {"config", "layers"} else header
