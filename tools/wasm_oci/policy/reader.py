"""Reads a policy file, and makes a policy of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError
from wasm_oci.policy.capability_checks import ApprovedImport
from wasm_oci.policy.interfaces import make_interface
from wasm_oci.policy.model import EmergencyException, Policy, Rule, check_unique
from wasm_oci.policy.names import Glob
from wasm_oci.policy.places import DeniedDigestCheck
from wasm_oci.policy.policy_file import Approval, ComponentRule, PolicyFile, RegistryRule, Requirements
from wasm_oci.policy.policy_types import Mode
from wasm_oci.policy.requirements import checks_of, filters_of
from wasm_oci.shape import line_of, read_config_with_lines


def parse_policy(data: bytes, *, where: str) -> Policy:
    """Returns the policy that a file holds, in YAML or JSON.

    Raises FormatError, LimitError or UsageError, with line and path, for a file that is malformed, contradicts itself or has no rule.
    """
    return compile_policy(parse_policy_file(data, where=where), digest=str(Digest.of(data)), where=where)


def parse_policy_file(data: bytes, *, where: str) -> PolicyFile:
    """Returns the file with the place of each rule as its `source`."""
    file, lines = read_config_with_lines(data, PolicyFile, where=where)
    return _with_places(file, lines, where)


def _with_places(file: PolicyFile, lines: Mapping[str, int], where: str) -> PolicyFile:
    def place(path: str) -> str:
        line = line_of(lines, path)
        return f"{where}:{line}" if line else f"{where}: {path}"

    placed: dict[str, Any] = {}
    for member in ("always", "default", "registries", "components", "denied_digests", "approvals", "overrides"):
        entries = getattr(file, member)
        one = member in lines and f"{member}[0]" not in lines
        places = [place(member if one else f"{member}[{number}]") for number in range(len(entries))]
        placed[member] = tuple(entry if entry.source else replace(entry, source=each) for entry, each in zip(entries, places, strict=True))
    return replace(file, **placed)


def merged(file: PolicyFile, other: PolicyFile) -> PolicyFile:
    """Returns one file with the rules of both, for a target that has attributes and a file. Approvals and overrides count for both."""
    members = ("always", "default", "registries", "components", "denied_digests", "approvals", "overrides")
    lists: dict[str, Any] = {member: getattr(file, member) + getattr(other, member) for member in members}
    mode: Mode = "enforce" if "enforce" in (file.mode, other.mode) else "warn"
    return replace(file, name=file.name or other.name, mode=mode, **lists)


def compile_policy(file: PolicyFile, *, digest: str, where: str) -> Policy:
    """Returns the policy of a file whose rules have places; raises FormatError or UsageError for rules that contradict themselves."""
    approved = tuple(_approved(each) for each in file.approvals)
    check_unique((each.name, each.source) for each in file.overrides)
    rules = [
        *(
            Rule(
                name=f"denied_digest:{each.digest}",
                kind="denied_digest",
                place=each.source,
                checks={"denied_digests": (DeniedDigestCheck(str(each.digest), each.reason),)},
            )
            for each in file.denied_digests
        ),
        *(_component(rule, approved) for rule in file.components),
        *(_registry(rule, approved) for rule in file.registries),
        *(_rule(rule, rule.source, approved, kind="always", name="always") for rule in file.always),
        *(_rule(rule, rule.source, approved, kind="default", name="default") for rule in file.default),
    ]
    exceptions = tuple(
        EmergencyException(
            name=each.name,
            place=each.source,
            checks=each.checks,
            components=tuple(Glob(text) for text in each.components),
            registries=each.registries or (),
            reason=each.reason,
            approved_by=each.approved_by,
            expires=each.expires,
        )
        for each in file.overrides
    )
    return Policy(
        name=file.name or where, place=where, digest=digest, enforced=file.mode == "enforce", rules=tuple(rules), exceptions=exceptions
    )


def _approved(entry: Approval) -> ApprovedImport:
    interface = make_interface(entry.interface)
    package = interface.pattern.text.partition("/")[0]
    if "*" in package or "?" in package:
        what = f"{entry.interface!r} approves more than one package"
        raise FormatError(what, where=entry.source, hint="name the interface, such as wasi:sockets/tcp")
    return ApprovedImport(
        place=entry.source, interface=interface, components=tuple(Glob(text) for text in entry.components), expires=entry.expires
    )


def _rule(rule: Requirements, where: str, approvals: tuple[ApprovedImport, ...], **about: Any) -> Rule:
    return Rule(
        place=where,
        enforced=rule.mode == "enforce",
        checks=checks_of(rule, where, approvals),
        filters=filters_of(rule),
        requires_signature=rule.signing == "required",
        **about,
    )


def _component(rule: ComponentRule, approvals: tuple[ApprovedImport, ...]) -> Rule:
    about = {"name": rule.name or f"component:{rule.pattern}", "pattern": Glob(rule.pattern), "registries": rule.registries or ()}
    return _rule(rule, rule.source, approvals, kind="component", **about)


def _registry(rule: RegistryRule, approvals: tuple[ApprovedImport, ...]) -> Rule:
    name = rule.name or f"registry:{rule.registry.text}"
    return _rule(rule, rule.source, approvals, kind="registry", name=name, registries=(rule.registry,))
