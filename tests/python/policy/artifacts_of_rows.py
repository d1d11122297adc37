"""Rows of the table as real artifacts: a component with its imports, signed by its signers, in a layout, with its statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.artifacts import key
from fakes.wasm import COMPONENT, custom, entries, exported, imported, section
from wasm_oci.attest.write import sign_statement
from wasm_oci.digest import Digest
from wasm_oci.keys.key import PublicKey, SecretKey, load_public_key
from wasm_oci.oci.descriptor import WASM_CONFIG_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout import write_layout
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.policy.subject import Signer, Subject
from wasm_oci.policy_facts.component_facts import read_component
from wasm_oci.publish.artifact import Referrer, load_artifact, statement_referrer
from wasm_oci.publish.release_request import PolicyKey
from wasm_oci.trust.trust import TrustedKey
from wasm_oci.wasmsign.sign import sign_file

_CONFIG = b"{}"
_STRANGER = 99


@dataclass(slots=True, kw_only=True)
class Made:
    """What was made of a row."""

    folder: Path
    layout: Path
    files: list[Path] = field(default_factory=list)
    """The detached signatures."""
    statements: list[Referrer] = field(default_factory=list)
    publics: dict[str, PublicKey] = field(default_factory=dict)
    """By the key id of the row, in the form of the row."""
    signers: dict[str, Signer] = field(default_factory=dict)

    def policy_keys(self) -> list[PolicyKey]:
        return [
            PolicyKey(name=each.names[0], label=(*each.names, "")[1], public_key=self.file(number), development=each.development)
            for number, each in self.signers.items()
            if each.names
        ]

    def trusted(self, *, all_keys: bool) -> list[TrustedKey]:
        """The keys of a trust store; `all_keys`: beside those with dates, too."""
        return [
            TrustedKey(
                name=each.names[0] if each.names else f"nameless{number}",
                public=self.publics[number],
                not_before=each.not_before,
                not_after=each.not_after,
                revoked=each.revoked,
                development=each.development,
            )
            for number, each in self.signers.items()
            if all_keys or each.not_before or each.not_after or each.revoked
        ]

    def file(self, number: str) -> Path:
        return self.folder / f"{number}.public"


def make(folder: Path, subject: Subject, *, sized: bool) -> Made | None:
    """Returns the artifact of a row, `sized` with as many bytes as it says; None for one whose facts no artifact that is made here has."""
    signers = subject.signers
    if (
        signers is None
        or None in (subject.annotations, subject.size)
        or subject.unlisted
        or _ambiguous(signers, subject)
        or _mixed(subject)
    ):
        return None
    made = Made(folder=folder, layout=folder / "layout")
    for statement in subject.statements or ():
        signers = (*signers, *statement.signers)
    for signer in signers:
        made.signers.setdefault(signer.key_id, signer)
        made.file(signer.key_id).write_bytes(_secret(signer.key_id).public.encoded(signer.format))
        made.publics[signer.key_id] = load_public_key(made.file(signer.key_id))
    wasm = folder / "component.wasm"
    wasm.write_bytes(_component(subject))
    if not _is_as_said(wasm, subject):
        return None
    _sign(made, wasm, subject, padded=sized)
    if sized and wasm.stat().st_size != subject.size:
        return None
    _write(made, wasm, subject)
    return made


def _secret(key_id: str) -> SecretKey:
    return key(int(key_id, 16) % 90 + 1)


def _ambiguous(signers: Sequence[Signer], subject: Subject) -> bool:
    """Whether one key has two forms, or one name is of two keys."""
    all_signers = [*signers, *(signer for each in subject.statements or () for signer in each.signers)]
    forms = {(each.key_id, each.format, each.names, each.revoked, each.not_after) for each in all_signers}
    names = [name for form in forms for name in form[2]]
    numbers = {_secret(each.key_id).public for each in all_signers}
    return len({form[0] for form in forms}) != len(forms) or len(set(names)) != len(names) or len(numbers) != len(forms)


def _mixed(subject: Subject) -> bool:
    """Whether there are both kinds of signature, which one file is not given here."""
    kinds = {each.signature for each in subject.signers or ()} | ({"embedded"} if subject.unverified else set())
    return len(kinds) > 1


def _component(subject: Subject, padding: int = 0) -> bytes:
    parts = [COMPONENT, *([custom("version", subject.version.encode())] if subject.version else []), custom("padding", bytes(padding))]
    if subject.imports:
        parts.append(section(10, entries(*(imported(each.name) for each in subject.imports))))
    if subject.exports:
        parts.append(section(11, entries(*(exported(each.name) for each in subject.exports))))
    return b"".join(parts)


def _is_as_said(wasm: Path, subject: Subject) -> bool:
    """Whether a reader sees the row's imports, exports and version, whose forms may be others than a plain component has."""
    facts = read_component(wasm)
    return not facts.unlisted and (facts.imports, facts.exports, facts.version) == (subject.imports, subject.exports, subject.version)


def _sign(made: Made, wasm: Path, subject: Subject, *, padded: bool) -> None:
    """Embedded signatures come first, because detached ones are of the whole file; `padded` to the row's size."""
    padding = 0
    while True:
        wasm.write_bytes(_component(subject, padding))
        embedded = [_secret(each.key_id) for each in subject.signers or () if each.signature == "embedded"]
        embedded += [key(_STRANGER)] * bool(subject.unverified)
        if embedded:
            first, *further = embedded
            sign_file(wasm, wasm, first, key_id=first.public.key_id, further=further)
        missing = (subject.size or 0) - wasm.stat().st_size
        if not padded or missing <= 0:
            break
        padding += missing - 1 if missing > 1 else 1
    for number, signer in enumerate(each for each in subject.signers or () if each.signature == "detached"):
        file, secret = made.folder / f"{number}.sig", _secret(signer.key_id)
        sign_file(wasm, made.folder / "again.wasm", secret, key_id=secret.public.key_id, signature_file=file)
        made.files.append(file)
    if made.files:
        wasm.write_bytes((made.folder / "again.wasm").read_bytes())


def _write(made: Made, wasm: Path, subject: Subject) -> None:
    data = wasm.read_bytes()
    manifest = Manifest(
        config=Descriptor.of(_CONFIG, WASM_CONFIG_MEDIA_TYPE),
        layers=(Descriptor.of(data, WASM_LAYER_MEDIA_TYPE),),
        annotations={each.name: each.value for each in subject.annotations or ()},
    )
    write_layout(made.layout, manifest.encode(), {Digest.of(each): each for each in (_CONFIG, data)}, "made")
    artifact = load_artifact(made.layout)
    own = FetchedManifest(descriptor=artifact.descriptor, data=artifact.manifest.raw)
    for statement in subject.statements or ():
        for signer in statement.signers:
            predicate = _predicate(statement.predicate_type)
            made.statements.append(statement_referrer(sign_statement(own, statement.predicate_type, predicate, _secret(signer.key_id))))


def _predicate(predicate_type: str) -> dict[str, Any]:
    from fakes.statements import VERDICT
    from wasm_oci.trust.predicate_types import VSA

    return VERDICT if predicate_type == VSA else {}


def about_itself(subject: Subject, own: Iterable[str]) -> bool:
    """Whether all statements are about the row's own digest."""
    return all(each.digest in own for each in subject.statements or ())
