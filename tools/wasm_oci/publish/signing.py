"""Signing by the run that publishes: the key is outside the build, so the build left the signature to be made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import reason_of
from wasm_oci.jsontext import JsonObject
from wasm_oci.keys.key import load_public_key
from wasm_oci.keys.sources import PassphraseSource, SigningKey, open_signers, parse_keys
from wasm_oci.oci.image import build_image
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.run_request import BUILD_AGAIN
from wasm_oci.wasmsign.sign import SignResult, sign_file


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRequest:
    """The signature that the build left to the run that publishes."""

    keys: tuple[SigningKey, ...]
    """Each with the file of its public key."""
    image: ImageRequest | None
    """What the image is made of, for an embedded signature; None for a detached one, which leaves the image as it is."""


def parse_signing(document: JsonObject, find: Callable[[str], Path], *, where: str) -> SigningRequest:
    """Reads the member `signing` of a publish target's request; `find` leads to the files that it names.

    Raises FormatError or UsageError with the member's name.
    """
    kind, image = document.get("type"), document.get("image")
    if kind not in ("embedded", "detached") or (kind == "embedded") != isinstance(image, dict):
        raise FormatError("type and image do not fit together", where=f"{where}: signing", hint=BUILD_AGAIN)
    keys = parse_keys(document.get("keys"), find, where=f"{where}: signing")
    if not keys:
        raise FormatError("there are no keys", where=f"{where}: signing.keys", hint=BUILD_AGAIN)
    if not isinstance(image, dict):
        return SigningRequest(keys=keys, image=None)
    request = ImageRequest.of(image, where=f"{where}: signing.image")
    return SigningRequest(keys=keys, image=replace(request, component=find(str(request.component))))


@contextmanager
def signed(signing: SigningRequest, layout: Path | None, passphrase: PassphraseSource) -> Iterator[tuple[Path, Path | None]]:
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


def _embedded(signing: SigningRequest, image: ImageRequest, folder: Path, passphrase: PassphraseSource) -> Path:
    component, layout = folder / "component.wasm", folder / "layout"
    _sign(signing, image.component, component, None, passphrase)
    key_format = load_public_key(signing.keys[0].public).format if signing.keys[0].public else "none"
    build_image(replace(image, component=component, key_format=key_format)).write(layout)
    return layout


def _detached(signing: SigningRequest, folder: Path, scratch: Path, passphrase: PassphraseSource) -> Path:
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


def _sign(signing: SigningRequest, source: Path, output: Path, signature: Path | None, passphrase: PassphraseSource) -> SignResult:
    key, *further = open_signers(signing.keys, passphrase)
    return sign_file(source, output, key, key_id=key.public.key_id, further=further, signature_file=signature)
