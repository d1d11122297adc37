"""Signing by the run that publishes: the key is outside the build, so the build left the signature to be made."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wasm_oci.attest.legacy import LegacySignature, sign_legacy
from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError, UsageError, WasmOciError
from wasm_oci.files import reason_of
from wasm_oci.keys.key import PublicKey, common_format, load_public_key
from wasm_oci.keys.signer import AnySigner, Signer
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import SigningKey, open_signers, open_statement_signers, with_public_keys
from wasm_oci.keys.sources.source import without
from wasm_oci.limits import LIMITS
from wasm_oci.oci.image_request import ImageRequest
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.oci.manifest import Manifest
from wasm_oci.oci.store import Store
from wasm_oci.shape import Parsed, Runfile, Size

if TYPE_CHECKING:
    from wasm_oci.wasmsign.sign import SignResult


@dataclass(frozen=True, slots=True, kw_only=True)
class DeferredSigning:
    """The signature that the build left to the run that publishes."""

    keys: Annotated[tuple[SigningKey, ...], Parsed(Annotated[tuple[SigningKey, ...], Size(1, LIMITS.signatures)], with_public_keys)]
    """Each with the file of its public key."""
    image: ImageRequest | None
    """What the image is made of, for an embedded signature; None for a detached one, which leaves the image as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRequest:
    """One that signed an image, or has to."""

    public_key: Runfile
    name: str = ""
    """The label by which people know the key."""
    development: bool = False
    """Whether a build made the key."""


def secret_variables(keys: Iterable[SigningKey], passphrase: PassphraseSource) -> frozenset[str]:
    """Returns the names of the variables that hold keys and their passphrase: nobody else may see them."""
    return frozenset(key.source.ref for key in keys if key.source.kind == "env") | {passphrase.variable}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yields a folder for what signing makes, which goes with the block; raises UsageError where there can be none."""
    try:
        scratch = tempfile.TemporaryDirectory(prefix="wasm_oci.")
    except OSError as err:
        raise UsageError(f"cannot make a temporary folder: {reason_of(err)}", hint="set TMPDIR to a folder that may be written") from err
    with scratch as name:
        yield Path(name)


class Signing:
    """Makes the signatures of a release. Each key is opened once, whatever it signs; nothing secret is written."""

    def __init__(self, requests: Sequence[DeferredSigning], passphrase: PassphraseSource, scratch: Path) -> None:
        """Opens the keys of `requests`."""
        self.failure: WasmOciError | None = None
        """Why a key cannot be used."""
        self._scratch = scratch
        self._passphrase = passphrase
        self._signers: dict[SigningKey, Signer] = {}
        self._further: dict[SigningKey, AnySigner] = {}
        keys = list(dict.fromkeys(key for request in requests for key in request.keys))
        try:
            signers = open_signers(keys, passphrase) if keys else ()
        except WasmOciError as err:
            self.failure = err
        else:
            self._signers.update((key, _Watched(signer, self)) for key, signer in zip(keys, signers, strict=True))

    def statement_signers(self, keys: Sequence[SigningKey]) -> list[AnySigner]:
        """Returns a signer of statements for each key, in order; raises what opening it raises, once and again."""
        if self.failure:
            raise self.failure
        closed = [key for key in dict.fromkeys(keys) if key not in self._signers and key not in self._further]
        environ = without(os.environ, [key.source.ref for key in (*self._signers, *self._further) if key.source.kind == "env"])
        try:
            opened = open_statement_signers(closed, self._passphrase, environ=environ) if closed else ()
            self._further.update(zip(closed, opened, strict=True))
        except WasmOciError as err:
            self.failure = err
            raise
        return [self._signers.get(key) or self._further[key] for key in keys]

    def for_cosign(self, keys: Sequence[SigningKey], stores: Sequence[Store], digest: Digest) -> tuple[tuple[LegacySignature, ...], ...]:
        """Returns signatures of a manifest for cosign's tag, by each key for each store, whose name they contain.

        Raises UsageError where a store is a folder, and what `statement_signers` and signing raise.
        """
        for store in stores:
            if isinstance(store, LayoutStore):
                hint = "publish to registries only, or leave out cosign_legacy"
                raise UsageError("cosign looks for its tag in registries only", where=store.name, hint=hint)
        signers = self.statement_signers(keys)
        return tuple(tuple(sign_legacy(store.name, digest, signer) for signer in signers) for store in stores)

    def embedded(self, request: DeferredSigning, image: ImageRequest) -> Path:
        """Returns the layout of an image whose component is signed; raises `failure`, and what signing and building it raise."""
        from wasm_oci.oci.image import build_image

        folder = self._folder()
        component, layout = folder / "component.wasm", folder / "layout"
        self._sign(request, image.component, component, None)
        publics = [load_public_key(key.public_key) for key in request.keys if key.public_key]
        key_format = common_format(publics) if publics else "none"
        build_image(replace(image, component=component, key_format=key_format)).write(layout)
        return layout

    def detached(self, request: DeferredSigning, layout: Path, manifest: Manifest) -> Path:
        """Returns the file of a detached signature of the component in a layout; raises `failure`, what signing raises, and FormatError."""
        folder, layers = self._folder(), manifest.layers
        signature = folder / "signature.sig"
        store = LayoutStore.open(layout)
        results = [self._sign(request, store.blob_path(layer), folder / "component.wasm", signature) for layer in layers[:1]]
        if [result.digest for result in results] != [layer.digest for layer in layers]:
            raise FormatError(
                "the component in the layout is not in the form that is signed",
                where=str(layout),
                hint="make the layout of what `wasm_oci normalise` writes",
            )
        return signature

    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._scratch))

    def _sign(self, request: DeferredSigning, source: Path, output: Path, signature: Path | None) -> SignResult:
        from wasm_oci.wasmsign.sign import sign_file

        if self.failure:
            raise self.failure
        key, *further = (self._signers[key] for key in request.keys)
        return sign_file(source, output, key, key_id=key.public.key_id, further=further, signature_file=signature)


class _Watched:
    """A signer whose failure is told apart from what else can go wrong while a file is signed."""

    def __init__(self, signer: Signer, signing: Signing) -> None:
        self._signer, self._signing = signer, signing

    @property
    def public(self) -> PublicKey:
        return self._signer.public

    def sign(self, message: bytes) -> bytes:
        try:
            return self._signer.sign(message)
        except WasmOciError as err:
            self._signing.failure = err
            raise
