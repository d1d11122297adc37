"""References to artifacts in a registry: `host[:port]/repository[:tag][@digest]`.

Grammar: distribution specification 1.1, "Pulling manifests"; host as in RFC 3986, IPv6 in square brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.http.host import NAME_LENGTH, check_host

_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_OF_REFERRERS = re.compile(r"sha(256|512)-[0-9a-f]{64}")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HOST_ALONE = re.compile(r"localhost|[^:/]+\.[^:/]+|[^/]+:[0-9]{2,5}")
_DIGEST_LIKE = re.compile(r"(?i:sha[0-9]+)(?::|$)")

DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_DOCKER_HUB_API = "registry-1.docker.io"


def check_repository(repository: str, *, where: str = "") -> str:
    """Returns `repository`; raises UsageError for a name that registries refuse."""
    if not _REPOSITORY.fullmatch(repository) or len(repository) > NAME_LENGTH:
        hint = "write words of lower-case letters and digits joined by '.', '_', '__' or '-', in segments separated by '/'"
        if repository != repository.lower() and _REPOSITORY.fullmatch(repository.lower()):
            hint = f"write it in lower case: {repository.lower()}"
        elif repository.strip("/") != repository and _REPOSITORY.fullmatch(repository.strip("/")):
            hint = f"omit '/' at its ends: write {repository.strip('/')}"
        elif len(repository) > NAME_LENGTH:
            hint = f"use at most {NAME_LENGTH} characters"
        raise UsageError(f"{repository[:100]!r} is not a repository name", where=where, hint=hint)
    return repository


def is_tag(text: str) -> bool:
    """Returns whether a text is in the tag grammar."""
    return _TAG.fullmatch(text) is not None


def check_tag(tag: str, *, where: str = "") -> str:
    """Returns `tag`; raises UsageError for one outside the tag grammar."""
    if not is_tag(tag):
        raise UsageError(
            f"{tag[:140]!r} is not a tag",
            where=where,
            hint="write 1 to 128 letters, digits, '_', '.' or '-', beginning with a letter, a digit or '_'",
        )
    return tag


def check_new_tag(tag: str, *, where: str = "") -> str:
    """Returns a tag that may be given to an artifact; raises UsageError for one of a list of referrers too: readers would miss signatures.

    See the distribution specification, "Referrers Tag Schema".
    """
    if _OF_REFERRERS.fullmatch(check_tag(tag, where=where)):
        raise UsageError(f"tag {tag} is reserved for what refers to a manifest", where=where, hint="choose another tag")
    return tag


def has_registry(text: str) -> bool:
    """Returns whether a text begins with what can only be a registry host."""
    registry, slash, _ = text.partition("/")
    return bool(slash) and ("." in registry or ":" in registry or registry == "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Names a manifest, or a repository where neither tag nor digest is given. With both, the digest decides."""

    registry: str
    """Host and optional port as the user wrote them."""
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @staticmethod
    def parse(text: str, *, where: str = "") -> Reference:
        """Raises UsageError for anything but a full reference: short names are not expanded."""
        name, at, digest_text = text.partition("@")
        registry, _, path = name.partition("/")
        if at and ("/" in digest_text or "@" in digest_text or not _DIGEST_LIKE.match(digest_text)):
            raise UsageError(
                "what follows '@' is not a digest; what is before it may be a password, so it is not shown",
                where=where,
                hint="remove user and password: credentials come from Docker's configuration or a registry entry",
            )
        if "://" in name:
            raise UsageError(f"{text[:200]!r} is a URL", where=where, hint="omit the scheme: write host/repository:tag")
        if _HOST_ALONE.fullmatch(name):
            hint = f"write {name[:100]}/REPOSITORY:TAG or {name[:100]}/REPOSITORY@sha256:…"
            raise UsageError(f"{text[:200]!r} names no repository", where=where, hint=hint)
        if not has_registry(name):
            raise UsageError(
                f"{text[:200]!r} has no registry host",
                where=where,
                hint="write host/repository:tag or host/repository@sha256:…; Docker Hub's host is docker.io",
            )
        repository, colon, tag = path.partition(":")
        check_host(registry, where=where)
        check_repository(repository, where=where)
        if colon:
            check_tag(tag, where=where)
        if len(registry) + 1 + len(repository) > NAME_LENGTH:
            raise UsageError(f"host and repository have more than {NAME_LENGTH} characters", where=where, hint="use a shorter name")
        if registry in DOCKER_HUB and "/" not in repository:
            raise UsageError(
                f"{text[:200]!r} has no namespace, which Docker Hub needs",
                where=where,
                hint=f"write docker.io/NAMESPACE/{repository} (the official images' namespace is library)",
            )
        return Reference(
            registry=registry,
            repository=repository,
            tag=tag if colon else None,
            digest=_parse_digest(digest_text, where=where) if at else None,
        )

    @property
    def name(self) -> str:
        """Host and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def api_host(self) -> str:
        """The host that answers the distribution API; Docker Hub's differs from its name."""
        return _DOCKER_HUB_API if self.registry in DOCKER_HUB else self.registry

    def with_digest(self, digest: Digest) -> Reference:
        """Returns the same repository pinned to `digest`, without a tag."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def _parse_digest(text: str, *, where: str) -> Digest:
    try:
        return Digest.parse(text)
    except FormatError as err:
        raise UsageError(err.what, where=where, hint=err.hint) from err
