"""The facts about an artifact that is ready to be published, or was fetched: who signed it, and what is in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from wasm_oci.digest import Digest, checked
from wasm_oci.errors import DigestError
from wasm_oci.keys.key import load_public_key
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.policy.subject import Annotation, KeySource, Signer, Subject
from wasm_oci.policy_facts.component_facts import ComponentFacts, read_component
from wasm_oci.policy_facts.known_keys import KnownKeys
from wasm_oci.policy_facts.signer_facts import SignerFacts, read_signers
from wasm_oci.publish.artifact import Artifact
from wasm_oci.publish.signatures import signature_payloads

if TYPE_CHECKING:
    from wasm_oci.publish.release_request import ArtifactRequest

_BUILT: tuple[KeySource, ...] = ("file",)
"""Where the keys of a build are."""


def facts_of(manifest: Manifest | Index | None, component: ComponentFacts | None, signers: SignerFacts | None) -> Subject:
    """Returns what a manifest and its component say, without a name; what nobody read is not known."""
    digests = (*map(str, sorted(Digest.all_of(manifest.raw)) if manifest else ()), *(component.digests if component else ()))
    annotations = sorted(manifest.annotations.items()) if manifest else ()
    return Subject(
        name="",
        digests=digests,
        size=component.size if component else None,
        version=component.version if component else None,
        annotations=tuple(Annotation(name=key, value=text) for key, text in annotations) if manifest else None,
        signers=signers.signers if signers else None,
        unverified=signers.unverified if signers else (),
        imports=component.imports if component else None,
        exports=component.exports if component else None,
        unlisted=component.unlisted if component else (),
    )


def subject_of_artifact(
    request: ArtifactRequest, artifact: Artifact, component: Path | None, known: KnownKeys, *, unsigned: bool
) -> Subject:
    """Returns the facts about what is to be published, whose component is in a file; one that is not a component has few.

    Where it is `unsigned`, because a key cannot be used in a dry run, the signature that is to be made counts as made.
    """
    if component is None:
        return facts_of(artifact.manifest, None, None)
    signers = read_signers(component, signature_payloads(artifact), known)
    if unsigned and request.signing:
        keys = [load_public_key(key.public_key) for key in request.signing.keys if key.public_key]
        made = tuple(known.signer(key, "detached") for key in keys)
        signers = SignerFacts(signers=tuple(dict.fromkeys((*signers.signers, *made))), unverified=signers.unverified)
    facts = read_component(component)
    _check_digest(artifact, facts)
    return replace(facts_of(artifact.manifest, facts, signers), key_sources=_sources(request, signers))


def component_file(artifact: Artifact, scratch: Path) -> Path | None:
    """Returns the file of the component, None for an artifact that does not have exactly one; `scratch` is for one that is read."""
    if artifact.component:
        return artifact.component.path
    layers = artifact.manifest.components if isinstance(artifact.manifest, Manifest) else ()
    found = [blob for blob in artifact.blobs if layers and blob.descriptor.digest == layers[0].digest]
    if len(layers) != 1 or not found:
        return None
    path, blob = scratch / "component.wasm", found[0]
    with path.open("wb") as stream:
        for piece in checked(blob.content(), blob.descriptor.digest, blob.descriptor.size, where=blob.where):
            stream.write(piece)
    return path


def _check_digest(artifact: Artifact, facts: ComponentFacts) -> None:
    layers = artifact.manifest.components if isinstance(artifact.manifest, Manifest) else ()
    if [str(layer.digest) for layer in layers if str(layer.digest) not in facts.digests]:
        what = f"the component does not have the digest {layers[0].digest}"
        raise DigestError(what, where=artifact.where, hint="build the image again")


def _sources(request: ArtifactRequest, signers: SignerFacts) -> tuple[KeySource, ...] | None:
    """Returns where the keys are that signed: those of the run, and of the build; None where somebody else signed."""
    now = request.signing.keys if request.signing else ()
    of_run = {load_public_key(key.public_key).key_id.hex() for key in now if key.public_key}
    of_build = {load_public_key(signer.public_key).key_id.hex() for signer in request.signers} - of_run
    others = _ids(signers.signers) - of_run
    if others - of_build or signers.unverified:
        return None
    kinds = [kind for key in now for kind in get_args(KeySource) if kind == key.source.kind]
    return tuple(dict.fromkeys((*kinds, *(_BUILT if others else ()))))


def _ids(signers: Iterable[Signer]) -> set[str]:
    return {signer.key_id for signer in signers}
