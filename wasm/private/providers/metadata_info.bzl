"""What targets say about the metadata of a component."""

visibility(["//docs/...", "//wasm/..."])

WasmComponentMetadataInfo = provider(
    doc = "What a component carries, extracted from it.",
    fields = {
        "component_file": "File: the component.",
        "metadata_file": "File: JSON with kind, digest, size, imports, exports, metadata, sections and signatures of the component.",
    },
)

WasmOciMetadataMappingInfo = provider(
    doc = "A description of a component, for `metadata_mapper` of an image.",
    fields = {
        "annotations": "list of string: annotations that the description makes, each `key=value`, sorted; without the three below.",
        "description": "string: text for `org.opencontainers.image.description`; empty where nothing was said.",
        "license": "string: SPDX expression; empty where nothing was said.",
        "mapping_file": "File: JSON with `annotations`, and `sources`: which of them are from attributes and which from the component.",
        "version": "string: version; empty where nothing was said.",
    },
)
