"""The commands of `wasm_oci`, one module each."""
