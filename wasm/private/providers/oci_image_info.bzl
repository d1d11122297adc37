"""What an image target says about its OCI layout."""

visibility(["//wasm/..."])

WasmOciImageInfo = provider(
    doc = "A WebAssembly component packed as an OCI image layout.",
    fields = {
        "annotations": "list of string: annotations that the user gave, each `key=value`.",
        "authors": "list of string: authors that the user gave; empty where the component names them itself.",
        "description": "string: description that the user gave; empty where the component has its own.",
        "digest_file": "File or None: `sha256:…` of the manifest and a newline; None if the digest is not known at build time.",
        "layout": "File: the OCI image layout, a directory; of the unsigned component where the run that publishes embeds a signature.",
        "license": "string: SPDX expression that the user gave; empty where the component has its own.",
        "metadata_file": "File: JSON with the reference, the digests, the sizes and the annotations.",
        "name": "string: last part of the repository, `name_override` or `package_name`; may hold slashes.",
        "namespace": "string: first part of the repository; empty if there is none.",
        "package_name": "string: name of the package as the user gave it.",
        "policy_file": "File or None: the policy that the image is made for, which annotations name, as JSON; None without one.",
        "reference_file": "File or None: `host/repository@sha256:…` and a newline; None if the build does not know the digest or the host.",
        "registry": "string: host with an optional port, or the name of an entry of a registry configuration.",
        "signature_file": "File or None: the detached signature; None if there is none.",
        "signature_type": "string: \"embedded\", \"detached\" or \"none\".",
        "signers": "list of WasmKeyInfo, without secret keys: all that signed or will sign, in order; the run that publishes the image " +
                   "signs with those that have a `key_source`. Empty if the component is unsigned, or its signers are not known.",
        "tag": "string: tag that the image gets when it is published.",
        "version": "string: version in the annotations; equals the tag unless set.",
        "wasm_file": "File: the component as it is in the image, signed if the signature is embedded; unsigned if it will be.",
    },
)
