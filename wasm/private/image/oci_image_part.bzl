"""The companions of an image: one of its outputs under a label of its own."""

load("//wasm/private/common:shown.bzl", "shown")
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
    if ctx.attr.part == "digest" and not image.digest_file:
        fail(("{}: image = {} has no digest in the build, because the run that publishes it embeds its signature; " +
              "run the publish target with `-- --dry-run` to see the digest, or set signature_type = \"detached\"").format(
            shown(ctx.label),
            shown(ctx.attr.image.label),
        ))
    files = [image.digest_file if ctx.attr.part == "digest" else image.layout]
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

oci_image_part = rule(
    implementation = _oci_image_part_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
