"""`wasm_signature_detach`: moves the signature of a module or component into a file of its own."""

load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/common:wasm_input.bzl", "exactly_one", "wasm_file_of")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo", "moved_signature")

visibility(["//wasm/..."])

_DOC = """Moves the embedded signature of a WebAssembly module or component into a file of its own.

Outputs are `<name>_detached.wasm` and `<name>_signature.sig`; an image of this target publishes the signature beside the
component. Nothing is verified here. `wasm_signature_attach` puts the two together again, byte for byte.
"""

_ATTRS = {
    "signed_component": attr.label(
        doc = "A `wasm_sign` target, or any target with exactly one signed `.wasm` file. Give this or `wasm_file`; they mean the same.",
        allow_files = [".wasm"],
    ),
    "wasm_file": attr.label(
        doc = "A signed `.wasm` file, or a target with exactly one. Give this or `signed_component`.",
        allow_files = [".wasm"],
    ),
} | TOOL_ATTRS

def _wasm_signature_detach_impl(ctx):
    attribute = exactly_one(ctx, ["signed_component", "wasm_file"])
    target = getattr(ctx.attr, attribute)
    given = target[WasmSignatureInfo] if WasmSignatureInfo in target else None
    if given and given.signature_file:
        fail("{}: {} = {} has a detached signature already; use its signature file, or name a component with an embedded one".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
        ))
    source = wasm_file_of(ctx, attribute)
    wasm_file = ctx.actions.declare_file(ctx.label.name + "_detached.wasm")
    signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig")
    args = params_file_args(ctx, "detach")
    args.add(source, format = "--input-file=%s")
    args.add(wasm_file, format = "--output-file=%s")
    args.add(signature_file, format = "--signature-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {source: shown_file(attribute, target.label, source)},
        outputs = [wasm_file, signature_file],
        mnemonic = "WasmDetach",
        progress = "Detaching the signature of",
    )
    files = [wasm_file, signature_file]
    return [
        DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files)),
        moved_signature(given, signature_file = signature_file, wasm_file = wasm_file),
    ]

wasm_signature_detach = rule(
    implementation = _wasm_signature_detach_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmSignatureInfo],
)
