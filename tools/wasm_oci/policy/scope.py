"""To what approvals and overrides apply, and for how long."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from wasm_oci.policy.finding import listed
from wasm_oci.policy.names import Glob, RegistryName, matches_component
from wasm_oci.policy.subject import Subject
from wasm_oci.trust.timestamps import timestamp_text


def out_of_scope(
    subject: Subject, components: Collection[Glob], expires: datetime | None, registries: Collection[RegistryName] = ()
) -> str:
    """Returns why something does not apply to a subject, as `is for a-* only`; empty where it does.

    Without `registries` it is for all, and without `expires` for ever. Build ignores the time; elsewhere one that is not known is over.
    """
    if not any(matches_component(pattern, subject.name, subject.path) for pattern in components):
        return f"is for {listed(components)} only"
    if registries and not subject.is_in(registries):
        return f"is for {listed(each.text for each in registries)} only"
    if expires is None or subject.at == "build":
        return ""
    if subject.time is None:
        return "expires, and the time is not known"
    return f"expired after {timestamp_text(expires)}" if subject.time > expires else ""
