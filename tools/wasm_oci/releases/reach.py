"""What a command reaches registries with: a configuration that people write, and options of the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wasm_oci.errors import UsageError
from wasm_oci.oci.archive import ArchiveStore
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.reference import Reference
from wasm_oci.oci.store import Store
from wasm_oci.oci.target import Target, layout_folder, layout_target
from wasm_oci.publish.registries import registry_client, registry_store
from wasm_oci.publish.resolve import make_transport, plain_http_hosts
from wasm_oci.registry.login_check import LoginReport, check_login
from wasm_oci.releases.sources import (
    SourceSettings,
    access_of,
    named_reference,
    nearest_entry,
    open_source,
    read_source_settings,
    source_store,
)

if TYPE_CHECKING:
    from wasm_oci.http.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The registries of one run. Every text may begin with the name of an entry in place of a host."""

    settings: SourceSettings
    plain_http: frozenset[str]
    """All hosts that may be reached without TLS, beside this machine."""
    transport: Transport
    environ: Mapping[str, str]

    def target(self, text: str) -> Target:
        """Returns what `text` names to read; raises as `open_source`."""
        return open_source(text, self.settings, transport=self.transport, environ=self.environ)

    def repository(self, reference: Reference) -> Store:
        """Returns the repository of a reference to read from, whatever its tag and digest."""
        entry = nearest_entry(reference, self.settings)
        return source_store(reference, entry, self.settings, transport=self.transport, environ=self.environ)

    def named_repository(self, text: str) -> Store:
        """Returns what `text` names to list: a layout folder by its form, else a repository; raises UsageError for a tag or digest."""
        folder = layout_folder(text)
        if folder is not None:
            return LayoutStore.open(folder)
        reference, entry = named_reference(text, self.settings)
        if reference.tag or reference.digest:
            raise UsageError(f"{reference} is one manifest, not a repository", hint=f"write {reference.name}")
        return source_store(reference, entry, self.settings, transport=self.transport, environ=self.environ)

    def subject(self, text: str) -> Target:
        """Returns the manifest that `text` names, in a store that can be written to: something will be attached to it.

        In a registry it must be named by its digest, because a tag may move between the look at it and the signature. Raises UsageError
        for another name, and for an archive.
        """
        target = layout_target(text)
        if target is not None:
            if isinstance(target.store, ArchiveStore):
                raise UsageError("an archive cannot be added to", where=text, hint="attest the layout or the registry that it is made from")
            return target
        reference, entry = named_reference(text, self.settings)
        if reference.digest is None:
            hint = f"write {reference.name}@sha256:…, with the digest that was published"
            raise UsageError(f"{reference} names no digest, and a tag may move before it is signed", hint=hint)
        auth, scheme = access_of(reference, entry, self.settings)
        store = registry_store(reference, transport=self.transport, environ=self.environ, auth=auth, scheme=scheme, actions="pull,push")
        return Target(store=store, wanted=reference.digest, pinned=True)

    def login(self, text: str, *, push: bool) -> LoginReport:
        """Returns what the registry of a reference allows there; raises UsageError for a text that is not a reference."""
        reference, entry = named_reference(text, self.settings)
        auth, scheme = access_of(reference, entry, self.settings)
        actions = "pull,push" if push else "pull"
        client = registry_client(reference, transport=self.transport, environ=self.environ, auth=auth, scheme=scheme, actions=actions)
        return check_login(client, reference.digest or reference.tag, push=push)


@contextmanager
def reach(config: Path | None, plain_http: Sequence[str], ca_files: Sequence[str], environ: Mapping[str, str]) -> Iterator[Reach]:
    """Reaches registries as a configuration and the options `--plain-http` and `--ca-file` say.

    Raises UsageError for an invalid host or file, and what `read_source_settings` raises.
    """
    settings = read_source_settings(config)
    hosts = settings.plain_http | plain_http_hosts(plain_http)
    with closing(make_transport(hosts, settings.timeout, ca_files)) as transport:
        yield Reach(settings=settings, plain_http=hosts, transport=transport, environ=environ)
