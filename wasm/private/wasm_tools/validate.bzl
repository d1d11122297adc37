"""`wasm_validate`: has wasm-tools check a module or component."""

load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load("//wasm/private/common:wasm_input.bzl", "INPUT_ATTRS", "exactly_one", "wasm_file_of")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":validate_action.bzl", "WASM_TOOLS_TOOLCHAIN", "validate_wasm")

visibility(["//wasm/..."])

_DOC = """Passes a WebAssembly file on, and fails the build of everything that uses it if wasm-tools refuses it.

The check runs as a validation action, beside what depends on the file: `--norun_validations` switches it off. Output
group `_validation` holds its marker, `<name>_validation.txt`.
"""

_ATTRS = INPUT_ATTRS | TOOL_ATTRS

def _wasm_validate_impl(ctx):
    attribute = exactly_one(ctx, ["component", "wasm_file"])
    target = getattr(ctx.attr, attribute)
    wasm_file = wasm_file_of(ctx, attribute)
    return [
        DefaultInfo(files = depset([wasm_file]), runfiles = ctx.runfiles([wasm_file])),
        OutputGroupInfo(_validation = depset([validate_wasm(ctx, wasm_file)])),
    ] + ([target[WasmSignatureInfo]] if WasmSignatureInfo in target else [])

wasm_validate = rule(
    implementation = _wasm_validate_impl,
    doc = _DOC,
    attrs = _ATTRS,
    toolchains = [WASM_TOOLS_TOOLCHAIN],
)
