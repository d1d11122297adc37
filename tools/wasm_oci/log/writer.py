"""Appends to a log: entries are durable before the checkpoint that has them, and no signed checkpoint is ever taken back.

A checkpoint is written as `checkpoint.next` first, and is durable there before anybody sees it as `checkpoint`; whoever opens the log
after a crash puts it in place. What was written for a checkpoint that was never signed is written again by the next append.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from wasm_oci.errors import DigestError, UsageError
from wasm_oci.files import file_type, reason_of
from wasm_oci.keys.signer import Signer
from wasm_oci.limits import LIMITS
from wasm_oci.locks import file_lock
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.durable import DurableFolder
from wasm_oci.log.folder import CHECKPOINT, LogFolder, read_checkpoint
from wasm_oci.log.hashes import Frontier, leaf_hash, perfect_root
from wasm_oci.log.note import Verifier
from wasm_oci.log.tiles import RESTORE, WIDTH, bundle_path, check_entry, encode_bundle, encode_tile, hashes_at, levels, tile_path
from wasm_oci.log.tree import Tree

_LOCK = ".lock"
_NEXT = f"{CHECKPOINT}.next"


def create(folder: LogFolder, origin: str, signer: Signer) -> Checkpoint:
    """Writes the checkpoint of an empty log; raises UsageError where there is a log already."""
    with _locked(folder):
        for name in (CHECKPOINT, _NEXT, "tile"):
            if file_type(folder.path / name, what="log") is not None:
                raise UsageError("there is a log already", where=str(folder.path), hint="give another folder")
        checkpoint = Checkpoint.signed(origin, 0, Frontier().root(), signer)
        _commit(DurableFolder(folder.path), checkpoint)
        return checkpoint


def append(folder: LogFolder, entries: Iterable[bytes], origin: str, signer: Signer) -> Checkpoint:
    """Appends entries as one step: afterwards all are in the log, and on the disk, or none is; returns the new checkpoint.

    Raises DigestError or SignatureError for a log that was damaged, which is then left as it is, LimitError for an entry that is too
    large, UsageError where the log cannot be written, and what the signer raises.
    """
    verifier = Verifier(name=origin, public=signer.public)
    with _locked(folder):
        before = _recovered(folder, verifier)
        writing = _Writing.at(folder, before.size)
        if writing.frontier.root() != before.root:
            raise DigestError("the tiles of the log are not those of its checkpoint", where=str(folder.path), hint=RESTORE)
        for entry in entries:
            writing.add(check_entry(entry, where=str(folder.path)))
        if writing.frontier.size == before.size:
            return before
        writing.finish()
        checkpoint = Checkpoint.signed(origin, writing.frontier.size, writing.frontier.root(), signer)
        _commit(writing.files, checkpoint)
        _remove_partial(writing.files, before.size, checkpoint.size)
        return checkpoint


def add_cosignature(folder: LogFolder, verifier: Verifier, seen: Checkpoint, *, name: str, signer: Signer, time: int) -> Checkpoint:
    """Adds the cosignature of a witness to the checkpoint that it has `seen`; raises UsageError where the log has grown since."""
    with _locked(folder):
        current = _recovered(folder, verifier)
        if current.note.text != seen.note.text:
            raise UsageError("the log has grown in the meantime", where=str(folder.path), hint="do it again")
        cosigned = current.cosigned(name, signer, time)
        _commit(DurableFolder(folder.path), cosigned)
        return cosigned


@contextmanager
def _locked(folder: LogFolder) -> Iterator[None]:
    if not folder.path.is_dir():
        raise UsageError("there is no such folder", where=str(folder.path), hint="make one with `wasm_oci log init`")
    with ExitStack() as stack:
        try:
            held = stack.enter_context(file_lock(folder.path / _LOCK, patience=LIMITS.log_lock))
        except OSError as err:
            what = f"cannot lock the log: {reason_of(err)}"
            raise UsageError(what, where=str(folder.path), hint="check the folder's permissions") from err
        if not held:
            what = f"other processes have held the log for {LIMITS.log_lock:.0f} seconds"
            raise UsageError(what, where=str(folder.path), hint="wait for them, and try again")
        yield


def _recovered(folder: LogFolder, verifier: Verifier) -> Checkpoint:
    """Returns the checkpoint, after putting one in place that a crash left behind: somebody may have seen it already."""
    files = DurableFolder(folder.path)
    if file_type(folder.path / _NEXT, what="log") is not None:
        following = read_checkpoint(folder.path / _NEXT, verifier)
        if Tree(folder, following.size).root() != following.root:
            raise DigestError("the tiles of the log are not those of this checkpoint", where=str(folder.path / _NEXT), hint=RESTORE)
        current = file_type(folder.path / CHECKPOINT, what="log") and folder.checkpoint(verifier)
        if current and (following.size < current.size or Tree(folder, following.size).root_of_first(current.size) != current.root):
            raise DigestError("this checkpoint does not follow that of the log", where=str(folder.path / _NEXT), hint=RESTORE)
        files.rename(_NEXT, CHECKPOINT)
    return folder.checkpoint(verifier)


def _commit(files: DurableFolder, checkpoint: Checkpoint) -> None:
    files.write(_NEXT, checkpoint.encoded())
    files.rename(_NEXT, CHECKPOINT)


def _remove_partial(files: DurableFolder, before: int, after: int) -> None:
    """Removes the partial tiles of sizes up to `before` whose full ones are there now."""
    for level in levels(before):
        index = hashes_at(before, level) // WIDTH
        if hashes_at(after, level) // WIDTH > index:
            files.remove_folder(f"{tile_path(level, index)}.p")
            if level == 0:
                files.remove_folder(f"{bundle_path(index)}.p")


@dataclass(slots=True, kw_only=True)
class _Writing:
    """Tiles that grow; full ones are written at once, the others at the end."""

    files: DurableFolder
    frontier: Frontier
    entries: list[bytes]
    """Of the last bundle."""
    edges: dict[int, list[bytes]] = field(default_factory=dict)
    """The hashes of the last tile of each level, where that is not full."""
    changed: set[int] = field(default_factory=set)

    @staticmethod
    def at(folder: LogFolder, size: int) -> _Writing:
        """Reads the right edge of a log."""
        tree = Tree(folder, size)
        index, width = divmod(size, WIDTH)
        entries = folder.bundle(index, width) if width else []
        edges = {level: tree.edge(level) for level in levels(size)}
        if [leaf_hash(entry) for entry in entries] != edges.get(0, []):
            where = str(folder.path / bundle_path(index, width))
            raise DigestError("the records are not those of the log's tiles", where=where, hint=RESTORE)
        return _Writing(files=DurableFolder(folder.path), frontier=tree.frontier(), entries=entries, edges=edges)

    def add(self, entry: bytes) -> None:
        leaf, index = leaf_hash(entry), self.frontier.size // WIDTH
        self.frontier.add(leaf)
        self.entries.append(entry)
        if len(self.entries) == WIDTH:
            self.files.write(bundle_path(index), encode_bundle(self.entries))
            self.entries = []
        self._add_hash(0, index, leaf)

    def _add_hash(self, level: int, index: int, value: bytes) -> None:
        edge = self.edges.setdefault(level, [])
        edge.append(value)
        self.changed.add(level)
        if len(edge) == WIDTH:
            self.files.write(tile_path(level, index), encode_tile(edge))
            self.edges[level] = []
            self._add_hash(level + 1, index // WIDTH, perfect_root(edge))

    def finish(self) -> None:
        """Writes the partial tiles and the partial bundle."""
        size = self.frontier.size
        if self.entries:
            self.files.write(bundle_path(size // WIDTH, len(self.entries)), encode_bundle(self.entries))
        for level in sorted(self.changed):
            if edge := self.edges[level]:
                self.files.write(tile_path(level, hashes_at(size, level) // WIDTH, len(edge)), encode_tile(edge))
