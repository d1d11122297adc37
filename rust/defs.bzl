"""WebAssembly components from Rust sources, on top of rules_rust."""

load("//rust/private:component.bzl", _rust_wasm_component = "rust_wasm_component")

rust_wasm_component = _rust_wasm_component
