"""What an image takes from its `metadata_mapper`: the attribute, and which of both takes precedence."""

load("//wasm/private/providers:metadata_info.bzl", "WasmOciMetadataMappingInfo")

visibility(["//wasm/..."])

MAPPER_ATTRS = {
    "metadata_mapper": attr.label(
        doc = "A `wasm_component_oci_metadata_mapper` whose annotations the image has too; none by default. The image's own attributes take precedence, " +
              "and both over the component's own metadata.",
        providers = [WasmOciMetadataMappingInfo],
    ),
}

def described(ctx):
    """The annotations, description, license and version of an image, its own and those of its mapper.

    Args:
        ctx: context of a rule with MAPPER_ATTRS and `annotations`, `description`, `license` and `version`.

    Returns:
        struct(annotations, description, license, version)
    """
    own = ctx.attr
    if not own.metadata_mapper:
        return struct(annotations = own.annotations, description = own.description, license = own.license, version = own.version)
    mapping = own.metadata_mapper[WasmOciMetadataMappingInfo]
    keys = [annotation.partition("=")[0] for annotation in own.annotations]
    return struct(
        annotations = own.annotations + [annotation for annotation in mapping.annotations if annotation.partition("=")[0] not in keys],
        description = own.description or mapping.description,
        license = own.license or mapping.license,
        version = own.version or mapping.version,
    )
