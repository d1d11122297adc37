"""The annotations of an image: what the user wrote, what attributes say, what the file itself says.

Explicit annotations beat attributes, attributes beat metadata in the file. Nothing here depends on registry,
namespace or time, so that one digest serves all registries.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError, UsageError
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import check_annotation_limits
from wasm_oci.wasm.metadata import Metadata

_OCI = "org.opencontainers.image."
TYPE_ANNOTATION = "com.wasm.component.type"
SECURITY_ANNOTATION = "com.wasm.component.security"
RESERVED = "com.wasmsign2."
SIGNATURE_ANNOTATION = "com.wasmsign2.signature.type"
KEY_FORMAT_ANNOTATION = "com.wasmsign2.key.format"
KEY_ID_ANNOTATION = "com.wasmsign2.key.id"
POLICY_NAME_ANNOTATION = "com.wasm.policy.name"
POLICY_DIGEST_ANNOTATION = "com.wasm.policy.digest"

_FROM_METADATA = {
    "description": "description",
    "authors": "authors",
    "licenses": "licenses",
    "source": "source",
    "homepage": "url",
    "revision": "revision",
}
"""Metadata section and the last part of the annotation that it becomes; `version` is the image's, not the section's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """How a component is signed. An annotation is no evidence: verifiers look at the signature itself."""

    type: str
    """`embedded` or `detached`."""
    key_format: str | None = None
    """`compact`, `openssh` or `pem`, where known; `mixed` where those of several keys differ."""

    @property
    def security(self) -> str:
        return "detached-signed" if self.type == "detached" else "signed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What the rule or command line says about a component; empty where it says nothing."""

    title: str
    version: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    license: str = ""

    def annotations(self) -> dict[str, str]:
        """Raises UsageError for a control character other than a line break or tab."""
        values = {
            "title": self.title,
            "version": self.version,
            "description": self.description,
            "authors": ", ".join(self.authors),
            "licenses": self.license,
        }
        for name, value in values.items():
            if _has_control(value.replace("\n", "").replace("\t", "")):
                raise UsageError(f"{value[:100]!r} has a control character", where=name, hint="remove it")
        return {_OCI + name: value for name, value in values.items() if value}


def parse_annotations(entries: Iterable[str], *, where: str = "annotations") -> dict[str, str]:
    """Reads `key=value` entries, split at the first `=`; raises UsageError or LimitError that names the entry."""
    found: dict[str, str] = {}
    for number, entry in enumerate(entries):
        place = f"{where}[{number}]"
        key, separator, value = entry.partition("=")
        if not separator:
            raise UsageError(f"{entry[:100]!r} has no '='", where=place, hint="write key=value")
        if not key:
            raise UsageError(f"{entry[:100]!r} has no key", where=place, hint="write key=value")
        if _has_control(entry):
            raise UsageError(f"{entry[:100]!r} has a control character", where=place, hint="remove it")
        if any(c.isspace() for c in key):
            raise UsageError(f"the key {key[:100]!r} has white space", where=place, hint="write key=value without spaces around '='")
        if key.startswith(RESERVED):
            raise UsageError(f"{key[:100]!r} is set by signing only", where=place, hint=f"leave out the annotations {RESERVED}*")
        if found.get(key, value) != value:
            raise UsageError(
                f"{key[:100]!r} is given twice, as {found[key][:60]!r} and {value[:60]!r}", where=place, hint="keep one of them"
            )
        found[key] = value
    try:
        check_annotation_limits(found, where=where)
    except LimitError as err:
        raise UsageError(err.what, where=where, hint="use fewer or shorter annotations", reason=err.reason) from err
    return found


def merge(
    explicit: Mapping[str, str],
    attributes: Attributes,
    metadata: Metadata,
    *,
    is_component: bool,
    signature: SignatureFacts | None,
) -> dict[str, str]:
    """Returns the manifest's annotations.

    Raises UsageError where an unsigned component is called secure, LimitError where all together are too much.
    """
    if SECURITY_ANNOTATION in explicit and not signature:
        raise UsageError(
            f"{SECURITY_ANNOTATION}={explicit[SECURITY_ANNOTATION][:60]} is set, but the component is not signed",
            where="annotations",
            hint="sign the component, or remove the annotation",
        )
    merged = {_OCI + name: text for section, name in _FROM_METADATA.items() if (text := metadata.to_json().get(section))}
    merged[TYPE_ANNOTATION] = "component" if is_component else "module"
    merged[SECURITY_ANNOTATION] = signature.security if signature else "unsigned"
    if signature:
        merged[SIGNATURE_ANNOTATION] = signature.type
        if signature.key_format:
            merged[KEY_FORMAT_ANNOTATION] = signature.key_format
    merged |= attributes.annotations() | dict(explicit)
    check_annotation_limits(merged, where="annotations")
    return merged


def compliance(policy: bytes, key_ids: Iterable[str], *, where: str) -> dict[str, str]:
    """Returns what an image says of the policy that it was made for, and of its signers; raises FormatError or LimitError."""
    name = parse_object(policy, where=where, limit=LIMITS.config_file).get("name", "")
    values = {
        POLICY_NAME_ANNOTATION: name if isinstance(name, str) else "",
        POLICY_DIGEST_ANNOTATION: str(Digest.of(policy)),
        KEY_ID_ANNOTATION: ",".join(key_ids),
    }
    return {key: value for key, value in values.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is said of a component outside an image; empty texts mean that nothing was said."""

    title: str = ""
    """By default the name in the component's metadata."""
    version: str = ""
    description: str = ""
    license: str = ""
    annotations: tuple[str, ...] = ()
    """Each `key=value`; they take precedence over all else."""
    signature_type: str | None = None
    """`embedded` or `detached`: the signature that there must be."""
    key_format: str | None = None
    """That of the keys that signed it, where it is known: see `SignatureFacts`."""


def map_annotations(description: Description, metadata: Metadata, *, is_component: bool, signature: SignatureFacts | None) -> JsonObject:
    """Returns `annotations`, as an image of the component has them, and `sources`: `attributes` or `component` for each of them.

    Raises what `parse_annotations` and `merge` raise.
    """
    explicit = parse_annotations(description.annotations)
    said = Attributes(
        title=description.title, version=description.version, description=description.description, license=description.license
    )
    given = explicit.keys() | said.annotations().keys()
    titled = replace(said, title=description.title or metadata.name or "")
    annotations = merge(explicit, titled, metadata, is_component=is_component, signature=signature)
    return {
        "annotations": annotations,
        "sources": {key: "attributes" if key in given else "component" for key in annotations},
    }


def _has_control(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cs") for c in text)
