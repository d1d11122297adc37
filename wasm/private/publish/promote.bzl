"""`wasm_promote`: a run target that copies an artifact, or a release, from one registry to another."""

load("//wasm/private/common:image_ref.bzl", "looks_like_host", "repository_error", "tag_error")
load("//wasm/private/common:macro_attrs.bzl", "check_attributes", "public_attributes")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":config_of_target.bzl", "config_files", "config_name", "config_of", "config_request", "entry_names", "reading_request")

visibility(["//wasm/..."])

_DOC = """Copies an artifact, or a release with all its members, from one place to another with `bazel run`; nothing is built again.

Digests, and whatever refers to them such as signatures, stay as they are. The program shows its plan, copies what the destination
does not have, reads it back, and writes the tags last. A tag that exists with another digest is refused with exit code 7 unless it
may move. Further arguments go after `--`: `--dry-run`, `--no-dry-run`, `--move-tags`, `-K`, `--trusted-keys`, `--output json`.
"""

_ATTRS = {
    "destination": attr.string(
        doc = "Where to: `host/repository`, or an entry's name and the repository, such as `production/releases`.",
        mandatory = True,
    ),
    "dry_run": attr.bool(
        doc = "True stops after the plan, before anything is written; `-- --no-dry-run` wins. False by default.",
    ),
    "movable_tags": attr.string_list(
        doc = "Tags that may move to another digest, those of a release's members included.",
        default = ["latest"],
    ),
    "promoted_tags": attr.string_list(
        doc = "Tags at the destination: `tags` of the macro.",
    ),
    "registry_config": attr.label(
        doc = "A `wkg_registry_config` with the destination's entry, and its credentials. Without one they are those of `docker login`.",
        providers = [WasmRegistryConfigInfo],
    ),
    "source": attr.string(
        doc = "What: a reference, best with its digest, such as `staging.example/releases@sha256:…`.",
        mandatory = True,
    ),
} | RUN_TARGET_ATTRS

def _check(ctx, names):
    for attribute, tags in {"movable_tags": ctx.attr.movable_tags, "tags": ctx.attr.promoted_tags}.items():
        for tag in tags:
            error = tag_error(tag)
            if error:
                fail("{}: {}: {}".format(shown_target(ctx), attribute, error))
    host, slash, rest = ctx.attr.destination.partition("/")
    error = repository_error(rest.partition(":")[0])
    if not slash or error:
        fail("{}: destination = \"{}\" names no repository; write host/repository, or an entry's name and the repository".format(
            shown_target(ctx),
            ctx.attr.destination,
        ))
    if names != None and host not in names and not looks_like_host(host):
        fail("{}: destination = \"{}\": {} is neither a host nor an entry of {}".format(
            shown_target(ctx),
            ctx.attr.destination,
            host,
            config_name(ctx),
        ))
    if ":" not in ctx.attr.source.partition("/")[2]:
        fail("{}: source = \"{}\" names neither tag nor digest; write host/repository@sha256:…".format(shown_target(ctx), ctx.attr.source))

def _promote_impl(ctx):
    config = config_of(ctx)
    _check(ctx, entry_names(config))
    return make_run_target(
        ctx,
        command = "promote",
        files = config_files(config),
        request = {
            "destination": ctx.attr.destination,
            "dry_run": ctx.attr.dry_run,
            "movable_tags": ctx.attr.movable_tags,
            "schema_version": 1,
            "source": ctx.attr.source,
            "tags": ctx.attr.promoted_tags,
            "target": shown(ctx.label),
        } | config_request(ctx, config) | reading_request(config),
    ).providers

promote = rule(
    implementation = _promote_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
)

def wasm_promote(name, tags = [], target_tags = [], **kwargs):
    """Copies an artifact or a release to another place by digest. See [`promote`](#promote) for further attributes.

    Args:
        name: Name of the run target.
        tags: Tags at the destination. Empty, the default: the tag of `source`, if it has one.
        target_tags: Tags of the target itself, as `tags` are for other rules, such as `manual`.
        **kwargs: Attributes of [`promote`](#promote), and those that every rule has.
    """
    check_attributes(name, "wasm_promote", kwargs, [each for each in public_attributes(_ATTRS) if each != "promoted_tags"])
    promote(name = name, promoted_tags = tags, tags = target_tags, **kwargs)
