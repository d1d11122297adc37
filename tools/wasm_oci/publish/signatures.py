"""Who signed an artifact: every signature that goes with it is of its component, and those of known keys verify.

Specification: tool-conventions, Signatures.md. What a manifest says about signatures is no evidence, but it must be true.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from wasm_oci.digest import checked
from wasm_oci.errors import FormatError, LimitError, SignatureError, WasmOciError
from wasm_oci.files import open_input
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.oci.annotations import SECURITY_ANNOTATION, SIGNATURE_ANNOTATION
from wasm_oci.oci.descriptor import SIGNATURE_MEDIA_TYPE
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.referrers import artifact_type_of
from wasm_oci.publish.artifact import Artifact, Blob, blobs_of
from wasm_oci.trust.trust import Trust
from wasm_oci.wasm.sections import PREAMBLE_SIZE, read_preamble
from wasm_oci.wasmsign.content_check import Beginning, ContentCheck, Covered, not_of_this
from wasm_oci.wasmsign.parts import Stretch, fits, read_parts
from wasm_oci.wasmsign.section import find_signature
from wasm_oci.wasmsign.signature import ED25519, SignatureData, SignatureRecord, SignedHashes, message, parse_signature

_SHOWN = 8
"""How many keys a message names."""
_TELLING = 64
"""Bytes that tell whether a file begins with a signature: its preamble, an id, two numbers and a name."""
_PUBLISH_SIGNED = "give its signature with --signature-file, or publish the target that signs it"
_CLAIMS = {SIGNATURE_ANNOTATION: {"detached": "detached", "embedded": "embedded"}, SECURITY_ANNOTATION: {"detached-signed": "detached"}}
"""The annotations and values that say which kind of signature there is; SECURITY_ANNOTATION says `signed` of either kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """A key that signed an artifact, or has to."""

    public: PublicKey
    name: str = ""
    """A label or file by which people know it."""
    development: bool = False
    """Whether a build made it."""
    file: str = ""
    """The file that it was read from, where a user can name that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatures:
    """What is known of the signatures that go with an artifact, all of which are of its component."""

    verified: tuple[KnownKey, ...] = ()
    """The keys that signed, of those that are known."""
    unverified: tuple[str, ...] = ()
    """Hexadecimal ids of other keys in signatures, sorted; empty for one without. No public key is known to verify these with."""
    checked: bool = True
    """False where nobody looked, so that nothing is known."""
    copied: bool = False
    """Whether nobody looked because they are copied as they are."""
    content: ContentCheck | None = field(default=None, compare=False)
    """How the content of a large component is still to be compared with what was signed, before a destination has the whole of it."""

    @property
    def none(self) -> bool:
        return self.checked and not (self.verified or self.unverified)

    @property
    def development_only(self) -> bool:
        """Whether nothing but keys that a build made signed."""
        return bool(self.verified) and all(key.development for key in self.verified) and not self.unverified

    def __str__(self) -> str:
        """Says who signed, for people."""
        if not self.checked:
            return "copied as it is, if there is one" if self.copied else "not checked again"
        known = [
            f"{'development ' * key.development}key {key.public.key_id.hex()}{f' by {key.name}' * bool(key.name)}" for key in self.verified
        ]
        others = [f"{f'key {key_id}' if key_id else 'a key without an id'}, not verified" for key_id in self.unverified]
        return "; ".join([*known, *others]) or "none"

    def to_json(self) -> list[JsonObject] | None:
        """Returns an entry for each signer; none for an unsigned artifact, and None where nobody looked."""
        if not self.checked:
            return None
        known: list[JsonObject] = [
            {"keyId": key.public.key_id.hex(), "name": key.name, "development": key.development, "verified": True} for key in self.verified
        ]
        return known + [{"keyId": key_id, "name": "", "development": None, "verified": False} for key_id in self.unverified]


UNCHECKED = Signatures(checked=False)
COPIED = Signatures(checked=False, copied=True)


def check_signatures(artifact: Artifact, expected: Sequence[KnownKey] = (), trust: Trust | None = None) -> Signatures:
    """Checks that each signature of an artifact is of its component, that each expected key signed, and as many of `trust` as it asks for.

    Reads the component once; of one above `LIMITS.checked_early` only its signatures, and leaves the content in `Signatures.content`.
    Raises SignatureError for a signature of another file, one that an expected key did not make, or one that the manifest or a target
    promises and that is not there; DigestError for a damaged component; FormatError or LimitError for one that is not WebAssembly.
    """
    detached = list(_detached(artifact))
    component, where = artifact.component, artifact.where
    if component is None:
        if detached or expected or trust or _claimed(artifact.manifest):
            raise SignatureError(
                "a signature requires an image with exactly one WebAssembly component",
                where=where,
                hint="publish an image of one component, or leave the signature out",
                reason="unfit",
            )
        return Signatures()
    described = component.descriptor
    with open_input(component.path, what="component") as stream:
        found = _Found(stream=stream, where=where, wanted=(*expected, *_trusted(trust, [key.public for key in expected])))
        try:
            embedded = found.add_embedded()
            for blob in detached:
                found.add_detached(blob)
        except WasmOciError:
            ContentCheck(component.path, described.digest, described.size, (), where=where).finish()  # damage explains the rest
            raise
    beginning = Beginning.of(found.beginning)
    content = ContentCheck(component.path, described.digest, described.size, found.covered, where=where, beginning=beginning)
    if early := described.size <= LIMITS.checked_early:
        content.finish()
    _check_claims(artifact, embedded=embedded, detached=bool(detached))
    missing = [key for key in expected if key not in found.verified]
    if missing:
        keys = ", ".join(f"{key.name} ({key.public.key_id.hex()})" if key.name else key.public.key_id.hex() for key in missing)
        raise SignatureError(
            f"it is not signed with key {keys}", where=where, hint="sign it with the key that the target names", reason="no_trusted_key"
        )
    accepted = _accepted(trust, [key.public for key in found.verified], where) if trust else ()
    verified = [key for key in found.wanted if key in found.verified and (key in expected or key.public in accepted)]
    return Signatures(verified=tuple(verified), unverified=tuple(sorted(found.unverified)), content=None if early else content)


def _accepted(trust: Trust, signed: Collection[PublicKey], where: str) -> tuple[PublicKey, ...]:
    if set(trust.keys).isdisjoint(signed):
        hint = "sign it with one of them, or name the signer's public key"
        expected = ", ".join(trust.describe(key) for key in trust.keys[:_SHOWN])
        raise SignatureError(f"none of the given keys signed it (given {expected})", where=where, hint=hint, reason="no_trusted_key")
    return trust.accepted_keys(signed, where=where)


def _trusted(trust: Trust | None, expected: Collection[PublicKey]) -> Iterator[KnownKey]:
    """Yields the keys of a trust that are not expected anyway."""
    for public in trust.ed25519_keys if trust else ():
        if public not in expected:
            known = trust.known.get(public) if trust else None
            file = str(trust.files.get(public, "")) if trust else ""
            yield KnownKey(public=public, name=known.name if known else "", development=bool(known and known.development), file=file)


def signature_payloads(artifact: Artifact) -> Iterator[bytes]:
    """Yields the detached signatures of an artifact, unverified; raises FormatError, LimitError or DigestError for one that is unusable."""
    for blob in _detached(artifact):
        yield _payload(blob, blob.where or f"{artifact.where}: signature {blob.descriptor.digest}")


def _detached(artifact: Artifact) -> Iterator[Blob]:
    """Yields the signatures among the referrers of the artifact's own manifest; raises FormatError for one that holds none."""
    blobs = {blob.descriptor.digest: blob for blob in artifact.blobs}
    count = 0
    for referrer in artifact.referrers:
        if artifact_type_of(referrer) != SIGNATURE_MEDIA_TYPE or not artifact.is_subject_of(referrer):
            continue
        layers = [layer for layer in blobs_of(referrer) if layer.media_type == SIGNATURE_MEDIA_TYPE]
        if not layers:
            what = f"referrer {referrer.descriptor().digest} holds no signature, though its type says so"
            raise FormatError(what, where=artifact.where, hint="remove it from the layout")
        for layer in layers:
            count += 1
            if count > LIMITS.signatures:
                raise LimitError(f"more than {LIMITS.signatures} detached signatures", where=artifact.where, hint="publish fewer")
            yield blobs[layer.digest]


def _claimed(manifest: Manifest | Index) -> set[str]:
    """Returns the kinds of signature that the annotations promise; `any` is either kind."""
    said = {kinds.get(manifest.annotations.get(name, "")) for name, kinds in _CLAIMS.items()}
    said.add("any" if manifest.annotations.get(SECURITY_ANNOTATION) == "signed" else None)
    return {kind for kind in said if kind}


def _check_claims(artifact: Artifact, *, embedded: bool, detached: bool) -> None:
    there = {"embedded": embedded, "detached": detached, "any": embedded or detached}
    for kind in sorted(_claimed(artifact.manifest)):
        if not there[kind]:
            words = "signature" if kind == "any" else f"{kind} signature"
            raise SignatureError(
                f"the manifest promises a{'n' * (kind == 'embedded')} {words}, but there is none",
                where=artifact.where,
                hint=_PUBLISH_SIGNED,
                reason="unsigned",
            )


@dataclass(slots=True, kw_only=True)
class _Found:
    """The signatures of one component, as they are found."""

    stream: BinaryIO
    where: str
    wanted: tuple[KnownKey, ...]
    verified: set[KnownKey] = field(default_factory=set)
    unverified: set[str] = field(default_factory=set)
    tried: int = 0
    covered: list[Covered] = field(default_factory=list)
    """What the content has to be: the file may be another one by the time it is sent."""
    beginning: bytes = b""
    """What it has to begin with."""

    def add_embedded(self) -> bool:
        """Returns whether the component carries a signature."""
        self.stream.seek(0)
        read_preamble(self.stream, where=self.where)
        found = find_signature(self.stream, where=self.where)
        if found:
            parse_signature(found.payload(), where=self.where)  # raises for one that is too large to be kept
        self.stream.seek(0)
        self.beginning = self.stream.read(found.end if found else _TELLING)
        beginning = BytesIO(self.beginning)
        read_preamble(beginning, where=self.where)
        section = find_signature(beginning, where=self.where) if found else None
        if section is None:
            return False
        self._add(parse_signature(section.payload(), where=self.where), self.where, start=section.end, detached=False)
        return True

    def add_detached(self, blob: Blob) -> None:
        where = blob.where or f"{self.where}: signature {blob.descriptor.digest}"
        self._add(parse_signature(_payload(blob, where), where=where), where, start=PREAMBLE_SIZE, detached=True)

    def _add(self, data: SignatureData, where: str, *, start: int, detached: bool) -> None:
        """Where there is one set of hashes, the content has to have them; of several sets, those count that it has."""
        sets: Sequence[SignedHashes] = data.sets
        if len(sets) > 1:
            parts = read_parts(Stretch(stream=self.stream, start=start, detached=detached, where=self.where), None)
            sets = [signed for signed in sets if fits(signed.hashes, parts)]
            if not sets:
                raise not_of_this(where)
        for signed in sets:
            self.covered.append(Covered(start=start, detached=detached, hashes=tuple(signed.hashes), where=where))
            for record in signed.signatures:
                if record.algorithm != ED25519:
                    what, hint = "a signature uses an unknown algorithm", "use a newer program"
                    raise SignatureError(what, where=where, hint=hint, reason="unsupported_version")
                self._add_record(record, message(signed.hashes), where)

    def _add_record(self, record: SignatureRecord, signed: bytes, where: str) -> None:
        candidates = [key for key in self.wanted if record.key_id in (b"", key.public.key_id)]
        for key in candidates:
            self.tried += 1
            if self.tried > LIMITS.verifications:
                raise LimitError(f"more than {LIMITS.verifications} signatures to verify", where=where, hint="sign the component again")
            if ed25519.verifier(key.public.raw)(signed, record.signature):
                self.verified.add(key)
                return
        if candidates and record.key_id:
            raise SignatureError(
                f"the signature with key id {record.key_id.hex()} is not of key {candidates[0].name or 'that id'}, or was changed",
                where=where,
                hint="sign the component again",
                reason="bad_signature",
            )
        self.unverified.add(record.key_id.hex())


def _payload(blob: Blob, where: str) -> bytes:
    descriptor = blob.descriptor
    if descriptor.size > LIMITS.signature_section:
        raise LimitError(f"the signature has {descriptor.size} bytes, more than {LIMITS.signature_section}", where=where)
    return b"".join(checked(blob.content(), descriptor.digest, descriptor.size, where=where))
