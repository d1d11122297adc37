"""Upload sessions (distribution specification, "Pushing blobs"). They end with the program."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.local_registry.messages import Refusal
from wasm_oci.local_registry.storage import Repository

MAX_SESSIONS = 1024
"""When one more begins, the one that began first ends."""


@dataclass(slots=True, kw_only=True)
class Session:
    """A blob on its way. A request's content counts as a whole or not at all."""

    id: str
    repository: str
    path: Path
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    sha: Any = field(default_factory=hashlib.sha256)

    def append(self, pieces: Iterator[bytes]) -> None:
        """Adds a request's content; where reading it fails, the session is as it was before."""
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
        if self.sha.hexdigest() != digest.hex:
            found = self.sha.hexdigest()
            self.sha, self.size = before, size
            with self.path.open("r+b") as stream:
                stream.truncate(size)
            raise Refusal(400, "DIGEST_INVALID", f"the content has digest sha256:{found}, not {digest}")
        target.adopt(self.path, digest)


class Uploads:
    """All open sessions."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, repository: str) -> Session:
        identifier = uuid.uuid4().hex
        session = Session(id=identifier, repository=repository, path=self._folder / identifier)
        session.path.touch()
        with self._lock:
            self._sessions[identifier] = session
            evicted = self._sessions.popitem(last=False)[1] if len(self._sessions) > MAX_SESSIONS else None
        if evicted:
            evicted.path.unlink(missing_ok=True)
        return session

    def find(self, repository: str, identifier: str) -> Session:
        """Raises Refusal where this repository has no such session."""
        with self._lock:
            session = self._sessions.get(identifier)
        if session is None or session.repository != repository:
            raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload; begin a new one")
        return session

    def close(self, session: Session) -> None:
        with self._lock:
            self._sessions.pop(session.id, None)
        session.path.unlink(missing_ok=True)
