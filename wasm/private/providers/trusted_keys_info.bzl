"""What a target with a list of trusted keys says about it."""

visibility(["//wasm/..."])

WasmTrustedKeysInfo = provider(
    doc = "Public keys that may sign, the period in which each is valid, and which are revoked.",
    fields = {
        "file": "File: the list as JSON, in the normal form that `wasm_oci trusted-keys` writes; it needs no other file.",
        "names": "list of string or None: the names of the keys; None where they are in a file, and known only when the target is built.",
    },
)
