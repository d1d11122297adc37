"""`wasm_component_metadata_extract`: what a component carries, as JSON."""

load("//wasm/private/common:shown.bzl", "shown_file")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/common:wasm_input.bzl", "wasm_file_of")
load("//wasm/private/providers:metadata_info.bzl", "WasmComponentMetadataInfo")

visibility(["//wasm/..."])

_DOC = """Extracts what a component carries: kind, digest, size, imports, exports, metadata, sections and signatures.

The output, `<name>_extracted_metadata.json`, is what `wasm_oci inspect --output json` shows of the file, without its path. Nothing is verified:
it is what the producer wrote. There is no time in it, so that the same component gives the same file.
"""

_ATTRS = {
    "component": attr.label(
        doc = "Component to read: any target with exactly one `.wasm` file, or such a file.",
        allow_files = [".wasm"],
        mandatory = True,
    ),
} | TOOL_ATTRS

def _metadata_extract_impl(ctx):
    wasm_file = wasm_file_of(ctx, "component")
    output = ctx.actions.declare_file(ctx.label.name + "_extracted_metadata.json")
    args = params_file_args(ctx, "metadata")
    args.add("extract")
    args.add(wasm_file, format = "--input=%s")
    args.add(output, format = "--output-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {wasm_file: shown_file("component", ctx.attr.component.label, wasm_file)},
        outputs = [output],
        mnemonic = "WasmMetadataExtract",
        progress = "Extracting metadata",
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        WasmComponentMetadataInfo(component_file = wasm_file, metadata_file = output),
    ]

wasm_component_metadata_extract = rule(
    implementation = _metadata_extract_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmComponentMetadataInfo],
)
