"""Signing by the run that publishes: the key is outside the build, so the build left the signature to be made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import reason_of
from wasm_oci.keys.key import load_public_key
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signers, with_public_keys
from wasm_oci.limits import LIMITS
from wasm_oci.oci.image import build_image
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.shape import BUILD_AGAIN, Parsed, Size
from wasm_oci.wasmsign.sign import SignResult, sign_file


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredSigning:
    """The signature that the build left to the run that publishes."""

    keys: Annotated[tuple[SigningKey, ...], Parsed(Annotated[tuple[SigningKey, ...], Size(1, LIMITS.signatures)], with_public_keys)]
    """Each with the file of its public key."""
    image: ImageRequest | None
    """What the image is made of, for an embedded signature; None for a detached one, which leaves the image as it is."""


@contextmanager
def signed(signing: DeferredSigning, layout: Path | None, passphrase: PassphraseSource) -> Iterator[tuple[Path, Path | None]]:
    """Signs; yields the layout to publish and the detached signature, if that is what it is. Both go with the block.

    `layout` is the one that the build made, for a detached signature. Nothing secret is written. Raises what opening
    the keys and signing raise.
    """
    try:
        scratch = tempfile.TemporaryDirectory(prefix="wasm_oci.")
    except OSError as err:
        raise UsageError(f"cannot make a temporary folder: {reason_of(err)}", hint="set TMPDIR to a folder that may be written") from err
    with scratch as name:
        folder = Path(name)
        if signing.image is None:
            if layout is None:
                raise FormatError("a detached signature needs the layout that it is for", where="request", hint=BUILD_AGAIN)
            yield layout, _detached(signing, layout, folder, passphrase)
        else:
            yield _embedded(signing, signing.image, folder, passphrase), None


def _embedded(signing: DeferredSigning, image: ImageRequest, folder: Path, passphrase: PassphraseSource) -> Path:
    component, layout = folder / "component.wasm", folder / "layout"
    _sign(signing, image.component, component, None, passphrase)
    key_format = load_public_key(signing.keys[0].public_key).format if signing.keys[0].public_key else "none"
    build_image(replace(image, component=component, key_format=key_format)).write(layout)
    return layout


def _detached(signing: DeferredSigning, folder: Path, scratch: Path, passphrase: PassphraseSource) -> Path:
    layout = LayoutStore.open(folder)
    layers = Manifest.parse(layout.fetch_manifest(layout.only_manifest()).data, where=f"{folder}: manifest").layers
    signature = scratch / "signature.sig"
    results = [_sign(signing, layout.blob_path(layer), scratch / "component.wasm", signature, passphrase) for layer in layers[:1]]
    if [result.digest for result in results] != [layer.digest for layer in layers]:
        raise FormatError(
            "the component in the layout is not in the form that is signed",
            where=str(folder),
            hint="make the layout of what `wasm_oci normalise` writes",
        )
    return signature


def _sign(signing: DeferredSigning, source: Path, output: Path, signature: Path | None, passphrase: PassphraseSource) -> SignResult:
    key, *further = open_signers(signing.keys, passphrase)
    return sign_file(source, output, key, key_id=key.public.key_id, further=further, signature_file=signature)
