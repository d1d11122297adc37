"""What a target with a signed WebAssembly file says about the signature."""

visibility(["//wasm/..."])

WasmSignatureInfo = provider(
    doc = "A WebAssembly module or component with its wasmsign2 signature.",
    fields = {
        "development": "bool or None: True if a key that signed was made by the build, for development only. " +
                       "None where it is not known, which is not the same as False.",
        "key_format": "string: format of the keys that signed, \"compact\" or \"openssh\"; \"mixed\" where they differ, " +
                      "\"none\" where it is not known.",
        "public_keys": "list of File: the public keys of all pairs that signed; empty where they are not known. " +
                       "Says who signed, not whom to trust.",
        "signature_file": "File or None: the detached signature; None if the signature is embedded in `wasm_file`.",
        "signature_type": "string: \"embedded\" or \"detached\".",
        "wasm_file": "File: the signed module or component.",
    },
)

def common_key_format(formats):
    """The one format of several keys, "mixed" where they differ.

    Args:
        formats: list of string, or None for a key whose format is not known.

    Returns:
        string, None where no format is known
    """
    known = {key_format: None for key_format in formats if key_format != None}
    return "mixed" if len(known) > 1 else (list(known) or [None])[0]

def moved_signature(given, *, wasm_file, signature_file):
    """The signature of another target, in other files.

    Args:
        given: WasmSignatureInfo, or None where nothing is known about who signed.
        wasm_file: File with the signed module or component.
        signature_file: File with the detached signature, None if it is embedded.

    Returns:
        WasmSignatureInfo
    """
    return WasmSignatureInfo(
        development = given.development if given else None,
        key_format = given.key_format if given else "none",
        public_keys = given.public_keys if given else [],
        signature_file = signature_file,
        signature_type = "detached" if signature_file else "embedded",
        wasm_file = wasm_file,
    )
