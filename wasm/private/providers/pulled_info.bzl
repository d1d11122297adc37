"""What is known of a component that was pulled from a registry."""

visibility([
    "//docs/...",
    "//tests/...",
    "//wasm/...",
])

WasmPulledInfo = provider(
    doc = "A component that `oci_wasm.pull` downloaded by its digest.",
    fields = {
        "digest": "string; digest of the manifest, `sha256:…`",
        "image": "string; `host/repository`",
        "public_keys": "list of File; the public keys of which one, or several, must have signed; empty for those of a list of trusted keys",
        "tag": "string; what the module calls the digest; may be empty",
        "verified": "bool; whether the component exists only if its signature verified; False for `verify = False`",
    },
)
