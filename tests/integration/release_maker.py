"""Releases at real registries, made of small images by our own program alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from peers import Done, call, wasm_oci

from fakes.wasm import COMPONENT, custom


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An image in a layout folder."""

    layout: Path
    digest: str
    wasm: bytes
    signature: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes images, signs them, and publishes them together."""

    folder: Path

    @property
    def public(self) -> Path:
        return self.folder / "key.public"

    def keys(self) -> None:
        """Makes the key that signs."""
        good(call(wasm_oci(), "keygen", "-k", self.folder / "key.secret", "-K", self.public))

    def image(self, name: str, text: str = "", *, detached: bool = False) -> Made:
        """Makes an image of a component that holds `text`, by default its name."""
        folder = self.folder / f"{name} {text}"
        folder.mkdir()
        source, signed, signature, layout = (folder / each for each in (f"{name}.in.wasm", f"{name}.wasm", "signature", "layout"))
        source.write_bytes(COMPONENT + custom("text", (text or name).encode()))
        apart = ("--signature-file", signature) if detached else ()
        good(call(wasm_oci(), "sign", "-i", source, "-o", signed, "-k", self.folder / "key.secret", *apart))
        names = ("--name", name, "--namespace", "apps", "--tag", "1.0.0")
        made = good(call(wasm_oci(), "image", "-i", signed, "-o", layout, *apart, *names, "--output", "json"))
        return Made(layout=layout, digest=made.json["digest"], wasm=signed.read_bytes(), signature=signature if detached else None)

    def release(self, host: str, tag: str, images: Mapping[str, Made]) -> str:
        """Publishes images as one release, and returns its reference."""
        files = [self.folder / f"{name}.json" for name in images]
        for file, (name, image) in zip(files, images.items(), strict=True):
            file.write_text(
                json.dumps(
                    {
                        "schema_version": 1,
                        "layout": str(image.layout),
                        "signature": str(image.signature) if image.signature else None,
                        "namespace": "apps",
                        "repository": name,
                        "tag": "1.0.0",
                        "movable_tags": ["1.0.0"],
                        "target": f"//apps:{name}",
                    }
                )
            )
        document = {
            "schema_version": 1,
            "repository": "releases",
            "tag": tag,
            "registries": [{"name": "here", "host": host, "prefix": ""}],
            "target_registries": ["here"],
            "requests": [str(file) for file in files],
            "target": "//:release",
        }
        file = self.folder / "release.json"
        file.write_text(json.dumps(document))
        good(call(wasm_oci(), "release", "--request", file))
        return f"{host}/releases:{tag}"


def good(done: Done) -> Done:
    """Returns what a program did; it must have ended well."""
    assert done.code == 0, done.stderr
    return done
