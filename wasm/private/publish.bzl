"""`wasm_component_publish`: a target that `bazel run` uses to publish an image."""

load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":image_ref.bzl", "looks_like_host", "reference_error", "tag_error")
load(":run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")

visibility(["//wasm/..."])

_DOC = """Publishes an image with `bazel run`: a plan first, then exactly that, the tag last.

Flags behind `--`: `--dry-run` and `--no-dry-run`, `--registry`, `--namespace`, `--tag`, `--move-tags`, `--output json`.
A build of this target sends nothing.
"""

PUBLISH_ATTRS = {
    "authors": attr.string_list(doc = "Names that go into the plan and the result, not into the manifest."),
    "description": attr.string(doc = "Text that goes into the plan and the result, not into the manifest."),
    "dry_run": attr.bool(
        doc = "True stops after the plan, with no write, unless `-- --no-dry-run` is given; False by default.",
    ),
    "license": attr.string(doc = "SPDX expression that goes into the plan and the result, not into the manifest."),
    "movable_tags": attr.string_list(
        doc = "Tags that may be moved from one digest to another. All others are refused if they exist with another digest.",
        default = ["latest"],
    ),
    "namespace_override": attr.string(doc = "Takes the place of the image's `namespace`."),
    "oci_image": attr.label(
        doc = "The image, a `wasm_component_oci_image`.",
        mandatory = True,
        providers = [WasmOciImageInfo],
    ),
    "registry_config": attr.label(
        doc = "A `wkg_registry_config`; without one the registry is a host and its credentials are Docker's.",
        providers = [WasmRegistryConfigInfo],
    ),
    "registry_override": attr.string(doc = "Takes the place of the image's `registry`: the name of an entry, or a host."),
    "tag_override": attr.string(doc = "Takes the place of the image's `tag`."),
}

def _check(ctx, target, entries):
    """Fails unless the parts make a reference and the registry is known."""
    error = reference_error(
        target.registry,
        target.namespace,
        target.name,
        target.tag,
        attributes = ("registry_override", "namespace_override", "oci_image", "tag_override"),
    )
    if error:
        fail("{}: {}".format(ctx.label, error))
    for tag in ctx.attr.movable_tags:
        error = tag_error(tag)
        if error:
            fail("{}: movable_tags: {}".format(ctx.label, error))
    names = [entry.name for entry in entries]
    if target.registry not in names and not looks_like_host(target.registry):
        fail("{}: registry {} is neither a host nor an entry of registry_config; the entries are {}".format(
            ctx.label,
            repr(target.registry),
            ", ".join(names) or "none",
        ))

def _publish_impl(ctx):
    image = ctx.attr.oci_image[WasmOciImageInfo]
    config = ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None
    entries = config.registries if config else []
    target = struct(
        name = image.name,
        namespace = ctx.attr.namespace_override or image.namespace,
        registry = ctx.attr.registry_override or image.registry,
        tag = ctx.attr.tag_override or image.tag,
    )
    _check(ctx, target, entries)
    signature = image.signature_file
    return make_run_target(
        ctx,
        command = "push",
        files = [image.layout] + ([signature] if signature else []),
        request = {
            "authors": ctx.attr.authors,
            "default_registry": config.default_registry if config else None,
            "description": ctx.attr.description,
            "dry_run": ctx.attr.dry_run,
            "layout": rlocation_path(ctx, image.layout),
            "license": ctx.attr.license,
            "movable_tags": ctx.attr.movable_tags,
            "namespace": target.namespace,
            "registries": entries,
            "registry": target.registry,
            "repository": target.name,
            "schemaVersion": 1,
            "signature": rlocation_path(ctx, signature) if signature else None,
            "tag": target.tag,
            "target": str(ctx.label),
        },
    )

wasm_component_publish = rule(
    implementation = _publish_impl,
    doc = _DOC,
    attrs = PUBLISH_ATTRS | RUN_TARGET_ATTRS,
    executable = True,
)
