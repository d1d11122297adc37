"""`wasm_component_oci_metadata_mapper`: a description of a component, as annotations of its image."""

load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/common:wasm_input.bzl", "wasm_file_of")
load("//wasm/private/providers:metadata_info.bzl", "WasmComponentMetadataInfo", "WasmOciMetadataMappingInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":annotations.bzl", "annotations_error")
load(":described.bzl", "description_annotations", "with_custom")

visibility(["//wasm/..."])

_DOC = """Describes a component for its image: `metadata_mapper` of an image takes the annotations of this description.

The output, `<name>_oci_mapping.json`, has `annotations`, as an image of the component gets them, and `sources`: for each of them `attributes`, or
`component` where the component's own metadata say it. With `metadata_extract` it also has `component`, what was extracted.
Nobody checks what a description says: a standard that is said to be complied with, and a security level, are `declared`. The exception is `is_signed`.
There is no time in it.
"""

_ATTRS = {
    "compliance_tags": attr.string_list(
        doc = "What it is said to comply with, such as \"SOC2\": for each, `com.wasm.compliance.TAG=declared`. None by default.",
    ),
    "component": attr.label(
        doc = "Component that is described: any target with exactly one `.wasm` file, or such a file.",
        allow_files = [".wasm"],
        mandatory = True,
    ),
    "component_type": attr.string(
        doc = "What it is, such as \"service\": `com.wasm.component.type`. By default \"component\" or \"module\", as the file is.",
    ),
    "custom_annotations": attr.string_list(
        doc = "Further annotations, each `key=value`; none by default. A key that another attribute writes is an error.",
    ),
    "description": attr.string(
        doc = "`org.opencontainers.image.description`; by default that in the component's metadata.",
    ),
    "framework": attr.string(
        doc = "What it is built with or runs in: `com.wasm.runtime.framework`. None by default.",
    ),
    "is_signed": attr.bool(
        doc = "True demands that the component has a signature, of `signature_type` where that is given: without one the build fails. " +
              "It is not verified; `wasm_verify` does. The image itself says how it is signed, whatever is here. False, the default, demands nothing.",
    ),
    "language": attr.string(
        doc = "Language of its sources: `com.wasm.source.language`. None by default.",
    ),
    "license": attr.string(
        doc = "SPDX expression for `org.opencontainers.image.licenses`; by default that in the component's metadata.",
    ),
    "metadata_extract": attr.label(
        doc = "A `wasm_component_metadata_extract` of the same component, which becomes a part of the output; none by default.",
        providers = [WasmComponentMetadataInfo],
    ),
    "optimization_level": attr.string(
        doc = "How it is optimised: `com.wasm.optimization.level`. None by default.",
    ),
    "performance_tier": attr.string(
        doc = "How fast it is meant to be: `com.wasm.performance.tier`. None by default.",
    ),
    "security_level": attr.string(
        doc = "A level of your own: `com.wasm.security.level`, with `com.wasm.security.status=declared`. None by default.",
    ),
    "signature_type": attr.string(
        doc = "Where the signature that `is_signed` demands must be: \"embedded\" or \"detached\". By default either will do. An error without `is_signed`.",
        values = ["", "embedded", "detached"],
    ),
    "source_url": attr.string(
        doc = "`org.opencontainers.image.source`; by default that in the component's metadata.",
    ),
    "title": attr.string(
        doc = "`org.opencontainers.image.title`; by default the name in the component's metadata, and for an image the end of its repository.",
    ),
    "version": attr.string(
        doc = "`org.opencontainers.image.version`. By default none; an image has its own, or its tag.",
    ),
    "wasi_version": attr.string(
        doc = "Version of WASI that it is for, such as \"0.2.9\": `com.wasm.wasi.version`. None by default.",
    ),
} | TOOL_ATTRS

def _annotations(ctx):
    """The annotations that attributes make, without description, license and version."""
    attributes = description_annotations(
        component_type = ctx.attr.component_type,
        compliance_tags = ctx.attr.compliance_tags,
        framework = ctx.attr.framework,
        language = ctx.attr.language,
        optimization_level = ctx.attr.optimization_level,
        performance_tier = ctx.attr.performance_tier,
        security_level = ctx.attr.security_level,
        wasi_version = ctx.attr.wasi_version,
    )
    image = "org.opencontainers.image."
    attributes |= {image + key: value for key, value in {"source": ctx.attr.source_url, "title": ctx.attr.title}.items() if value}
    annotations, error = with_custom(attributes, ctx.attr.custom_annotations)
    error = error or annotations_error(annotations)
    if error:
        fail("{}: {}".format(shown_target(ctx), error))
    return annotations

def _demanded_signature(ctx, signature):
    """The type of signature that there must be, None for no demand."""
    if ctx.attr.signature_type and not ctx.attr.is_signed:
        fail("{}: signature_type is given, but is_signed is False and no signature would be looked for; add is_signed = True, or remove it".format(
            shown_target(ctx),
        ))
    if not ctx.attr.is_signed:
        return None
    return ctx.attr.signature_type or ("detached" if signature else "embedded")

def _metadata_mapper_impl(ctx):
    wasm_file = wasm_file_of(ctx, "component")
    inputs = {wasm_file: shown_file("component", ctx.attr.component.label, wasm_file)}
    signed = ctx.attr.component[WasmSignatureInfo] if WasmSignatureInfo in ctx.attr.component else None
    signature = signed.signature_file if signed else None
    annotations = _annotations(ctx)
    facts = {
        "annotations": annotations,
        "description": ctx.attr.description,
        "key_format": signed.key_format if signed and signed.key_format != "none" else None,
        "license": ctx.attr.license,
        "schema_version": 1,
        "signature_type": _demanded_signature(ctx, signature),
        "version": ctx.attr.version,
    }
    output = ctx.actions.declare_file(ctx.label.name + "_oci_mapping.json")
    args = params_file_args(ctx, "metadata")
    args.add("map")
    args.add(wasm_file, format = "--input=%s")
    args.add(json.encode(facts), format = "--facts=%s")
    if signature:
        args.add(signature, format = "--signature-file=%s")
        inputs[signature] = shown_file("component", ctx.attr.component.label, signature)
    if ctx.attr.metadata_extract:
        extracted = ctx.attr.metadata_extract[WasmComponentMetadataInfo].metadata_file
        args.add(extracted, format = "--extracted=%s")
        inputs[extracted] = "metadata_extract = " + shown(ctx.attr.metadata_extract.label)
    args.add(output, format = "--output-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = inputs,
        outputs = [output],
        mnemonic = "WasmMetadataMap",
        progress = "Mapping metadata",
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        WasmOciMetadataMappingInfo(
            annotations = annotations,
            description = ctx.attr.description,
            license = ctx.attr.license,
            mapping_file = output,
            version = ctx.attr.version,
        ),
    ]

wasm_component_oci_metadata_mapper = rule(
    implementation = _metadata_mapper_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmOciMetadataMappingInfo],
)
