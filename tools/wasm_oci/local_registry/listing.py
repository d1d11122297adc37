"""Content discovery: tags, referrers, and the catalogue of repositories (distribution specification 1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.local_registry.manifests import listed_descriptor, subject_of
from wasm_oci.local_registry.messages import Refusal, ServedRequest, ServedResponse, json_response
from wasm_oci.local_registry.names import needed_digest
from wasm_oci.local_registry.registry import Registry
from wasm_oci.local_registry.storage import Repository
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE

_PAGE = 1000


def list_tags(registry: Registry, request: ServedRequest, name: str) -> ServedResponse:
    repository = registry.repository(name)
    if not repository.exists():
        raise Refusal(404, "NAME_UNKNOWN", f"repository {name} not found")
    page, headers = _page(request, sorted(repository.tagged()), f"/v2/{name}/tags/list")
    return json_response(200, {"name": name, "tags": page}, headers=headers)


def list_repositories(registry: Registry, request: ServedRequest) -> ServedResponse:
    """Not in the specification, but what `crane catalog` and `oras repo ls` ask for."""
    page, headers = _page(request, registry.storage.names(), "/v2/_catalog")
    return json_response(200, {"repositories": page}, headers=headers)


def list_referrers(registry: Registry, request: ServedRequest, name: str, reference: str) -> ServedResponse:
    if not registry.behaviour.referrers_api:
        return ServedResponse(status=404, headers={"Content-Type": "text/plain; charset=utf-8"}, body=b"404 page not found\n")
    subject = needed_digest(reference)
    wanted = request.query.get("artifactType")
    found = {str(entry["digest"]): entry for entry in _referrers(registry.repository(name), subject, wanted)}
    page, headers = _page(request, list(found), f"/v2/{name}/referrers/{subject}")
    if wanted is not None:
        headers["OCI-Filters-Applied"] = "artifactType"
    document = {"schemaVersion": 2, "mediaType": INDEX_MEDIA_TYPE, "manifests": [found[digest] for digest in page]}
    return json_response(200, document, headers=headers, media_type=INDEX_MEDIA_TYPE)


def _referrers(repository: Repository, subject: Digest, wanted: str | None) -> Iterator[JsonObject]:
    """Yields the descriptors of what refers to `subject`, in the order of their digests."""
    for stored in repository.all_stored():
        try:
            document = parse_object(stored.data, where=str(stored.descriptor.digest))
        except FormatError:
            continue
        if subject_of(document) == subject:
            descriptor = listed_descriptor(stored.descriptor, document)
            if wanted is None or descriptor.artifact_type == wanted:
                yield descriptor.to_json()


def _page(request: ServedRequest, names: Sequence[str], path: str) -> tuple[list[str], dict[str, str]]:
    """Returns what comes after `last`, at most `n` of it, and a Link to the rest if there is one."""
    text = request.query.get("n", str(_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Refusal(400, "PAGINATION_NUMBER_INVALID", "n must be a number")
    count, last = min(int(text), _PAGE), request.query.get("last", "")
    rest = [name for name in names if name > last]
    page = rest[:count]
    more = page and len(rest) > len(page)
    query = urlencode({**request.query, "n": count, "last": page[-1]}) if more else ""
    return page, {"Link": f'<{path}?{query}>; rel="next"'} if more else {}
