"""The signature format of wasmsign2 (WebAssembly tool-conventions, Signatures.md): signing and verification."""
