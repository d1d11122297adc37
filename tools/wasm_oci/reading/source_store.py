"""A repository that is read from, with mirrors and a cache.

Only what is named by its digest comes from another place than the registry itself: the digest says that it is the same. What a tag names,
and what refers to a manifest, is the registry's to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from wasm_oci.digest import Digest, checked
from wasm_oci.errors import AuthError, DigestError, RegistryError, WasmOciError
from wasm_oci.http.outages import Outages, is_outage
from wasm_oci.oci.descriptor import Descriptor
from wasm_oci.oci.referrers import UNKNOWN_LIST
from wasm_oci.oci.store import FetchedManifest, ManifestName
from wasm_oci.reading.content_cache import ContentCache
from wasm_oci.registry.client import RegistryClient
from wasm_oci.registry.store import RegistryStore

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Another repository with the same content."""

    name: str
    """Host and repository."""
    open: Callable[[], RegistryStore]
    """Raises UsageError where its credential is missing."""


class SourceStore(RegistryStore):
    """Writes, and questions that no digest answers, go to the registry alone."""

    def __init__(self, client: RegistryClient, *, mirrors: Sequence[Mirror] = (), cache: ContentCache | None = None) -> None:
        super().__init__(client)
        self._own = RegistryStore(client)
        self._sources: list[Mirror] = [Mirror(name=self.name, open=lambda: self._own), *mirrors]
        """In the order in which they are asked: one that delivers in place of the others is asked first from then on."""
        self._stores: dict[str, RegistryStore] = {self.name: self._own}
        self._outages = Outages()
        self._cache = cache

    def fetch_manifest(self, name: ManifestName) -> FetchedManifest:
        """What is named by digest comes from wherever it can be had; a tag never from a mirror."""
        if isinstance(name, str):
            fetched = self._resolved(name)
        else:
            digest = name.digest if isinstance(name, Descriptor) else name
            if self._cache and (kept := self._cache.manifest(digest)):
                return kept
            fetched = self._first(f"manifest {digest}", lambda store: store.fetch_manifest(name))
        if self._cache:
            self._cache.keep_manifest(fetched)
        return fetched

    def _resolved(self, tag: str) -> FetchedManifest:
        try:
            return self._own.fetch_manifest(tag)
        except (AuthError, RegistryError) as err:
            if len(self._sources) > 1 and self._is_outage(self.name, err):
                err.hint = f"{err.hint}; a mirror is not asked what a tag names: name the digest".removeprefix("; ")
            raise

    def pieces(self, blob: Descriptor) -> Iterator[bytes]:
        if self._cache and (kept := self._cache.pieces(blob)):
            yield from kept
            return
        if len(self._sources) == 1:
            content = self._own.pieces(blob)
        else:  # each source checks what it delivers, and nothing what several deliver together
            content = checked(self._content(blob), blob.digest, blob.size, where=f"{self.name}@{blob.digest}")
        yield from self._cache.keeping(blob, content) if self._cache else content

    def _content(self, blob: Descriptor) -> Iterator[bytes]:
        """Yields a blob; where a source breaks off, the next goes on at the same place."""
        what, offset, errors = f"blob {blob.digest}", 0, dict[str, WasmOciError]()
        for source in tuple(self._sources):
            skip = start = offset
            try:
                store = self._store(source)
                with self._outages.watch(store.place):
                    for piece in store.pieces(blob):
                        new = piece[skip:]
                        skip -= len(piece) - len(new)
                        offset += len(new)
                        yield new
            except WasmOciError as err:
                if isinstance(err, DigestError) and offset > start:
                    raise  # what it delivered of another content cannot be taken back
                self._note(source, err, errors)
                continue
            self._prefer(source, what, errors)
            return
        raise self._error(errors)

    def referrers(self, subject: Digest, artifact_type: str | None = None) -> Iterator[Descriptor]:
        """Where the registry cannot be asked, yields what its mirrors list, and then raises: there may be more, such as a signature."""
        errors: dict[str, WasmOciError] = {}
        try:
            with self._outages.watch(self.place):
                yield from self._own.referrers(subject, artifact_type)
                return
        except WasmOciError as err:
            own = next(source for source in self._sources if source.name == self.name)
            self._note(own, err, errors)
        found = dict[Digest, Descriptor]()
        answered = False
        for source in self._sources:
            if source.name != self.name:
                try:
                    store = self._store(source)
                    with self._outages.watch(store.place):
                        found |= {entry.digest: entry for entry in store.referrers(subject, artifact_type)}
                    answered = True
                except WasmOciError as err:
                    self._note(source, err, errors)
        error = self._error(errors)
        if not answered:
            raise error
        yield from found.values()
        what = f"{error.what}; there may be referrers that no mirror lists"
        raise RegistryError(what, where=error.where, hint=error.hint, reason=UNKNOWN_LIST)

    def _first(self, what: str, read: Callable[[RegistryStore], T]) -> T:
        """Returns what the first source delivers; raises the registry's own error where none does."""
        errors: dict[str, WasmOciError] = {}
        for source in tuple(self._sources):
            try:
                store = self._store(source)
                with self._outages.watch(store.place):
                    found = read(store)
            except WasmOciError as err:
                self._note(source, err, errors)
                continue
            self._prefer(source, what, errors)
            return found
        raise self._error(errors)

    def _store(self, source: Mirror) -> RegistryStore:
        if source.name not in self._stores:
            self._stores[source.name] = source.open()
        return self._stores[source.name]

    def _note(self, source: Mirror, error: WasmOciError, errors: dict[str, WasmOciError]) -> None:
        """Raises what the registry itself answers, which is the last word; its failures, and all of a mirror, lead to the next source."""
        if source.name == self.name and not self._is_outage(source.name, error):
            raise error
        errors[source.name] = error

    def _is_outage(self, name: str, error: WasmOciError) -> bool:
        return is_outage(error) or (name == self.name and self._outages.is_out(self.place))

    def _prefer(self, source: Mirror, what: str, errors: dict[str, WasmOciError]) -> None:
        for name, error in errors.items():
            _log.warning("%s does not deliver %s (%s); it comes from %s", name, what, error.what, source.name)
        if errors:
            self._sources = [source, *(each for each in self._sources if each is not source)]

    def _error(self, errors: dict[str, WasmOciError]) -> WasmOciError:
        for name, error in errors.items():
            if name != self.name:
                _log.warning("mirror %s: %s", name, error)
        return errors[self.name]
