"""A client of the registry that knows only HTTP: what it reads back was read by independent code."""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SIGNATURE = "application/vnd.wasmsign2.signature.v1"

_CLOSED = (errno.ENOTCONN, errno.EPIPE, errno.ECONNRESET)
"""What sending, or ending it, fails with where the other side has closed."""


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the first error."""
        return str(self.document["errors"][0]["code"])


def talk(connection: socket.socket, sent: bytes, *, end: bool = True) -> bytes:
    """Sends bytes, and the end of sending; returns all that comes back, also where the other side closes before all is sent."""
    try:
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
    except OSError as err:
        if err.errno not in _CLOSED:
            raise
    return b"".join(iter(lambda: connection.recv(65536), b""))


class Client:
    """One connection, kept alive until the block ends."""

    def __init__(self, host: str, *, timeout: float = 10.0) -> None:
        self.connection = http.client.HTTPConnection(host, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def __call__(self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, **headers: str) -> Reply:
        """Header names are written with `_` for `-`; an iterable body is sent in chunks."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body=body, headers=names, encode_chunked=not isinstance(body, bytes | None))
        response = self.connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(status=response.status, headers=found, body=response.read())

    def push_blob(self, name: str, data: bytes) -> str:
        digest = digest_of(data)
        assert self("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", data).status == 201
        return digest

    def put_manifest(self, name: str, reference: str, document: Mapping[str, Any], media_type: str = MANIFEST) -> Reply:
        return self("PUT", f"/v2/{name}/manifests/{reference}", json.dumps(document).encode(), Content_Type=media_type)

    def push_image(self, name: str, tag: str, config: bytes = b"{}", **members: Any) -> str:
        """Pushes an image without layers; returns its digest."""
        self.push_blob(name, config)
        reply = self.put_manifest(name, tag, image(config, **members))
        assert reply.status == 201, reply.body
        return reply.headers["docker-content-digest"]


def image(config: bytes = b"{}", layers: Iterable[bytes] = (), **members: Any) -> dict[str, Any]:
    described = [descriptor(layer, "application/wasm") for layer in layers]
    return {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, "application/x"), "layers": described, **members}


def descriptor(data: bytes, media_type: str = MANIFEST) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def subject(digest: str) -> dict[str, Any]:
    return {"mediaType": MANIFEST, "digest": digest, "size": 1}
