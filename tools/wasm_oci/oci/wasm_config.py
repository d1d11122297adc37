"""The config blob of a Wasm artifact, `application/vnd.wasm.config.v0+json`.

Format: CNCF tag-runtime, "Wasm OCI Artifact layout"; the bytes are those that wkg (rust-oci-wasm) writes: compact,
members in its order, null where there is nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from wasm_oci.digest import Digest
from wasm_oci.errors import FormatError
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import member
from wasm_oci.wasm.component import WasmFile
from wasm_oci.wording import shown_value

EPOCH = "1970-01-01T00:00:00Z"
"""The `created` of every config that is not given another: builds know no clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentNames:
    """The names that a component imports and exports, in binary order."""

    exports: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WasmConfig:
    """What a config says. Other producers may leave out members: None, or empty."""

    created: str | None = EPOCH
    author: str | None = None
    architecture: str | None = "wasm"
    os: str | None
    layer_digests: tuple[str, ...]
    component: ComponentNames | None = None

    @staticmethod
    def of(wasm: WasmFile, layer: Digest, *, created: str = EPOCH) -> WasmConfig:
        """Describes the only layer of an artifact: a component (`wasip2`) or a module (`wasip1`)."""
        return WasmConfig(
            created=created,
            os="wasip2" if wasm.is_component else "wasip1",
            layer_digests=(str(layer),),
            component=ComponentNames(exports=wasm.exports, imports=wasm.imports) if wasm.is_component else None,
        )

    def encode(self) -> bytes:
        """Returns the JSON text byte for byte as wkg writes it."""
        component = self.component
        document: JsonObject = {
            "created": self.created,
            "author": self.author,
            "architecture": self.architecture,
            "os": self.os,
            "layerDigests": list(self.layer_digests),
            "component": component and {"exports": list(component.exports), "imports": list(component.imports), "target": None},
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    @staticmethod
    def parse(data: bytes, *, where: str) -> WasmConfig:
        """Reads a config of any producer; members may be absent or null, but not of another type.

        Raises FormatError or LimitError with the JSON path.
        """
        document = parse_object(data, where=where, limit=LIMITS.config_blob)
        component = member(document, "component", dict, where=where, needed=False)
        texts = {key: member(document, key, str, where=where, needed=False) for key in ("created", "author", "architecture", "os")}
        return WasmConfig(
            **texts,
            layer_digests=_strings(document, "layerDigests", where=where),
            component=None
            if component is None
            else ComponentNames(
                exports=_strings(component, "exports", where=f"{where}.component"),
                imports=_strings(component, "imports", where=f"{where}.component"),
            ),
        )

    def to_json(self) -> JsonObject:
        """Returns the members for `inspect`."""
        return dict(json.loads(self.encode()))


def _strings(document: JsonObject, key: str, *, where: str) -> tuple[str, ...]:
    found = member(document, key, list, where=where, needed=False) or []
    for number, value in enumerate(found):
        if not isinstance(value, str):
            raise FormatError(f"must be a string, but is {shown_value(value)}", where=f"{where}.{key}[{number}]")
    return tuple(found)
