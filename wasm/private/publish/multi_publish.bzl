"""`wkg_multi_registry_publish`: a run target that publishes an image to several registries."""

load("//wasm/private/common:shown.bzl", "shown_target")
load("//wasm/private/providers:publish_info.bzl", "WasmPublishInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":config_of_target.bzl", "check_target", "config_name", "config_of", "entry_names")
load(":publish_target.bzl", "PUBLISH_ATTRS", "publish_target")

visibility(["//wasm/..."])

_DOC = """Publishes an image to several registries with one `bazel run`.

All registries are asked first, several at a time, and each has a plan of its own. Then the content goes to all of them, and
the tags are written last, so that no registry has the new tag while another cannot get it. A table ends the run, with a row for
each registry; the exit code is 0 only if all of them have confirmed, else that of the first failure, in the order of
`target_registries`. The image's own `registry` does not matter here.

Further arguments go after `--`, as for [`wasm_component_publish`](publish.md); they win over the attributes. `--registry NAME`,
given several times, replaces `target_registries`; `--fail-fast` and `--no-fail-fast` replace `fail_fast`.
"""

_ATTRS = PUBLISH_ATTRS | {
    "fail_fast": attr.bool(
        doc = "True, the default: after the first failure nothing new is begun and no tag is written, in any registry. " +
              "False: each registry gets what it can, whatever happens to the others, a missing credential included.",
        default = True,
    ),
    "registry_config": attr.label(
        doc = "The `wkg_registry_config` that names the registries, and their credentials.",
        mandatory = True,
        providers = [WasmRegistryConfigInfo],
    ),
    "target_registries": attr.string_list(
        doc = "Names of entries of `registry_config`; empty, the default, means all of them, layout folders included.",
    ),
}

def _targets(ctx, info):
    """The names of all registries to publish to; fails for one that is not there or that is given twice."""
    names = entry_names(info)
    if names == []:
        fail("{}: registry_config = {} has no registries; add some, as registries = [\"name|host\"]".format(shown_target(ctx), config_name(ctx)))
    for index, name in enumerate(ctx.attr.target_registries):
        check_target(ctx, index, names)
        if name in ctx.attr.target_registries[:index]:
            fail("{}: target_registries[{}]: \"{}\" is there twice; remove one".format(shown_target(ctx), index, name))
    return ctx.attr.target_registries or names or []

def _wkg_multi_registry_publish_impl(ctx):
    config = config_of(ctx)
    return publish_target(
        ctx,
        all_registries = bool(config.file and not ctx.attr.target_registries),
        config = config,
        fail_fast = ctx.attr.fail_fast,
        target_registries = _targets(ctx, config),
    )

wkg_multi_registry_publish = rule(
    implementation = _wkg_multi_registry_publish_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
    provides = [WasmPublishInfo],
)
