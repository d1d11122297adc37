"""In-toto statements (in-toto/attestation, spec/v1/statement.md): what is said about a manifest, and by which of its digests.

Written in the order of members in which cosign writes them, so that both make the same bytes of the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from wasm_oci.digest import ALGORITHMS, SHA256, Digest
from wasm_oci.errors import FormatError, LimitError, SignatureError
from wasm_oci.jsontext import JsonObject, ordered, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import member
from wasm_oci.wording import shown_value

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_TYPES = (STATEMENT_TYPE, "https://in-toto.io/Statement/v0.1")
"""Those that are read: cosign 3.1 writes attestations of the older one, whose members are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A predicate about artifacts, each named by a set of digests; unverified unless it came from `verify_bundle`."""

    subjects: tuple[tuple[Digest, ...], ...]
    """Of each subject the digests by an algorithm that is read here."""
    predicate_type: str
    predicate: JsonObject = field(default_factory=dict, hash=False)

    def encode(self) -> bytes:
        """Returns the payload of its envelope."""
        return ordered(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"digest": {each.algorithm: each.hex for each in digests}, "annotations": {}} for digests in self.subjects],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )

    def require_subject(self, manifest: bytes, *, where: str) -> None:
        """Raises SignatureError unless one of the subjects is a manifest of these bytes, by all of the digests that it has."""
        if not any(digests and all(digest.is_of(manifest) for digest in digests) for digests in self.subjects):
            named = next((str(digest) for digests in self.subjects for digest in digests), "nothing that can be compared")
            raise SignatureError(
                f"the statement is about {named}, not about {Digest.of(manifest)}",
                where=where,
                hint="do not use it: it was copied from another artifact, or the artifact was changed",
                reason="other_subject",
            )


def statement_about(manifest: bytes, digest: Digest, predicate_type: str, predicate: JsonObject) -> Statement:
    """Returns a statement about a manifest, by SHA-256 and the algorithm of the digest by which it is named."""
    digests = dict.fromkeys((Digest.of(manifest, SHA256), digest))
    return Statement(subjects=(tuple(digests),), predicate_type=predicate_type, predicate=predicate)


def parse_statement(payload: bytes, *, where: str) -> Statement:
    """Raises FormatError or LimitError for anything but a statement of version 1 or 0.1 whose predicate is an object."""
    document = parse_object(payload, where=where, limit=LIMITS.statement)
    found = member(document, "_type", str, where=where)
    if found not in _TYPES:
        raise FormatError(f"{found[:100]!r} is not a supported statement type", where=f"{where}._type", hint=f"use {STATEMENT_TYPE}")
    subjects = member(document, "subject", list, where=where)
    if not subjects:
        raise FormatError("the statement has no subject", where=f"{where}.subject")
    if len(subjects) > LIMITS.statement_subjects:
        raise LimitError(f"more than {LIMITS.statement_subjects} subjects", where=f"{where}.subject")
    predicate_type = member(document, "predicateType", str, where=where)
    if not predicate_type:
        raise FormatError("must not be empty", where=f"{where}.predicateType")
    return Statement(
        subjects=tuple(_digests(subject, f"{where}.subject[{number}]") for number, subject in enumerate(subjects)),
        predicate_type=predicate_type,
        predicate=member(document, "predicate", dict, where=where, needed=False) or {},
    )


def _digests(subject: object, where: str) -> tuple[Digest, ...]:
    if not isinstance(subject, dict):
        raise FormatError(f"must be an object, but is {shown_value(subject)}", where=where)
    found = member(subject, "digest", dict, where=where)
    if len(found) > LIMITS.subject_digests:
        raise LimitError(f"more than {LIMITS.subject_digests} digests", where=f"{where}.digest")
    return tuple(Digest.parse(f"{name}:{value}", where=f"{where}.digest.{name}") for name, value in found.items() if name in ALGORITHMS)
