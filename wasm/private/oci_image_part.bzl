"""The companions of an image: one of its outputs under a label of its own."""

load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")

visibility(["//wasm/..."])

_DOC = "One output of an image, for `srcs`, `data` and `$(location …)`."

_ATTRS = {
    "image": attr.label(
        doc = "The image.",
        mandatory = True,
        providers = [WasmOciImageInfo],
    ),
    "part": attr.string(
        doc = "\"digest\", the file with the manifest's digest, or \"layout\", the directory.",
        mandatory = True,
        values = ["digest", "layout"],
    ),
}

def _oci_image_part_impl(ctx):
    image = ctx.attr.image[WasmOciImageInfo]
    file = image.digest_file if ctx.attr.part == "digest" else image.layout

    # Where the signature is embedded by the run that publishes, there is no digest before. An error here would be one of
    # `bazel build //...` too; who needs the file gets one that names it.
    files = [file] if file else []
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

oci_image_part = rule(
    implementation = _oci_image_part_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
