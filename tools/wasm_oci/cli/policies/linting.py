"""`wasm_oci policy lint`: what is wrong with a policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.outcome import RED, YELLOW, Outcome, Painted
from wasm_oci.policy.reader import compile_policy, parse_policy_file
from wasm_oci.policy.review.lint import Surroundings, lint
from wasm_oci.policy.review.lint_keys import KnownKey
from wasm_oci.policy.subject import Registry
from wasm_oci.policy_facts.records import read_records
from wasm_oci.policy_facts.registry_facts import named_registry
from wasm_oci.registry_config.config_file import load_registry_config
from wasm_oci.trust.timestamps import now, parse_timestamp
from wasm_oci.trust.trust_store import load_trust_store


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLintRequest:
    """A policy to check, and what it is used with."""

    policy: Path
    registries: Path | None
    trusted_keys: Path | None
    logs: tuple[Path, ...]
    at: str | None


def run_lint(request: PolicyLintRequest) -> Outcome:
    """The exit code is 2 where there is an error; raises what reading the files raises."""
    data = read_bounded(request.policy, LIMITS.config_file, what="policy")
    file = parse_policy_file(data, where=str(request.policy))
    compile_policy(file, digest=str(Digest.of(data)), where=str(request.policy))
    subjects = tuple(record.subject for log in request.logs for record in read_records(log))
    problems = lint(
        file,
        Surroundings(
            time=now() if request.at is None else parse_timestamp(request.at, where="--at"),
            keys=_keys(request.trusted_keys),
            registries=_registries(request.registries),
            subjects=subjects if request.logs else None,
        ),
    )
    errors = sum(problem.kind == "error" for problem in problems)
    lines = [Painted(str(problem), RED if problem.kind == "error" else YELLOW) for problem in problems]
    summary = f"{request.policy}: {errors} errors, {len(problems) - errors} warnings"
    document = {"policy": str(request.policy), "errors": errors, "problems": [problem.to_json() for problem in problems]}
    return Outcome(lines=[*lines, summary], document=document, exit_code=UsageError.exit_code if errors else 0)


def _keys(path: Path | None) -> tuple[KnownKey, ...] | None:
    if path is None:
        return None
    return tuple(
        KnownKey(
            name=key.name,
            key_id=key.public.key_id.hex(),
            development=key.development,
            revoked=key.revoked,
            not_after=key.not_after,
        )
        for key in load_trust_store(path)
    )


def _registries(path: Path | None) -> tuple[Registry, ...] | None:
    if path is None:
        return None
    config = load_registry_config(path)
    return tuple(named_registry(entry.name, config, ()) for entry in config.entries)
