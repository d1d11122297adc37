"""A log in a folder: its settings, its checkpoint, and the files of c2sp.org/tlog-tiles."""

from __future__ import annotations

from pathlib import Path

from wasm_oci.errors import DigestError, FormatError, SignatureError, UsageError
from wasm_oci.files import file_type, read_bounded
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.note import LARGEST_NOTE, Verifier
from wasm_oci.log.tiles import LARGEST_BUNDLE, RESTORE, WIDTH, bundle_path, decode_bundle, decode_tile, tile_path, width_of
from wasm_oci.wording import counted

CHECKPOINT = "checkpoint"
_TILE_BYTES = WIDTH * 32


class LogFolder:
    """Reads the files of a log, while others may append to it.

    What is missing or malformed is a DigestError: a log has it, so somebody removed or changed it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def checkpoint(self, verifier: Verifier) -> Checkpoint:
        """Returns the checkpoint, signed by the log's key; raises SignatureError or DigestError."""
        return read_checkpoint(self.path / CHECKPOINT, verifier)

    def tile(self, level: int, index: int, width: int) -> list[bytes]:
        """Returns the first `width` hashes of a tile."""
        data, where = self._read(tile_path(level, index, width), tile_path(level, index), _TILE_BYTES)
        return decode_tile(data, width, where=where)

    def bundle(self, index: int, width: int) -> list[bytes]:
        """Returns the first `width` entries under the tile `index` of level 0."""
        part = bundle_path(index, width)
        data, where = self._read(part, bundle_path(index), LARGEST_BUNDLE)
        return decode_bundle(data, width, where=where, exact=where == str(self.path / part))

    def entry(self, index: int, size: int, *, hint: str = "") -> bytes:
        """Returns an entry of the first `size`; raises UsageError, with a hint, where there is none of this number."""
        if index >= size:
            what = f"there is no record {index}: the log has {counted(size, 'record')}"
            raise UsageError(what, where=str(self.path), hint=hint)
        bundle, at = divmod(index, WIDTH)
        return self.bundle(bundle, width_of(size, 0, bundle))[at]

    def _read(self, name: str, full: str, limit: int) -> tuple[bytes, str]:
        """A partial file is removed once the full one is there, which begins with the same."""
        for path in (self.path / name, self.path / full):
            if file_type(path, what="log") is not None:
                return read_bounded(path, limit, what="log"), str(path)
        raise DigestError("a file of the log is missing", where=str(self.path / name), hint=RESTORE)


def read_checkpoint(path: Path, verifier: Verifier) -> Checkpoint:
    """Returns a checkpoint in a file, signed by the log's key; raises SignatureError or DigestError where it is not, or is missing."""
    where = str(path)
    if file_type(path, what="checkpoint") is None:
        raise DigestError("the checkpoint is missing", where=where, hint=RESTORE)
    try:
        checkpoint = Checkpoint.parse(read_bounded(path, LARGEST_NOTE, what="checkpoint"), where=where)
    except FormatError as err:
        raise SignatureError(err.what, where=where, hint=err.hint or RESTORE, reason=err.reason) from err
    checkpoint.require(verifier, where=where)
    return checkpoint
