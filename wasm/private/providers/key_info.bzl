"""What a target that names a signing key says about it."""

visibility(["//wasm/..."])

WasmKeyInfo = provider(
    doc = "An Ed25519 key pair, or the public half of one.",
    fields = {
        "development": "bool: True if a build action made the key, which is then for development only.",
        "key_format": "string: \"compact\" (wasmsign2's own format) or \"openssh\".",
        "public_key": "File: the public key.",
        "secret_key": "File or None: the secret key; None where it lives outside the build. " +
                      "Never in a default output; actions that read it run on this machine and are not cached.",
    },
)
