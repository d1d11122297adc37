"""What a release target says, so that another rule can take what it releases from where it is."""

visibility(["//wasm/..."])

WasmReleaseInfo = provider(
    doc = "What `bazel run` of a target releases, and where to.",
    fields = {
        "files": "depset of File: what `request` names, directly and by the requests in it; the runfiles of a target that reads it.",
        "published": "list of struct: `published` of each WasmPublishInfo, with the registries to which the release sends it.",
        "repository": "string: the repository of the release index.",
        "request": "File: the request, JSON that `wasm_oci release --request` reads. It names files by their paths among the runfiles.",
    },
)
