"""Checks of where an artifact goes, what it is called, and what it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wasm_oci.policy.finding import BUILD, PULL, Finding, listed, refused, unknown
from wasm_oci.policy.names import Glob, RegistryName
from wasm_oci.policy.subject import VERSION_ANNOTATION, Subject
from wasm_oci.policy.versions import find_version
from wasm_oci.wording import size_with_bytes

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class RegistryCheck:
    """Registries that it may be in."""

    allowed: tuple[RegistryName, ...]
    name: str = "registry"

    def check(self, subject: Subject) -> Iterable[Finding]:
        registry = subject.registry
        if registry is None:
            return unknown(subject, self.name, "registry", "its registry is")
        if subject.is_in(self.allowed):
            return ()
        names = listed((each.text for each in self.allowed), " or ")
        return refused(self.name, "registry", f"registry {registry or 'without a name'} is not allowed", f"use {names}")


@dataclass(frozen=True, slots=True)
class PlainHttpCheck:
    """Whether its registry may be reached without TLS."""

    loopback: bool
    name: str = "plain_http"

    def check(self, subject: Subject) -> Iterable[Finding]:
        registry = subject.registry
        if registry is None or registry.plain_http is None:
            return unknown(subject, self.name, "registry", "whether its registry is reached over plain HTTP is", later=BUILD)
        if not registry.plain_http or (self.loopback and registry.loopback):
            return ()
        return refused(self.name, "registry", f"{registry} is reached over plain HTTP", "reach the registry over HTTPS")


@dataclass(frozen=True, slots=True)
class NamespaceCheck:
    """Namespaces that it may be in."""

    allowed: tuple[Glob, ...]
    name: str = "namespace"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if any(pattern.matches(subject.namespace) for pattern in self.allowed):
            return ()
        what = f"namespace {subject.namespace!r} is not allowed" if subject.namespace else "it has no namespace"
        return refused(self.name, "namespace", what, f"use one that matches {listed(self.allowed, ' or ')}")


@dataclass(frozen=True, slots=True)
class TagCheck:
    """What its tags must be."""

    semver: bool
    allowed: tuple[Glob, ...] | None
    denied: tuple[Glob, ...]
    name: str = "tag"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.tags is None:
            yield from unknown(subject, self.name, "tags", "its tag is", later=(*BUILD, *(PULL if subject.pinned else ())))
        for tag in subject.tags or ():
            if self.semver and find_version(tag) is None:
                yield from refused(self.name, "tags", f"tag {tag!r} is not a semantic version", "use a version such as 1.2.3 as tag")
            elif self.allowed is not None and not any(pattern.matches(tag) for pattern in self.allowed):
                what = f"tag {tag!r} is not allowed"
                yield from refused(self.name, "tags", what, f"use a tag that matches {listed(self.allowed, ' or ')}")
            elif match := next((pattern for pattern in self.denied if pattern.matches(tag)), None):
                yield from refused(self.name, "tags", f"tag {tag!r} is denied by the pattern {match}", "use another tag")


@dataclass(frozen=True, slots=True)
class PinCheck:
    """Whether pulling needs the digest."""

    name: str = "digest_pin"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.at != "pull" or subject.pinned:
            return ()
        if subject.pinned is None:
            return unknown(subject, self.name, "pinned", "whether it is pinned by digest is")
        return refused(self.name, "pinned", "it is pulled without a digest", "name it by digest")


@dataclass(frozen=True, slots=True)
class DeniedDigestCheck:
    """Whether it is an artifact that is denied. A digest of another algorithm says nothing about the denied one."""

    digest: str
    reason: str
    name: str = "denied_digest"

    def check(self, subject: Subject) -> Iterable[Finding]:
        algorithm = self.digest.partition(":")[0]
        if not any(digest.startswith(f"{algorithm}:") for digest in subject.digests or ()):
            return unknown(subject, self.name, "digests", f"its {algorithm} digest is", later=BUILD)
        if self.digest not in (subject.digests or ()):
            return ()
        return refused(self.name, "digests", f"{self.digest} is denied: {self.reason}", "build another version")


@dataclass(frozen=True, slots=True)
class SizeCheck:
    """The most bytes that it may have."""

    most: int
    name: str = "size"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.size is None:
            return unknown(subject, self.name, "size", "its size is")
        if subject.size <= self.most:
            return ()
        what = f"it has {size_with_bytes(subject.size)}, more than {self.most} bytes"
        return refused(self.name, "size", what, f"make it smaller by {subject.size - self.most} bytes")


@dataclass(frozen=True, slots=True)
class RequiredAnnotationCheck:
    """An annotation that must be there."""

    key: str
    matches: Any = None
    text: str = ""
    name: str = "annotation"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.annotations is None:
            return unknown(subject, self.name, "annotations", "its annotations are")
        value = subject.annotation_values.get(self.key)
        shape = f" to a value that matches {self.text}" if self.matches else ""
        if not value:
            return refused(self.name, "annotations", f"annotation {self.key} is missing", f"set {self.key}{shape}")
        if self.matches is None or self.matches.fullmatch(value):
            return ()
        what = f"annotation {self.key} is {value[:80]!r}, which does not match {self.text}"
        return refused(self.name, "annotations", what, f"set {self.key}{shape}")


@dataclass(frozen=True, slots=True)
class ForbiddenAnnotationCheck:
    """An annotation that must not be there."""

    key: Glob
    contains: Any = None
    text: str = ""
    name: str = "annotation"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.annotations is None:
            return unknown(subject, self.name, "annotations", "its annotations are")
        found = [
            each
            for each in subject.annotations
            if self.key.matches(each.name) and (self.contains is None or self.contains.search(each.value))
        ]
        if not found:
            return ()
        what = "; ".join(f"annotation {each.name} is {each.value[:80]!r}" for each in found[:_SHOWN])
        if self.contains is None:
            return refused(self.name, "annotations", f"{what}; {self.key} is forbidden", f"remove {listed(each.name for each in found)}")
        change = f"remove {listed(each.name for each in found)}, or set a value that does not contain {self.text}"
        return refused(self.name, "annotations", f"{what}; forbidden is a value that contains {self.text}", change)


@dataclass(frozen=True, slots=True)
class VersionCheck:
    """Whether tag, annotation and component say the same version."""

    name: str = "version"

    def check(self, subject: Subject) -> Iterable[Finding]:
        if subject.annotations is None or subject.version is None:
            return unknown(subject, self.name, "annotations" if subject.annotations is None else "version", "its version is")
        said = {"annotation": subject.annotation_values.get(VERSION_ANNOTATION, "")}
        if subject.tags:
            said["tag"] = subject.tags[0]
            said |= {f"tag {tag}": tag for tag in subject.tags[1:] if find_version(tag)}
        elif subject.at != "pull" or not subject.pinned:
            return unknown(subject, self.name, "tags", "its tag is", later=BUILD)
        if subject.version:
            said["component"] = subject.version
        return () if len(set(said.values())) == 1 and all(said.values()) else self._differ(said)

    def _differ(self, said: Mapping[str, str]) -> Iterable[Finding]:
        words = ", ".join(f"{where} {value or '(none)'}" for where, value in said.items())
        return refused(self.name, "version", f"its versions differ: {words}", "set one version for all of them")
