"""What a log says of a run: an intent for each destination before anything is written, its outcome afterwards, or a refusal.

A record names things and says what was decided; no credential and no key is in one. Texts from outside are cut to `LIMITS.log_message`
characters and lists to `LIMITS.log_list` entries, so that each record fits into a log.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wasm_oci.errors import PolicyError, WasmOciError
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.release import Release
from wasm_oci.publish.release_request import ArtifactRequest
from wasm_oci.publish.result import Result
from wasm_oci.redaction import redacted, redacted_document

SCHEMA_VERSION = 1
_REFUSALS = (3, 4, 7)
"""Exit codes of what was decided; with any other one, something failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What all records of a run have in common."""

    command: str
    run: str
    """A number that no other run has, by which an outcome is found for an intent."""
    time: str
    who: JsonObject
    """The user and the machine, as `whoever_runs_this` names them."""

    def record(self, event: str, members: Mapping[str, Any]) -> JsonObject:
        return redacted_document(
            {
                "schemaVersion": SCHEMA_VERSION,
                "event": event,
                "command": self.command,
                "run": self.run,
                "time": self.time,
                "who": self.who,
                **members,
            }
        )


def whoever_runs_this() -> JsonObject:
    """Returns the user and the machine, as the system names them."""
    if sys.platform == "win32":
        import getpass

        user = getpass.getuser()
    else:
        import pwd

        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's user may have no name
            user = str(os.getuid())
    return {"user": user, "host": platform.node()}


def intents(release: Release, run: RunRecord) -> Iterator[JsonObject]:
    """Yields what is about to be done, a record for each destination with anything to write."""
    for request, result in _results(release):
        plan = result.plan
        members: JsonObject = _place(plan) | {
            "tags": _some([_tag(tag.tag, before=tag.before, after=tag.after) for tag in plan.tags]),
            "referrers": _some([str(referrer.digest) for referrer in plan.referrers]),
            "signers": _some(plan.signatures.to_json()),
        }
        if request and request.target:
            members["target"] = _cut(request.target)
        if policy := plan.decision.document:
            members["policy"] = _policy(policy)
        yield run.record("intent", members)


def outcomes(release: Release, run: RunRecord) -> Iterator[JsonObject]:
    """Yields what became of it, from what the destinations answered."""
    for _, result in _results(release):
        members: JsonObject = _place(result.plan) | {
            "status": result.status,
            "tags": _some([_tag(tag, now=digest) for tag, digest in result.tags_after.items()]),
        }
        if result.error:
            members["error"] = _error(result.error)
        yield run.record("outcome", members)


def refusals(error: WasmOciError, requested: Sequence[JsonObject], run: RunRecord) -> Iterator[JsonObject]:
    """Yields what was not done, and why: a record for each denial of a policy, else one."""
    event = "refusal" if error.exit_code in _REFUSALS else "failure"
    denials = [each for each in error.verdicts if each.get("decision") == "deny"] if isinstance(error, PolicyError) else []
    for verdict in denials:
        place = {name: _cut(str(verdict[name])) for name in ("destination", "digest") if verdict.get(name)}
        yield run.record(event, place | {"error": _error(error), "policy": _policy(verdict)})
    if not denials:
        yield run.record(event, {"requested": _cut_all(_some(requested)), "requestedCount": len(requested), "error": _error(error)})


def _results(release: Release) -> Iterator[tuple[ArtifactRequest | None, Result]]:
    """Yields every result with something to write, or with an error: what is as it was is not published."""
    for artifact in release.artifacts:
        yield from ((artifact.request, result) for result in artifact.results if _counts(result))
    for index in release.indexes:
        yield from ((None, result) for result in (*index.beside, *([index.result] if index.result else [])) if _counts(result))


def _counts(result: Result) -> bool:
    return result.plan.writes or bool(result.plan.refusal or result.plan.unknown or result.error)


def _place(plan: Plan) -> JsonObject:
    return {"destination": _cut(plan.destination.name), "digest": str(plan.artifact.descriptor.digest)}


def _tag(tag: str, **digests: object) -> JsonObject:
    return {"tag": tag, **{name: str(digest) if digest else None for name, digest in digests.items()}}


def _policy(document: Mapping[str, Any]) -> JsonObject:
    """Returns a verdict without its findings: the policy's digest and the rule say how it was decided."""
    kept = {name: document[name] for name in ("decision", "policy", "decidedBy", "registry", "overrides") if document.get(name)}
    return {name: _cut_all(value) for name, value in kept.items()}


def _error(error: WasmOciError) -> JsonObject:
    return error.to_json() | {"message": _cut(str(error))}


def _cut_all(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut_all(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_cut_all(each) for each in value[: LIMITS.log_list]]
    return _cut(value, LIMITS.log_message // 8) if isinstance(value, str) else value


def _some(values: Sequence[Any] | None) -> list[Any] | None:
    return None if values is None else list(values[: LIMITS.log_list])


def _cut(text: str, most: int = LIMITS.log_message) -> str:
    """Returns a text without secrets, which are hidden before it is cut."""
    text = redacted(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"
