"""The parts of `wasm_oci policy`."""
