"""From a method and a path to the function that answers (distribution specification, "Endpoints")."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from wasm_oci.errors import WasmOciError
from wasm_oci.local_registry import blobs, listing, manifests
from wasm_oci.local_registry.messages import Refusal, ServedRequest, ServedResponse, json_response
from wasm_oci.local_registry.names import is_repository
from wasm_oci.local_registry.registry import Registry

_Endpoint = Callable[..., ServedResponse]


@dataclass(frozen=True, slots=True)
class _Route:
    """`pattern` has the groups name and, where there is one, reference; neither is trusted."""

    pattern: re.Pattern[str]
    methods: dict[str, _Endpoint]


_ROUTES = (
    _Route(
        re.compile(r"/v2/(?P<name>.+)/blobs/uploads/?"),
        {"POST": blobs.open_upload},
    ),
    _Route(
        re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<reference>[^/]+)"),
        {
            "GET": blobs.upload_status,
            "PATCH": blobs.patch_upload,
            "PUT": blobs.finish_upload,
            "DELETE": blobs.cancel_upload,
        },
    ),
    _Route(
        re.compile(r"/v2/(?P<name>.+)/blobs/(?P<reference>[^/]+)"),
        {"GET": blobs.get_blob, "HEAD": blobs.get_blob, "DELETE": blobs.delete_blob},
    ),
    _Route(
        re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)"),
        {
            "GET": manifests.get_manifest,
            "HEAD": manifests.get_manifest,
            "PUT": manifests.put_manifest,
            "DELETE": manifests.delete_manifest,
        },
    ),
    _Route(re.compile(r"/v2/(?P<name>.+)/tags/list"), {"GET": listing.list_tags}),
    _Route(re.compile(r"/v2/(?P<name>.+)/referrers/(?P<reference>[^/]+)"), {"GET": listing.list_referrers}),
)
_ACTIONS = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


def respond(registry: Registry, request: ServedRequest) -> ServedResponse:
    """Responds to one request; a refusal is a response too. Raises ConnectionError where the client goes away."""
    try:
        return _route(registry, request)
    except Refusal as refusal:
        return refusal.response()
    except WasmOciError as err:
        return Refusal(500, "UNKNOWN", str(err)).response()


def _route(registry: Registry, request: ServedRequest) -> ServedResponse:
    if request.path in ("/v2", "/v2/"):
        _authorize(registry, request, "")
        return _only(request, "GET", json_response(200, {}, headers={"Docker-Distribution-API-Version": "registry/2.0"}))
    if request.path == "/v2/_catalog":
        _authorize(registry, request, "")
        return _only(request, "GET", listing.list_repositories(registry, request))
    for route in _ROUTES:
        found = route.pattern.fullmatch(request.path)
        if found is None:
            continue
        parts = found.groupdict()
        if not is_repository(parts["name"]):
            raise Refusal(
                404, "NAME_INVALID", "a repository name has lower-case letters, digits, '/' and single '.', '_' or '-' between them"
            )
        _authorize(registry, request, parts["name"])
        endpoint = route.methods.get(request.method)
        if endpoint is None:
            raise _not_allowed(*route.methods)
        if "reference" in parts:
            parts["reference"] = unquote(parts["reference"])
        return endpoint(registry, request, *parts.values())
    raise Refusal(404, "UNSUPPORTED", "unknown path")


def _authorize(registry: Registry, request: ServedRequest, name: str) -> None:
    if registry.behaviour.access:
        action = "push" if "/blobs/uploads" in request.path else _ACTIONS.get(request.method, "push")
        registry.behaviour.access.check(request.headers.get("authorization", ""), name, action)


def _only(request: ServedRequest, method: str, result: ServedResponse) -> ServedResponse:
    if request.method not in (method, "HEAD"):
        raise _not_allowed(method)
    return result


def _not_allowed(*methods: str) -> Refusal:
    return Refusal(405, "UNSUPPORTED", "this method is not allowed here", headers={"Allow": ", ".join(methods)})
