"""`wasm_oci policy compile`: the attributes of a target and a policy file as one policy, in its normal form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError
from wasm_oci.files import read_bounded, write_file
from wasm_oci.jsontext import pretty
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import Outcome
from wasm_oci.policy.documents import document_of
from wasm_oci.policy.policy_file import PolicyFile
from wasm_oci.policy.reader import compile_policy, merged, parse_policy_file
from wasm_oci.policy.strings import policy_of_strings
from wasm_oci.policy.subject import KeySource, SignatureType
from wasm_oci.shape import read_request_bytes

_RULES = ("always", "default", "registries", "components")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAttributes:
    """What the attributes of a `wasm_security_policy` say."""

    name: str
    """What verdicts call a policy whose file has no name."""
    target: str
    component_policies: tuple[str, ...] = ()
    registry_policies: tuple[str, ...] = ()
    default_signing_required: bool | None = None
    """None leaves it to the file."""
    key_source: KeySource | None = None
    signature_type: SignatureType | None = None
    openssh_format: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCompileRequest:
    """A policy to put into its normal form."""

    attributes: str
    """JSON."""
    file: Path | None
    """Its policy file."""
    place: str | None
    """What rules call the file; its path by default."""
    output: Path


def run_compile(request: PolicyCompileRequest) -> Outcome:
    """Raises FormatError, LimitError or UsageError for a policy that is malformed, contradicts itself or has no rule."""
    attributes = read_request_bytes(request.attributes.encode("utf-8", "surrogateescape"), PolicyAttributes, where="--attributes")
    file = _policy(attributes, request)
    data = pretty(document_of(file))
    if len(data) > LIMITS.config_file:
        what = f"the normal form would be larger than {LIMITS.config_file} bytes"
        raise LimitError(what, where=attributes.target, hint="split the policy")
    policy = compile_policy(file, digest=str(Digest.of(data)), where=attributes.target)
    write_file(request.output, data, what="policy")
    return Outcome(
        lines=[f"{policy.name}: {len(policy.rules)} rules"],
        document={"policy": {"name": policy.name, "digest": policy.digest}, "rules": [rule.name for rule in policy.rules]},
    )


def _policy(attributes: PolicyAttributes, request: PolicyCompileRequest) -> PolicyFile:
    own = policy_of_strings(
        default_signing_required=attributes.default_signing_required,
        registry_policies=attributes.registry_policies,
        component_policies=attributes.component_policies,
        key_sources=(attributes.key_source,) if attributes.key_source else (),
        signature_type=attributes.signature_type,
        openssh_format=attributes.openssh_format,
        name=attributes.name,
        where=attributes.target,
    )
    if request.file is None:
        return own
    data = read_bounded(request.file, LIMITS.config_file, what="policy")
    file = parse_policy_file(data, where=request.place or str(request.file))
    if not any(getattr(own, member) for member in _RULES):
        return replace(file, name=file.name or own.name)
    return merged(file, own)
