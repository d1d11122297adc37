"""What a target with a signed WebAssembly file says about the signature."""

visibility(["//wasm/..."])

WasmSignatureInfo = provider(
    doc = "A WebAssembly module or component with its wasmsign2 signature.",
    fields = {
        "key_format": "string: format of the key that signed, \"compact\" or \"openssh\"; \"none\" where it is not known.",
        "public_key": "File or None: public key of the pair that signed; None where it is not known. Says who signed, not whom to trust.",
        "signature_file": "File or None: the detached signature; None if the signature is embedded in `wasm_file`.",
        "signature_type": "string: \"embedded\" or \"detached\".",
        "wasm_file": "File: the signed module or component.",
    },
)
