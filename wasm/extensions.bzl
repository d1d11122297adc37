"""Module extensions: components that are pulled from registries, and wasm-tools."""

load("//wasm/private/pull:pull_extension.bzl", _wasm = "wasm")
load("//wasm/private/wasm_tools:wasm_tools_extension.bzl", _wasm_tools = "wasm_tools")

wasm = _wasm
wasm_tools = _wasm_tools
