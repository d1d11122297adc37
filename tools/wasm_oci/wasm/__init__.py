"""The binary format of WebAssembly: sections, numbers, imports, exports and metadata."""
