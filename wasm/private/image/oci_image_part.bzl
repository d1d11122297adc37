"""The companions of an image: one of its outputs under a label of its own."""

load("//wasm/private/common:shown.bzl", "shown", "shown_target")
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
        doc = "\"digest\", the file with the manifest's digest, \"layout\", the directory, or \"reference\", the file with the reference.",
        mandatory = True,
        values = ["digest", "layout", "reference"],
    ),
}

def _oci_image_part_impl(ctx):
    image = ctx.attr.image[WasmOciImageInfo]
    if ctx.attr.part != "layout" and not image.digest_file:
        fail(("{}: image = {} has no digest in the build, because the run that publishes it embeds its signature; " +
              "run the publish target with `-- --dry-run` to see the digest, or set signature_type = \"detached\"").format(
            shown_target(ctx),
            shown(ctx.attr.image.label),
        ))
    if ctx.attr.part == "reference" and not image.reference_file:
        fail(("{}: image = {} has no reference in the build, because registry = {} names no host; " +
              "write a host, or give the image the registry_config that has this entry").format(
            shown_target(ctx),
            shown(ctx.attr.image.label),
            repr(image.registry),
        ))
    files = [{"digest": image.digest_file, "layout": image.layout, "reference": image.reference_file}[ctx.attr.part]]
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

oci_image_part = rule(
    implementation = _oci_image_part_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
