"""What a publish target says, so that another rule can publish several."""

visibility(["//wasm/..."])

WasmPublishInfo = provider(
    doc = "What `bazel run` of a target publishes, and where to.",
    fields = {
        "files": "depset of File: what `request` names; the runfiles of a target that reads it.",
        "published": "struct(image WasmOciImageInfo, image_name string, path string, namespace and name, tags list of string, registries list of string, " +
                     "all_registries bool, config WasmRegistryConfigInfo or None, policy WasmSecurityPolicyInfo or None): what policies of others judge.",
        "request": "File: the request, JSON that `wasm_oci push --request` reads. It names files by their paths among the runfiles.",
    },
)
