"""The short form of a policy: the attributes of `wasm_security_policy`, whose rules are `NAME|required|optional[|key_a,key_b]`.

`wasm/private/policy/policy_strings.bzl` reads the same; tests/testdata has the cases of both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Literal, TypeVar

from wasm_oci.errors import FormatError
from wasm_oci.policy.names import check_component_pattern, parse_registry_name
from wasm_oci.policy.policy_file import ComponentRule, GeneralRule, PolicyFile, RegistryRule
from wasm_oci.policy.subject import KeySource, SignatureType

_FORM = 'write NAME|required or NAME|optional, and where wanted |key_a,key_b, such as "prod-*|required|release_key"'
_Signing = Literal["required", "optional"]
_Target = TypeVar("_Target")


def policy_of_strings(
    *,
    default_signing_required: bool | None,
    registry_policies: Sequence[str] = (),
    component_policies: Sequence[str] = (),
    key_sources: tuple[KeySource, ...] = (),
    signature_type: SignatureType | None = None,
    openssh_format: bool = False,
    name: str = "",
    where: str = "",
) -> PolicyFile:
    """Returns the policy that attributes say; raises FormatError that names the attribute and the entry.

    `default_signing_required` None leaves the default to another policy beside it. `openssh_format` restricts the form of keys only
    where it is set; the signature type and the key sources are those of everything that is signed.
    """
    general = GeneralRule(
        signature_types=(signature_type,) if signature_type else None,
        key_formats=("openssh",) if openssh_format else None,
        key_sources=key_sources or None,
        source=where or "attributes",
    )
    prefix = f"{where}: " if where else ""
    components = []
    for number, text in enumerate(component_policies):
        place = f"{prefix}component_policies[{number}]"
        pattern, signing, keys = _parsed(text, "pattern", check_component_pattern, place)
        components.append(ComponentRule(pattern=pattern, signing=signing, keys=keys, source=place))
    registries = []
    for number, text in enumerate(registry_policies):
        place = f"{prefix}registry_policies[{number}]"
        registry, signing, keys = _parsed(text, "registry", parse_registry_name, place)
        registries.append(RegistryRule(registry=registry, signing=signing, keys=keys, source=place))
    default = GeneralRule(signing="required" if default_signing_required else "optional", source=f"{prefix}default_signing_required")
    return PolicyFile(
        name=name or None,
        always=(general,) if signature_type or openssh_format or key_sources else (),
        default=() if default_signing_required is None else (default,),
        registries=tuple(registries),
        components=tuple(components),
    )


def _parsed(text: str, field: str, parse: Callable[..., _Target], place: str) -> tuple[_Target, _Signing, tuple[str, ...] | None]:
    """Returns what a rule is for, whether it requires a signature, and the names of the keys; errors name the field."""
    names = (field, "signing", "keys")
    fields = text.split("|")
    for number, value in enumerate(fields):
        if number >= len(names):
            raise FormatError(f"field {number + 1}: a rule has at most three", where=place, hint=_FORM)
        if not value.strip():
            raise FormatError("is empty", where=f"{place}: {names[number]}", hint="fill it or remove it")
        if value != value.strip():
            raise FormatError("begins or ends with a space", where=f"{place}: {names[number]}", hint="remove the space")
    target = parse(fields[0], where=f"{place}: {field}")
    if len(fields) == 1:
        hint = f"write required or optional, such as {json.dumps(f'{text}|required', ensure_ascii=False)}"
        raise FormatError("missing", where=f"{place}: signing", hint=hint)
    if fields[1] not in ("required", "optional"):
        what = f"unknown word {json.dumps(fields[1][:40], ensure_ascii=False)}"
        raise FormatError(what, where=f"{place}: signing", hint="use one of required, optional")
    signing: _Signing = "required" if fields[1] == "required" else "optional"
    if len(fields) == 2:
        return target, signing, None
    keys = tuple(fields[2].split(","))
    for key in keys:
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            what = f"{json.dumps(key[:80], ensure_ascii=False)} is not the name of a key"
            raise FormatError(what, where=f"{place}: keys", hint="write names separated by commas, without spaces")
    return target, signing, keys
