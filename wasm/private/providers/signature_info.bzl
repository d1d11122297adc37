"""What a target with a signed WebAssembly file says about the signature."""

visibility(["//wasm/..."])

WasmSignatureInfo = provider(
    doc = "A WebAssembly module or component with its wasmsign2 signature.",
    fields = {
        "key_format": "string: format of the key that signed, \"compact\" or \"openssh\".",
        "public_key": "File: public key of the pair that signed. Says who signed, not whom to trust.",
        "signature_file": "File or None: the detached signature; None if the signature is embedded in `wasm_file`.",
        "signature_type": "string: \"embedded\" or \"detached\".",
        "wasm_file": "File: the signed module or component.",
    },
)
