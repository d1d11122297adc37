"""The facts about what a user names: a .wasm file, a layout, or a reference in a registry."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import file_type, read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.referrers import find_referrers
from wasm_oci.oci.target import Target, is_reference, layout_target
from wasm_oci.policy.subject import UNKNOWN_VERSION, Previous, Registry, Statement, Subject
from wasm_oci.policy_facts.component_facts import read_component
from wasm_oci.policy_facts.known_keys import KnownKeys, keys_of_trust
from wasm_oci.policy_facts.previous_facts import previous_version, with_api_change
from wasm_oci.policy_facts.published_facts import facts_of
from wasm_oci.policy_facts.registry_facts import registry_of_reference
from wasm_oci.policy_facts.signer_facts import read_signers
from wasm_oci.policy_facts.statement_facts import statements_in
from wasm_oci.publish.signing import scratch_folder
from wasm_oci.reading.pull import detached_signatures, fetch_component, image_manifest, only_component
from wasm_oci.trust.trust import Trust

_TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What to judge, and how it is reached."""

    text: str
    """A .wasm file, a layout with or without tag or digest, or a reference."""
    trust: Trust | None = None
    """The keys that signatures are verified with."""
    signature: Path | None = None
    """A detached signature of a .wasm file."""
    registry_config: Path | None = None
    """Where registries, credentials and mirrors are named."""
    plain_http: Sequence[str] = ()
    ca_files: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    component: Path
    detached: tuple[bytes, ...]
    name: str
    namespace: str = ""
    tags: tuple[str, ...] | None = None
    pinned: bool | None = None
    manifest: Manifest | None = None
    registry: Registry | None = None
    statements: tuple[Statement, ...] | None = None


def read_subject(source: Source) -> Subject:
    """Returns the facts that can be read; those that only others know are None.

    Raises UsageError, FormatError, LimitError or NotFoundError for what cannot be read, SignatureError or DigestError for what is
    damaged or was changed, RegistryError or AuthError of a registry.
    """
    known = KnownKeys.of(keys_of_trust(source.trust))
    with _opened(source, known) as opened:
        facts = read_component(opened.component)
        signers = read_signers(opened.component, opened.detached, known)
    subject = facts_of(opened.manifest, facts, signers)
    return replace(
        subject,
        name=opened.name,
        namespace=opened.namespace,
        registry=opened.registry,
        tags=opened.tags,
        pinned=opened.pinned,
        statements=opened.statements,
    )


def read_previous(source: Source) -> Previous:
    """Returns what a version that was published imports; raises what `read_subject` raises."""
    subject = read_subject(replace(source, trust=None))
    return previous_version(next(iter(subject.releases), UNKNOWN_VERSION), subject, where=source.text)


def read_api_change(subject: Subject, source: Source, previous: str, wasm_tools: Path | None) -> Subject:
    """Returns a subject with what changed against a version that was published; raises what reading both and comparing them raises."""
    nobody = KnownKeys.of(())
    with (
        _opened(source, nobody) as new,
        _opened(replace(source, text=previous, signature=None), nobody) as old,
        scratch_folder() as scratch,
    ):
        return with_api_change(subject, wasm_tools, old.component, new.component, scratch)


@contextmanager
def _opened(source: Source, known: KnownKeys) -> Iterator[_Opened]:
    text, path = source.text, Path(source.text)
    if not is_reference(text) and file_type(path) not in (None, stat.S_IFDIR):
        detached = (read_bounded(source.signature, LIMITS.signature_section, what="signature file"),) if source.signature else ()
        yield _Opened(component=path, detached=detached, name=path.stem)
        return
    if source.signature:
        hint = "leave it out: signatures of a layout or reference are found with it"
        raise UsageError("only a .wasm file takes a signature file", where="--signature-file", hint=hint)
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        if layout := layout_target(text):
            opened = _fetched(layout, scratch, _layout_place(layout), known)
            yield replace(opened, name=name_in_layout(text, layout, opened.manifest)) if opened.manifest else opened
            return
        if path.suffix == ".wasm" and not is_reference(text):
            raise UsageError("no such file or folder", where=text, hint="check the path")
        from wasm_oci.releases.reach import reach  # opens sockets, which only a registry needs
        from wasm_oci.releases.sources import named_reference

        registries = stack.enter_context(reach(source.registry_config, source.plain_http, source.ca_files, os.environ))
        target = registries.target(text)
        reference, _ = named_reference(text, registries.settings)
        namespace, _, name = reference.repository.rpartition("/")
        place = _Opened(
            component=scratch,
            detached=(),
            name=name,
            namespace=namespace,
            tags=(reference.tag,) if reference.tag else None,
            pinned=reference.digest is not None,
            registry=registry_of_reference(reference.registry, registries.plain_http),
        )
        yield _fetched(target, scratch, place, known)


def name_in_layout(text: str, layout: Target, manifest: Manifest) -> str:
    """Returns what a layout says of itself: what the manifest is titled, or the folder's name; that is no evidence."""
    folder = Path(text.removeprefix("oci:").partition("@")[0]).name
    return _title(manifest.annotations) or (folder.partition(":")[0] if isinstance(layout.wanted, str) else folder)


def _layout_place(layout: Target) -> _Opened:
    tags = (layout.wanted,) if isinstance(layout.wanted, str) else None
    return _Opened(component=Path(), detached=(), name="", tags=tags, pinned=layout.pinned)


def _fetched(target: Target, scratch: Path, place: _Opened, known: KnownKeys) -> _Opened:
    """Writes the component below `scratch`; all that is read is checked against its digest."""
    fetched = target.fetch()
    where = f"{target.store.name}@{fetched.descriptor.digest}"
    manifest = image_manifest(fetched, where)
    component = scratch / "component.wasm"
    fetch_component(target.store, only_component(manifest, where), component)
    referrers = find_referrers(target.store, fetched.descriptor.digest, SIGNATURE_MEDIA_TYPE)
    detached = tuple(islice(detached_signatures(target.store, referrers), LIMITS.signatures))
    statements = statements_in(target.store, fetched, known).verified
    return replace(place, component=component, detached=detached, manifest=manifest, statements=statements)


def _title(annotations: Mapping[str, str]) -> str:
    return annotations.get(_TITLE, "").rpartition("/")[2]
