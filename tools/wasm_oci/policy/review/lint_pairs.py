"""Whether what two rules require of one artifact can be satisfied at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from wasm_oci.policy.names import Glob, RegistryName
from wasm_oci.policy.policy_file import TagEntry
from wasm_oci.policy.versions import find_version

EXCLUSIVE = ("signature_types", "key_formats", "key_sources", "allowed_registries", "namespaces", "worlds", "tags")
"""Members of which two rules may ask for what excludes each other."""


def may_agree(member: str, one: object, two: object) -> bool:
    """Returns whether an artifact may satisfy a member of `EXCLUSIVE` in two rules; what cannot be told may be."""
    if isinstance(one, TagEntry) and isinstance(two, TagEntry):
        return _tags_agree(one, two)
    if not isinstance(one, Sequence) or not isinstance(two, Sequence):
        return True
    if member == "allowed_registries":
        return any(_overlap(first, second) for first in one for second in two)
    if member == "namespaces":
        return _any_passes(one, _matching(two)) and _any_passes(two, _matching(one))
    return bool(set(one) & set(two))


def tag_passes(entry: TagEntry, tag: str) -> bool:
    if entry.semver and find_version(tag) is None:
        return False
    allowed = entry.allowed is None or _matching(entry.allowed)(tag)
    return allowed and not _matching(entry.denied or ())(tag)


def _tags_agree(one: TagEntry, two: TagEntry) -> bool:
    def agree(entry: TagEntry, other: TagEntry) -> bool:
        return entry.allowed is None or _any_passes(entry.allowed, lambda tag: tag_passes(other, tag))

    return agree(one, two) and agree(two, one)


def _any_passes(patterns: Iterable[str], passes: Callable[[str], bool]) -> bool:
    """Whether any of the patterns may stand for what passes: one with wildcards may."""
    return any("*" in each or "?" in each or passes(each) for each in patterns)


def _matching(patterns: Iterable[str]) -> Callable[[str], bool]:
    globs = [Glob(each) for each in patterns]
    return lambda text: any(glob.matches(text) for glob in globs)


def _overlap(one: RegistryName, two: RegistryName) -> bool:
    """Whether an artifact may be in both; the name of an entry may be that of any host."""
    if one.text == two.text or "*" in (one.text, two.text) or one.is_entry != two.is_entry:
        return True
    if one.is_entry:
        return False
    shared = min(len(one.prefix), len(two.prefix))
    return one.host == two.host and one.prefix[:shared] == two.prefix[:shared]
