"""The subcommands of `wasm_oci log`."""
