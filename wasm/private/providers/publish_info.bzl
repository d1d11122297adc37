"""What a publish target says, so that another rule can publish several."""

visibility(["//wasm/..."])

WasmPublishInfo = provider(
    doc = "What `bazel run` of a target publishes, and where to.",
    fields = {
        "files": "depset of File: what `request` names; the runfiles of a target that reads it.",
        "request": "File: the request, JSON that `wasm_oci push --request` reads. It names files by their paths among the runfiles.",
    },
)
