"""The version that a repository has now, for policies that compare with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, NotFoundError
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE, document_kind
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.store import Store
from wasm_oci.policy.subject import Previous, Subject
from wasm_oci.policy.versions import find_version
from wasm_oci.policy_facts.component_facts import ComponentFacts, read_component
from wasm_oci.reading.pull import fetch_component, only_component
from wasm_oci.wasm_tools.compatible import find_wasm_tools, incompatibility

_LATEST = "latest"


def previous_in(store: Store, tags: Sequence[str], digest: Digest | None, scratch: Path) -> Previous | None:
    """Returns what to compare an artifact with that gets these tags, by reading only; None where that is not known.

    Of the tags that are versions, it is the highest below its own one, else the highest of all; else one of its own tags, or
    `latest`, where that names another manifest than `digest`. Raises what reading it raises.
    """
    try:
        known = store.tags()
    except NotFoundError:
        return Previous()
    tag = _chosen(known, tags)
    if tag is None:
        return None if set(known) - set(tags) else Previous()
    fetched = store.fetch_manifest(tag)
    where = f"{store.name}:{tag}"
    if digest == fetched.descriptor.digest:
        return Previous()
    if fetched.descriptor.media_type != MANIFEST_MEDIA_TYPE:
        raise FormatError(
            f"the version before is {document_kind(fetched.descriptor.media_type)}", where=where, hint="give this one another name"
        )
    component = previous_file(scratch)
    fetch_component(store, only_component(Manifest.parse(fetched.data, where=where), where), component)
    return previous_version(tag, read_component(component), where=where)


def previous_file(scratch: Path) -> Path:
    """Returns where `previous_in` writes the component of the version that it returns."""
    return scratch / "previous.wasm"


def with_api_change(subject: Subject, program: Path | None, previous: Path, component: Path, scratch: Path) -> Subject:
    """Returns a subject with what changed against a previous component; as it is where there is no wasm-tools.

    Raises what `incompatibility` raises.
    """
    wasm_tools = find_wasm_tools(program)
    if wasm_tools is None:
        return subject
    problem = incompatibility(wasm_tools, previous, component, scratch)
    return replace(subject, api_change="breaking" if problem else "compatible", api_problem=problem)


def previous_version(version: str, facts: ComponentFacts | Subject, *, where: str) -> Previous:
    """Returns what to compare with; raises FormatError where what it imports cannot be listed."""
    if facts.unlisted:
        raise FormatError(f"what it imports cannot be listed: {facts.unlisted[0]}", where=where)
    return Previous(version=version, imports=facts.imports)


def _chosen(known: Sequence[str], tags: Sequence[str]) -> str | None:
    versions = sorted(filter(None, map(find_version, known)), key=lambda version: version.key)
    own = max(filter(None, map(find_version, tags)), key=lambda version: version.key, default=None)
    others = [each for each in versions if each.text not in tags]
    below = [each for each in others if own is None or each.key < own.key]
    if found := below or others:
        return found[-1].text
    return next((tag for tag in (*tags, _LATEST) if tag in known), None)
