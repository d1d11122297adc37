"""What a target that names a signing key says about it."""

visibility(["//wasm/..."])

def _init(*, development, key_format, public_key, secret_key = None, key_source = None, key_ref = None, label = None):
    return {
        "development": development,
        "key_format": key_format,
        "key_ref": key_ref,
        "key_source": key_source,
        "label": label,
        "public_key": public_key,
        "secret_key": secret_key,
    }

WasmKeyInfo, _new_key_info = provider(
    doc = "An Ed25519 key pair, or the public half of one and where its secret half is.",
    fields = {
        "development": "bool: True if a build action made the public key, which is then for development only.",
        "key_format": "string or None: \"compact\" (wasmsign2's own format) or \"openssh\"; None where only the file can tell.",
        "key_ref": "string or None: what `key_source` needs to find the secret key: a path, a name, a program. Never a secret.",
        "key_source": "string or None: where the secret key is outside the build: \"file\", \"env\", \"stdin\", \"keychain\", " +
                      "\"ssh-agent\" or \"command\"; None where it is in the build or unknown.",
        "label": "Label or None: the target of the key, by whose name policies name it; None where it is not known.",
        "public_key": "File: the public key.",
        "secret_key": "File or None: the secret key; None where it lives outside the build. " +
                      "Never in a default output; actions that read it run on this machine and are not cached.",
    },
    init = _init,
)
