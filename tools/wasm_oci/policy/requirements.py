"""Makes checks of what a rule requires, member by member."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wasm_oci.errors import FormatError
from wasm_oci.policy.capability_checks import (
    AllowedImportsCheck,
    ApiChangeCheck,
    ApprovedImport,
    DeniedImportsCheck,
    ExportCheck,
    NewImportsCheck,
    WorldCheck,
)
from wasm_oci.policy.finding import Check, listed
from wasm_oci.policy.interfaces import Interface, make_interface
from wasm_oci.policy.names import Glob
from wasm_oci.policy.places import (
    ForbiddenAnnotationCheck,
    NamespaceCheck,
    PinCheck,
    PlainHttpCheck,
    RegistryCheck,
    RequiredAnnotationCheck,
    SizeCheck,
    TagCheck,
    VersionCheck,
)
from wasm_oci.policy.policy_file import InterfaceEntry, Requirements, StatementEntry, TagEntry
from wasm_oci.policy.signing import KeySourceCheck, SignerFilter, SigningCheck, StatementCheck
from wasm_oci.policy.versions import VersionRange
from wasm_oci.regex import compile_expression

_EXPRESSION = "write an RE2 expression, such as https://example\\.com/.*"


def checks_of(rule: Requirements, where: str, approvals: tuple[ApprovedImport, ...]) -> Mapping[str, tuple[Check, ...]]:
    """Returns the checks of each member that is there; none for one that allows everything.

    Raises FormatError for members that contradict each other, UsageError for an unusable expression.
    """
    if rule.signing is None and (rule.keys is not None or rule.threshold is not None):
        raise FormatError("keys or threshold without signing", where=f"{where}: signing", hint="add `signing: required` or `optional`")
    filters = filters_of(rule)
    makers: dict[str, Callable[[Any], Iterable[Check]]] = {
        "signing": lambda value: [_signing(rule, where, required=value == "required")],
        "signature_types": lambda _: [filters["signature_types"]],
        "key_formats": lambda _: [filters["key_formats"]],
        "development_keys": lambda value: [filters["development_keys"]] if value == "denied" else [],
        "key_sources": lambda value: [KeySourceCheck(value)],
        "required_annotations": lambda value: [
            RequiredAnnotationCheck(each.name, _expression(each.matches, where), each.matches or "") for each in value
        ],
        "forbidden_annotations": lambda value: [
            ForbiddenAnnotationCheck(Glob(each.name), _expression(each.contains, where), each.contains or "") for each in value
        ],
        "versions": lambda value: [VersionCheck()] if value == "equal" else [],
        "allowed_imports": lambda value: [AllowedImportsCheck(_interfaces(value, where))],
        "denied_imports": lambda value: [DeniedImportsCheck(_interfaces(value, where))],
        "required_exports": lambda value: [ExportCheck(each) for each in _interfaces(value, where)],
        "worlds": lambda value: [WorldCheck(value)],
        "new_imports": lambda value: [NewImportsCheck(approvals)] if value == "approved" else [],
        "api_changes": lambda value: [ApiChangeCheck()] if value == "compatible" else [],
        "max_size": lambda value: [_size(value, where)],
        "allowed_registries": lambda value: [RegistryCheck(value)],
        "namespaces": lambda value: [NamespaceCheck(tuple(Glob(text) for text in value))],
        "tags": lambda value: [_tags(value, where)],
        "plain_http": lambda value: [] if value == "allowed" else [PlainHttpCheck(value == "loopback")],
        "digest_pin": lambda value: [PinCheck()] if value == "required" else [],
        "statements": lambda value: [_statement(each, where) for each in value],
    }
    return {name: tuple(make(value)) for name, make in makers.items() if (value := getattr(rule, name)) is not None}


def filters_of(rule: Requirements) -> dict[str, SignerFilter]:
    """Returns which signatures count where a rule speaks about a member."""
    found = {}
    if rule.signature_types is not None:
        wanted = listed(rule.signature_types, " or ")
        change = f"add a signature that is {wanted}"
        found["signature_types"] = SignerFilter("signature_type", "signature", rule.signature_types, "signed {}", wanted, change)
    if rule.key_formats is not None:
        wanted = f"in {listed(rule.key_formats, ' or ')} form"
        change = f"sign it with a key {wanted}"
        found["key_formats"] = SignerFilter("key_format", "format", rule.key_formats, "is in {} form", wanted, change)
    if rule.development_keys == "denied":
        change = "sign it with a key that no build made: wasm_signing_key"
        found["development_keys"] = SignerFilter("development_key", "development", (False,), "is a development key", "", change)
    return found


def _signing(rule: Requirements, where: str, *, required: bool) -> SigningCheck:
    return SigningCheck(required, rule.keys, _threshold(rule.threshold, rule.keys, where))


def _statement(entry: StatementEntry, where: str) -> StatementCheck:
    return StatementCheck(entry.predicate_type, entry.keys, _threshold(entry.threshold, entry.keys, where))


def _threshold(threshold: int | None, keys: tuple[str, ...] | None, where: str) -> int:
    least = 1 if threshold is None else threshold
    if least < 1:
        raise FormatError(f"a threshold of {least} would accept anything", where=f"{where}: threshold", hint="write 1 or more")
    if keys is not None and least > len(set(keys)):
        what = f"a threshold of {least} is more than the {len(set(keys))} named keys"
        raise FormatError(what, where=f"{where}: threshold", hint="name more keys, or lower it")
    return least


def _expression(text: str | None, where: str) -> Any:
    return None if text is None else compile_expression(text, where=where, hint=_EXPRESSION)


def _interfaces(entries: Iterable[InterfaceEntry], where: str) -> tuple[Interface, ...]:
    return tuple(_interface(each, where) for each in entries)


def _interface(entry: InterfaceEntry, where: str) -> Interface:
    if "@" in entry.interface:
        hint = "write the versions as at_least and below"
        raise FormatError(f"the interface {entry.interface!r} has a version in its name", where=where, hint=hint)
    versions = VersionRange(entry.at_least or "", entry.below or "")
    if versions.is_empty:
        what = f"no version is {versions}"
        raise FormatError(what, where=f"{where}: {entry.interface}", hint="write a lower at_least, or a higher below")
    return make_interface(entry.interface, versions)


def _size(most: int, where: str) -> SizeCheck:
    if most < 1:
        raise FormatError(f"max_size {most} allows nothing", where=f"{where}: max_size", hint="write a number of bytes")
    return SizeCheck(most)


def _tags(entry: TagEntry, where: str) -> TagCheck:
    if not entry.semver and entry.allowed is None and entry.denied is None:
        raise FormatError("tags says nothing", where=f"{where}: tags", hint="add semver, allowed or denied")
    allowed = None if entry.allowed is None else tuple(Glob(text) for text in entry.allowed)
    return TagCheck(entry.semver, allowed, tuple(Glob(text) for text in entry.denied or ()))
