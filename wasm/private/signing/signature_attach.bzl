"""`wasm_signature_attach`: embeds a detached signature."""

load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/common:wasm_input.bzl", "INPUT_ATTRS", "exactly_one", "wasm_file_of")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo", "moved_signature")

visibility(["//wasm/..."])

_DOC = """Embeds a detached signature into the WebAssembly module or component that it belongs to.

The output is `<name>_signed.wasm`. A signature of another file and a file that is signed already fail the build. Use
`wasm_verify` to check who signed.
"""

_ATTRS = INPUT_ATTRS | {
    "signature_file": attr.label(
        doc = "The detached signature; by default that of the component, such as a `wasm_sign` with `detached`. An error without either.",
        allow_single_file = True,
    ),
} | TOOL_ATTRS

def _wasm_signature_attach_impl(ctx):
    attribute = exactly_one(ctx, ["component", "wasm_file"])
    source = wasm_file_of(ctx, attribute)
    target = getattr(ctx.attr, attribute)
    given = target[WasmSignatureInfo] if WasmSignatureInfo in target else None
    if given and not given.signature_file:
        fail("{}: {} = {} has an embedded signature already; name an unsigned component, or one with a detached signature".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
        ))
    if given and ctx.file.signature_file and ctx.file.signature_file != given.signature_file:
        fail("{}: signature_file = {} is not the signature that {} = {} brings along; leave one of them out".format(
            shown_target(ctx),
            shown(ctx.attr.signature_file.label),
            attribute,
            shown(target.label),
        ))
    signature_file = ctx.file.signature_file or (given.signature_file if given else None)
    if not signature_file:
        fail("{}: no signature is given, and {} = {} brings none along; name the file with signature_file".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
        ))
    signature_attribute = "signature_file" if ctx.attr.signature_file else attribute
    output = ctx.actions.declare_file(ctx.label.name + "_signed.wasm")
    args = params_file_args(ctx, "attach")
    args.add(source, format = "--input-file=%s")
    args.add(output, format = "--output-file=%s")
    args.add(signature_file, format = "--signature-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {
            source: shown_file(attribute, target.label, source),
            signature_file: shown_file(signature_attribute, getattr(ctx.attr, signature_attribute).label, signature_file),
        },
        outputs = [output],
        mnemonic = "WasmAttach",
        progress = "Attaching the signature of",
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        moved_signature(given, signature_file = None, wasm_file = output),
    ]

wasm_signature_attach = rule(
    implementation = _wasm_signature_attach_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmSignatureInfo],
)
