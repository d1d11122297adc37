"""Facts about a .wasm file or an artifact, for people and programs to look at. Nothing is verified here."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from wasm_oci.digest import digest_of
from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import open_input
from wasm_oci.jsontext import JsonObject
from wasm_oci.limits import LIMITS
from wasm_oci.oci.annotations import Description, SignatureFacts, map_annotations
from wasm_oci.oci.descriptor import INDEX_MEDIA_TYPE, MANIFEST_MEDIA_TYPE, WASM_CONFIG_MEDIA_TYPE, Descriptor, document_kind
from wasm_oci.oci.manifest import Index, Manifest
from wasm_oci.oci.store import Store, read_blob
from wasm_oci.oci.target import Target
from wasm_oci.oci.wasm_config import WasmConfig
from wasm_oci.wasm.component import read_wasm_stream
from wasm_oci.wasm.reach import Nested, read_nested
from wasm_oci.wasm.sections import Kind, iter_sections, read_preamble
from wasm_oci.wasmsign.section import appended_sections, find_signature, read_signature

_CUSTOM = "custom"
_CORE = ["type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data_count", "tag"]
_COMPONENT = [
    "core_module",
    "core_instance",
    "core_type",
    "component",
    "instance",
    "alias",
    "type",
    "canon",
    "start",
    "import",
    "export",
    "value",
]
_SHOWN_NAMES = 100
_OTHERS = "(others)"


def inspect_wasm(path: Path) -> JsonObject:
    """Returns kind, digest, imports, exports, metadata, sections and signatures; raises UsageError or FormatError."""
    where = str(path)
    with open_input(path) as stream:
        wasm = read_wasm_stream(stream, where=where)
        stream.seek(0)
        kind = read_preamble(stream, where=where)
        totals: dict[tuple[int, str | None], list[int]] = {}
        for section in iter_sections(stream, where=where):
            key = (section.id, section.name)
            total = totals.get(key)
            if total is None:
                if section.name is not None and len(totals) >= _SHOWN_NAMES:
                    key = (section.id, _OTHERS)
                total = totals.setdefault(key, [0, 0])
            total[0] += 1
            total[1] += section.header_size + section.payload_size
        appended = appended_sections(stream, where=where)
        nested, unknown = _nested(stream, where)
        stream.seek(0)
        digest, size = digest_of(stream)
    return {
        "type": "wasm",
        "target": where,
        "kind": kind.value,
        "digest": str(digest),
        "size": size,
        "imports": [extern.name for extern in wasm.imported],
        "exports": list(wasm.exports),
        "reach": {
            "imports": [extern.to_json() for extern in wasm.imported],
            "exports": [extern.to_json() for extern in wasm.exported],
            "nested": [each.to_json() for each in nested],
            "unknown": [*wasm.unknown, *unknown],
        },
        "warnings": [*wasm.unknown, *unknown, *wasm.passed_over],
        "metadata": wasm.metadata.to_json(),
        "sections": [
            {"section": _section_name(kind, number), **({} if name is None else {"name": name}), "count": count, "bytes": total}
            for (number, name), (count, total) in totals.items()
        ],
        "signature": _signature(path),
        "appended": list(appended),
    }


def _nested(stream: BinaryIO, where: str) -> tuple[tuple[Nested, ...], list[str]]:
    """Returns what is inside a component, or why that cannot be listed."""
    try:
        return read_nested(stream, where=where), []
    except FormatError as err:
        return (), [f"what is nested cannot be listed: {err}"]


def _section_name(kind: Kind, section_id: int) -> str:
    if section_id == 0:
        return _CUSTOM
    names = _CORE if kind is Kind.MODULE else _COMPONENT
    return names[section_id - 1] if section_id <= len(names) else f"unknown_{section_id}"


def _signature(path: Path) -> JsonObject | None:
    try:
        data = read_signature(path)
    except SignatureError as err:
        return {"malformed": err.what}
    if data is None:
        return None
    return {
        "sets": [
            {
                "hashes": len(signed.hashes),
                "signatures": [{"keyId": record.key_id.hex() or None, "algorithm": record.algorithm} for record in signed.signatures],
            }
            for signed in data.sets
        ]
    }


def map_wasm(path: Path, description: Description, *, signature: Path | None) -> JsonObject:
    """Returns what `map_annotations` returns for a file, and for the detached signature beside it, if there is one.

    Raises UsageError where there is no signature of the type that is said to be there, and what reading the file raises.
    """
    where = str(path)
    with open_input(path, what="component") as stream:
        wasm = read_wasm_stream(stream, where=where)
        embedded = find_signature(stream, where=where) is not None
    found, asked = "detached" if signature else "embedded" if embedded else None, description.signature_type
    if asked and found != asked:
        what = f"it is said to have a signature that is {asked}, but has {f'one that is {found}' if found else 'none'}"
        raise UsageError(what, where=where, hint="sign the component, or leave out what says so")
    facts = SignatureFacts(type=found, key_format=description.key_format) if found else None
    return map_annotations(description, wasm.metadata, is_component=wasm.is_component, signature=facts)


def inspect_artifact(target: Target) -> JsonObject:
    """Returns what a manifest or index says, its config and its referrers; raises FormatError for another document."""
    store, fetched = target.store, target.fetch()
    descriptor, data = fetched.descriptor, fetched.data
    where = f"{store.name}@{descriptor.digest}"
    document: JsonObject = {"target": store.name, **descriptor.to_json()}
    document.pop("annotations", None)
    if descriptor.media_type == INDEX_MEDIA_TYPE:
        index = Index.parse(data, where=where)
        document |= {"annotations": dict(index.annotations), "manifests": [entry.to_json() for entry in index.manifests]}
        return document
    if descriptor.media_type != MANIFEST_MEDIA_TYPE:
        raise UsageError(f"this is {document_kind(descriptor.media_type)}, neither an OCI image manifest nor an index", where=where)
    manifest = Manifest.parse(data, where=where)
    document["annotations"] = dict(manifest.annotations)
    document["config"] = _config(store, manifest.config, where)
    document["layers"] = [layer.to_json() for layer in manifest.layers]
    if manifest.artifact_type:
        document["artifactType"] = manifest.artifact_type
    if manifest.subject:
        document["subject"] = manifest.subject.to_json()
    document["referrers"] = [entry.to_json() for entry in store.referrers(descriptor.digest)]
    return document


def _config(store: Store, descriptor: Descriptor, where: str) -> JsonObject:
    document = descriptor.to_json()
    if descriptor.media_type == WASM_CONFIG_MEDIA_TYPE:
        data = read_blob(store, descriptor, limit=LIMITS.config_blob, what="config")
        try:
            document["content"] = WasmConfig.parse(data, where=f"{where}: config").to_json()
        except FormatError as err:
            document["malformed"] = str(err)
    return document
