"""The action that has wasm-tools check a file; used by `wasm_validate` and by images."""

load("//wasm/private/common:shown.bzl", "shown")
load("//wasm/private/common:tool_action.bzl", "params_file_args", "run_wasm_oci")

visibility(["//wasm/..."])

WASM_TOOLS_TOOLCHAIN = Label("//wasm:wasm_tools_toolchain_type")

def validate_wasm(ctx, wasm_file, name):
    """Registers the action WasmValidate.

    Args:
        ctx: context of a rule with TOOL_ATTRS and the toolchain WASM_TOOLS_TOOLCHAIN.
        wasm_file: File to check.
        name: string, its text in errors.

    Returns:
        File, a marker that exists only if the file is valid; for the output group `_validation`.
    """
    wasm_tools = ctx.toolchains[WASM_TOOLS_TOOLCHAIN].wasm_tools
    marker = ctx.actions.declare_file(ctx.label.name + "_validation.txt")

    args = params_file_args(ctx, "wasm-tools")
    args.add("validate")
    args.add(wasm_tools, format = "--program=%s")
    args.add(wasm_file, format = "--input-file=%s")
    args.add(marker, format = "--output-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        # An input, not a tool of the action: other tools are another worker.
        inputs = {wasm_file: name, wasm_tools: shown(wasm_tools.owner)},
        outputs = [marker],
        mnemonic = "WasmValidate",
        progress = "Validating",
        toolchain = WASM_TOOLS_TOOLCHAIN,
    )
    return marker
