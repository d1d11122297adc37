"""The toolchain through which rules find wasm-tools."""

visibility(["//wasm/..."])

_DOC = """Says where the program `wasm-tools` is.

Register it with `toolchain(toolchain_type = "@rules_wasm_oci//wasm:wasm_tools_toolchain_type", …)`, or leave that to
the module extension `wasm_tools`, which fetches the official release.
"""

_ATTRS = {
    "wasm_tools": attr.label(
        doc = "The program `wasm-tools`: a single executable file that runs on the execution platform.",
        allow_single_file = True,
        cfg = "exec",
        mandatory = True,
    ),
}

def _wasm_tools_toolchain_impl(ctx):
    return [
        DefaultInfo(files = depset([ctx.file.wasm_tools])),
        platform_common.ToolchainInfo(wasm_tools = ctx.file.wasm_tools),
    ]

wasm_tools_toolchain = rule(
    implementation = _wasm_tools_toolchain_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [platform_common.ToolchainInfo],
)
