"""Build actions that call the program wasm-tools."""
