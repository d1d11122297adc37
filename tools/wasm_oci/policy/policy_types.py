"""The words, names and patterns that the members of a policy file are."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.policy.names import RegistryName, check_component_pattern, check_pattern, parse_registry_name
from wasm_oci.policy.versions import check_bound
from wasm_oci.shape import Parsed, Size
from wasm_oci.trust.predicate_types import predicate_type
from wasm_oci.trust.timestamps import parse_timestamp

Mode = Literal["enforce", "warn"]
CheckName = Literal[
    "registry",
    "plain_http",
    "namespace",
    "tag",
    "digest_pin",
    "denied_digest",
    "size",
    "signing",
    "signature_type",
    "key_format",
    "development_key",
    "key_source",
    "annotation",
    "version",
    "import",
    "export",
    "world",
    "new_import",
    "api_change",
    "statement",
]
"""What a finding is about."""
REQUIREMENTS = (
    *("signing", "signature_types", "key_formats", "development_keys", "key_sources", "required_annotations", "forbidden_annotations"),
    *("versions", "allowed_imports", "denied_imports", "required_exports", "worlds", "new_imports", "api_changes", "max_size"),
    *("allowed_registries", "namespaces", "tags", "plain_http", "digest_pin", "statements"),
)
"""The members of a rule that say something by themselves, in the order in which they are checked."""


def _word(text: str, *, where: str) -> str:
    if not text.isascii() or not text.isprintable() or any(character in " ,|" for character in text):
        hint = "use ASCII letters, digits and signs, without spaces, commas and bars"
        raise FormatError(f"{text[:80]!a} is not a name", where=where, hint=hint)
    return text


def _digest(text: str, *, where: str) -> Digest:
    return Digest.parse(text, where=where)


def _line(text: str, *, where: str) -> str:
    if not text.strip() or not text.isprintable():
        raise FormatError("it is empty, or not one line of plain text", where=where, hint="write a sentence")
    return text


def _predicate_type(text: str, *, where: str) -> str:
    try:
        return predicate_type(text, where=where)
    except UsageError as err:
        raise FormatError(err.what, where=where, hint=err.hint) from err


Name = Annotated[str, Parsed(Annotated[str, Size(1, 256)], _word)]
Pattern = Annotated[str, Parsed(str, check_pattern)]
ComponentPattern = Annotated[str, Parsed(str, check_component_pattern)]
RegistryText = Annotated[RegistryName, Parsed(Annotated[str, Size(1, 255)], parse_registry_name)]
Bound = Annotated[str, Parsed(str, check_bound)]
Reason = Annotated[str, Parsed(Annotated[str, Size(1, 1000)], _line)]
LastSecond = Annotated[datetime, Parsed(str, partial(parse_timestamp, last=True))]
DigestText = Annotated[Digest, Parsed(str, _digest)]
PredicateType = Annotated[str, Parsed(Annotated[str, Size(1, 1000)], _predicate_type)]
Few = Size(1, LIMITS.policy_entries)
Many = Size(0, LIMITS.policy_entries)
