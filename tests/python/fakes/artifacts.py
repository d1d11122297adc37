"""Small signed components and layouts of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fakes.wasm import COMPONENT, custom
from wasm_oci.digest import Digest
from wasm_oci.keys import ed25519
from wasm_oci.keys.key import PublicKey, SecretKey
from wasm_oci.oci.descriptor import WASM_CONFIG_MEDIA_TYPE, WASM_LAYER_MEDIA_TYPE, Descriptor
from wasm_oci.oci.layout import write_layout
from wasm_oci.oci.manifest import Manifest
from wasm_oci.wasmsign.sign import sign_file

CONFIG = b'{"architecture":"wasm","os":"wasip2"}'


def component(name: str = "hello", padding: int = 0) -> bytes:
    """A component of one empty custom section and another of `padding` bytes."""
    return COMPONENT + custom(name, b"") + custom("padding", bytes(padding))


def key(number: int) -> SecretKey:
    """A key pair that is always the same for one number."""
    seed = bytes([number]) * 32
    return SecretKey(seed=seed, public=PublicKey(raw=ed25519.public_of(seed)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A layout on disk and what is in it."""

    folder: Path
    manifest: Manifest
    wasm: bytes
    signature: Path | None

    @property
    def signatures(self) -> tuple[Path, ...]:
        return (self.signature,) if self.signature else ()

    @property
    def digest(self) -> Digest:
        return self.manifest.descriptor().digest


def layout_of(
    folder: Path, wasm: bytes, *, signature: Path | None = None, layers: int = 1, media_type: str = WASM_LAYER_MEDIA_TYPE
) -> Image:
    """Writes a layout with `layers` layers; the first is `wasm`."""
    contents = [wasm, *(b"layer %d" % number for number in range(1, layers))]
    blobs = {Digest.of(data): data for data in (CONFIG, *contents)}
    manifest = Manifest(
        config=Descriptor.of(CONFIG, WASM_CONFIG_MEDIA_TYPE), layers=tuple(Descriptor.of(data, media_type) for data in contents)
    )
    write_layout(folder, manifest.encode(), blobs, "v1")
    return Image(folder=folder, manifest=manifest, wasm=wasm, signature=signature)


def signed_image(folder: Path, *, text: str = "hello", signer: int = 1, detached: bool = False, padding: int = 0) -> Image:
    """A component signed with key number `signer`, as a layout below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    source, signed, signature = folder / "in.wasm", folder / "out.wasm", folder / "out.sig"
    source.write_bytes(component(text, padding))
    secret = key(signer)
    sign_file(source, signed, secret, key_id=secret.public.key_id, signature_file=signature if detached else None)
    return layout_of(folder / "layout", signed.read_bytes(), signature=signature if detached else None)


def public(number: int) -> PublicKey:
    return key(number).public
