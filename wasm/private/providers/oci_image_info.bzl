"""What an image target says about its OCI layout."""

visibility(["//wasm/..."])

WasmOciImageInfo = provider(
    doc = "A WebAssembly component packed as an OCI image layout.",
    fields = {
        "deferred": """struct or None: None for an image that is signed, or never will be. Else the run that publishes it signs it:
`keys` (list of WasmKeyInfo with a `key_source`) and `request` (dict, what the image is made of, without paths).""",
        "digest_file": "File or None: `sha256:…` of the manifest and a newline; None if the digest is not known at build time.",
        "layout": "File: the OCI image layout, a directory; of the unsigned component where the run that publishes embeds a signature.",
        "metadata_file": "File: JSON with the reference, the digests, the sizes and the annotations.",
        "name": "string: last part of the repository, `name_override` or `package_name`; may hold slashes.",
        "namespace": "string: first part of the repository; empty if there is none.",
        "package_name": "string: name of the package as the user gave it.",
        "public_key": "File or None: public key of the pair that signed or will sign; None if the component is unsigned.",
        "reference_file": "File or None: `host/repository@sha256:…` and a newline; None if the registry is not a host.",
        "registry": "string: host with an optional port, or the name of an entry of a registry configuration.",
        "signature_file": "File or None: the detached signature; None if there is none.",
        "signature_type": "string: \"embedded\", \"detached\" or \"none\".",
        "tag": "string: tag that the image gets when it is published.",
        "version": "string: version in the annotations; equals the tag unless set.",
        "wasm_file": "File: the component as it is in the image, signed if the signature is embedded; unsigned if it will be.",
    },
)
