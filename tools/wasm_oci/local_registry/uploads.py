"""Blobs on their way in (distribution specification, "Pushing blobs"). They end with the program."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasm_oci.digest import ALGORITHMS, Digest, digest_of
from wasm_oci.local_registry.messages import Refusal
from wasm_oci.local_registry.storage import Repository

MAX_UPLOADS = 1024
"""When one more begins, the one that began first ends."""


@dataclass(slots=True, kw_only=True)
class Upload:
    """A blob on its way. A request's content counts as a whole or not at all."""

    id: str
    repository: str
    path: Path
    algorithm: str
    sha: Any
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def append(self, pieces: Iterator[bytes]) -> None:
        """Adds a request's content; where reading it fails, the upload is as it was before."""
        sha, size = self.sha.copy(), self.size
        with self.path.open("r+b") as stream:
            stream.seek(size)
            try:
                for piece in pieces:
                    stream.write(piece)
                    sha.update(piece)
                    size += len(piece)
            except BaseException:
                stream.truncate(self.size)
                raise
        self.sha, self.size = sha, size

    def finish(self, pieces: Iterator[bytes], digest: Digest, target: Repository) -> None:
        """Adds the last content and stores the blob; raises Refusal, and is as before, where the digest is another."""
        before, size = self.sha.copy(), self.size
        self.append(pieces)
        found = self._digest(digest.algorithm)
        if found != digest:
            self.sha, self.size = before, size
            with self.path.open("r+b") as stream:
                stream.truncate(size)
            raise Refusal(400, "DIGEST_INVALID", f"the content has digest {found}, not {digest}")
        target.adopt(self.path, digest)

    def _digest(self, algorithm: str) -> Digest:
        """Returns the digest of what arrived; the file is read only where another algorithm was expected when the upload began."""
        if algorithm == self.algorithm:
            return Digest(f"{algorithm}:{self.sha.hexdigest()}")
        with self.path.open("rb") as stream:
            return digest_of(stream, algorithm)[0]


class Uploads:
    """All that are open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, repository: str, algorithm: str) -> Upload:
        """`algorithm` is that of the digest that is expected at the end."""
        identifier = uuid.uuid4().hex
        upload = Upload(
            id=identifier, repository=repository, path=self._folder / identifier, algorithm=algorithm, sha=ALGORITHMS[algorithm]()
        )
        upload.path.touch()
        with self._lock:
            self._uploads[identifier] = upload
            evicted = self._uploads.popitem(last=False)[1] if len(self._uploads) > MAX_UPLOADS else None
        if evicted:
            evicted.path.unlink(missing_ok=True)
        return upload

    def find(self, repository: str, identifier: str) -> Upload:
        """Raises Refusal where this repository has no such upload."""
        with self._lock:
            upload = self._uploads.get(identifier)
        if upload is None or upload.repository != repository:
            raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", "unknown upload; start a new one")
        return upload

    def close(self, upload: Upload) -> None:
        with self._lock:
            self._uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)
