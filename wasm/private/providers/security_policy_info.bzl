"""What a target with a policy says about it."""

visibility(["//wasm/..."])

WasmSecurityPolicyInfo = provider(
    doc = "Which components may be in which registry, signed by whom, and what they may do.",
    fields = {
        "component_policies": "list of struct(target, signing, keys): the entries of `component_policies`, parsed.",
        "default_signing_required": "bool: whether a signature is required where no entry matches.",
        "file": "File: the policy as JSON, in the normal form that `wasm_oci policy compile` writes.",
        "has_file": "bool: True if there is a policy file beside the attributes, the rules of which are known only when the target is built.",
        "key_names": "list of string or None: names that rules may use for `keys` and the keys of `trust_stores`; None where only a build can tell.",
        "keys": "list of struct(name string, label string, key WasmKeyInfo): keys by the names of their targets.",
        "openssh_format": "bool: whether only signatures of OpenSSH keys count.",
        "registry_policies": "list of struct(target, signing, keys): the entries of `registry_policies`, parsed.",
        "signature_type": "string: \"embedded\" or \"detached\" if only such signatures count, else empty.",
        "trust_stores": "list of File: what `wasm_trusted_keys` targets have written.",
        "wasm_tools": "File or None: the program that says whether versions are compatible, where a policy file may ask; None without a toolchain of it.",
    },
)
