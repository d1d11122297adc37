"""The action that has wasm-tools check a file; used by `wasm_validate` and by images."""

load("//wasm/private/common:tool_action.bzl", "params_file_args")

visibility(["//wasm/..."])

WASM_TOOLS_TOOLCHAIN = Label("//wasm:wasm_tools_toolchain_type")

VALIDATE_ATTRS = {
    "_wasm_tools_action": attr.label(
        cfg = "exec",
        default = Label("//tools:wasm_tools_action"),
        executable = True,
    ),
}

def validate_wasm(ctx, wasm_file):
    """Registers the action WasmValidate.

    Args:
        ctx: context of a rule with VALIDATE_ATTRS and the toolchain WASM_TOOLS_TOOLCHAIN.
        wasm_file: File to check.

    Returns:
        File, a marker that exists only if the file is valid; for the output group `_validation`.
    """
    wasm_tools = ctx.toolchains[WASM_TOOLS_TOOLCHAIN].wasm_tools
    marker = ctx.actions.declare_file(ctx.label.name + "_validation.txt")

    args = params_file_args(ctx)
    args.add("--wasm-tools", wasm_tools)
    args.add("--input", wasm_file)
    args.add("--marker", marker)
    ctx.actions.run(
        executable = ctx.executable._wasm_tools_action,
        arguments = ["validate", args],
        inputs = [wasm_file],
        outputs = [marker],
        tools = [wasm_tools],
        mnemonic = "WasmValidate",
        progress_message = "Validating %{label}",
        toolchain = WASM_TOOLS_TOOLCHAIN,
    )
    return marker
