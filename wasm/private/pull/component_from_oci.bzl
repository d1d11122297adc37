"""`wasm_component_from_oci`: a component of a repository that `oci_wasm.pull` made, which must be the one that is named."""

load("//wasm/private/common:image_ref.bzl", "looks_like_host", "repository_of")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/policy:policy_use.bzl", "registry_places")
load("//wasm/private/providers:pulled_info.bzl", "WasmPulledInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":pull_checks.bzl", "UPDATE", "image_error", "split_reference")

visibility(["//wasm"])

_DOC = """A component from a registry, for build files that say there what they pull.

A rule cannot download anything: `oci_wasm.pull` in MODULE.bazel does, and `vendored_component` names what it made. The other attributes must say
the same; where they do not, or without `vendored_component`, the error shows the lines for MODULE.bazel. New build files name `@hello//:hello` itself.

```starlark
wasm_component_from_oci(
    name = "hello",
    component_name = "hello",
    namespace = "my-org",
    registry = "ghcr.io",
    tag = "1.2.3",
    vendored_component = "@hello//:hello",
)
```
"""

_ATTRS = {
    "component_name": attr.string(doc = "Last part of the repository. Give this or `image_ref`."),
    "digest": attr.string(doc = "Digest of the manifest, which must be the one that MODULE.bazel pins. Empty accepts any pin."),
    "image_ref": attr.string(doc = "The whole reference, `host/repository:tag` or `host/repository@sha256:…`, in place of its parts."),
    "namespace": attr.string(doc = "What stands before `component_name` in the repository."),
    "public_key": attr.label(
        doc = "Public key that must have signed: one of the `public_keys` of the pull. None, the default, leaves it to the pull.",
        allow_single_file = True,
    ),
    "registry": attr.string(doc = "Host of the registry, or the name of an entry of `registry_config`."),
    "registry_config": attr.label(
        doc = "A `wkg_registry_config`, for the name in `registry`. Credentials are Bazel's: see [pulling in Bazel](../pulling-in-bazel.md).",
        providers = [WasmRegistryConfigInfo],
    ),
    "tag": attr.string(doc = "The tag, which must be that of the pull. Empty accepts any."),
    "vendored_component": attr.label(
        doc = "The component of the repository that `oci_wasm.pull` made, such as `@hello//:hello`.",
        allow_files = True,
    ),
    "verify_signature": attr.bool(
        doc = "True, the default, requires that the pull verifies the signature. False accepts one with `verify = False` too.",
        default = True,
    ),
}

def _host(ctx):
    """The host, and the prefix of repositories, that `registry` means."""
    config = ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None
    place = registry_places(config, [ctx.attr.registry])[0]
    if place.name and not place.host or place.host == ctx.attr.registry and not looks_like_host(place.host):
        fail("{}: registry = {} is neither a host nor an entry of registry_config; write a host such as \"ghcr.io\"".format(
            shown_target(ctx),
            repr(ctx.attr.registry),
        ))
    return repository_of(place.host, place.prefix) if place.prefix else place.host

def _wanted(ctx):
    """What the attributes name: struct(image, tag, digest)."""
    parts = [name for name in ["registry", "namespace", "component_name", "tag", "digest"] if getattr(ctx.attr, name)]
    if bool(ctx.attr.image_ref) == bool(parts):
        fail("{}: give image_ref, or registry and component_name; {}".format(
            shown_target(ctx),
            "image_ref and {} are set".format(" and ".join(parts)) if parts else "none is set",
        ))
    if ctx.attr.image_ref:
        wanted = split_reference(ctx.attr.image_ref)
    elif not ctx.attr.registry or not ctx.attr.component_name:
        fail("{}: registry and component_name are both needed, and only {} is set; add the other".format(shown_target(ctx), " and ".join(parts)))
    else:
        path = repository_of(ctx.attr.namespace, ctx.attr.component_name)
        wanted = struct(digest = ctx.attr.digest, image = "{}/{}".format(_host(ctx), path), tag = ctx.attr.tag)
    error = image_error(wanted.image)
    if error:
        fail("{}: {}".format(shown_target(ctx), error))
    return wanted

def _lines(ctx, wanted):
    """What to write in MODULE.bazel and here."""
    name = wanted.image.split("/")[-1]
    lines = ["oci_wasm.pull(", "    name = {},".format(repr(name))]
    if wanted.digest:
        lines.append("    digest = {},".format(repr(wanted.digest)))
    lines += ["    image = {},".format(repr(wanted.image)), "    lock = \"//:wasm_oci.lock.json\","]
    if ctx.attr.verify_signature:
        lines.append("    public_keys = [{}],".format(repr(shown(ctx.attr.public_key.label)) if ctx.attr.public_key else "\"//:release.pub\""))
    if wanted.tag or not wanted.digest:
        lines.append("    tag = {},".format(repr(wanted.tag or "1.0.0")))
    if not ctx.attr.verify_signature:
        lines.append("    verify = False,")
    lines += [")", "use_repo(oci_wasm, {})".format(repr(name))]
    return "in MODULE.bazel write\n{}\nrun `{}`, and add here\n    vendored_component = \"@{}//:{}\",".format("\n".join(lines), UPDATE, name, name)

def _wasm_component_from_oci_impl(ctx):
    wanted = _wanted(ctx)
    target = ctx.attr.vendored_component
    if not target:
        fail("{}: a build action cannot download {}; {}".format(shown_target(ctx), wanted.image, _lines(ctx, wanted)))
    if WasmPulledInfo not in target:
        fail("{}: vendored_component = {} was not pulled by oci_wasm.pull; {}".format(
            shown_target(ctx),
            shown(target.label),
            _lines(ctx, wanted),
        ))
    pulled = target[WasmPulledInfo]
    for member, value in {"image": wanted.image, "tag": wanted.tag, "digest": wanted.digest}.items():
        found = getattr(pulled, member)
        if value not in ("", found) or (member == "image" and value != found):
            fail("{}: vendored_component = {} has {} {}, not {}; make both the same".format(
                shown_target(ctx),
                shown(target.label),
                member,
                repr(found),
                repr(value),
            ))
    if ctx.attr.verify_signature and not pulled.verified:
        fail("{}: vendored_component = {} is pulled with verify = False; remove that, or write verify_signature = False here".format(
            shown_target(ctx),
            shown(target.label),
        ))
    if ctx.attr.public_key and ctx.file.public_key not in pulled.public_keys:
        fail("{}: public_key = {} is not among the public_keys that vendored_component = {} is verified with; add it there".format(
            shown_target(ctx),
            shown(ctx.attr.public_key.label),
            shown(target.label),
        ))
    files = target[DefaultInfo].files
    return [DefaultInfo(files = files, runfiles = ctx.runfiles(transitive_files = files)), pulled]

wasm_component_from_oci = rule(
    implementation = _wasm_component_from_oci_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmPulledInfo],
)
