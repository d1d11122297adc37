"""Module extension that provides wasm-tools."""

load("//wasm/private/wasm_tools:wasm_tools_extension.bzl", _wasm_tools = "wasm_tools")

wasm_tools = _wasm_tools
