"""`wasm_promote`: a run target that copies an artifact, or a release, from one registry to another."""

load("//wasm/private/common:image_ref.bzl", "looks_like_host", "repository_error", "tag_error")
load("//wasm/private/common:macro_attrs.bzl", "check_attributes", "public_attributes")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load("//wasm/private/policy:policy_use.bzl", "POLICY_ATTRS", "policy_files", "policy_of", "policy_request")
load("//wasm/private/providers:publish_info.bzl", "WasmPublishInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load("//wasm/private/providers:release_info.bzl", "WasmReleaseInfo")
load(":config_of_target.bzl", "DESTINATION_ATTRS", "config_files", "config_of", "config_request", "entry_names", "reading_request", "unknown_entry")
load(":publish_policy.bzl", "check_published")

visibility(["//wasm/..."])

_DOC = """Copies an artifact, or a release with all its members, from one place to another with `bazel run`; nothing is built again.

The source is a reference, or the target that publishes it: a `wasm_release`, or a publish target. Of a target, what the build makes now is
promoted, by the digest that the build gives it, from where the target publishes it; if that is not there, the run says so. A release of which a
part is signed by a key outside the build, and an image with such an embedded signature, have no digest in the build, and are found by their tag.

With a `security_policy` the build judges what a target publishes, as far as it knows the facts; for a release each member in its own repository.

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
    "source_reference": attr.string(
        doc = "What: a reference, best with its digest, such as `staging.example/releases@sha256:…`; `source` of the macro.",
    ),
    "source_registry": attr.string(
        doc = "Where the target of `source` publishes it: the name or the host of an entry. Empty, the default, where it publishes to one registry only.",
    ),
    "source_target": attr.label(
        doc = "What: a `wasm_release` or a publish target; `source` of the macro.",
        providers = [[WasmReleaseInfo], [WasmPublishInfo]],
    ),
} | DESTINATION_ATTRS | POLICY_ATTRS | RUN_TARGET_ATTRS | TOOL_ATTRS

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
        fail("{}: destination = \"{}\": {}".format(
            shown_target(ctx),
            ctx.attr.destination,
            unknown_entry(ctx, host, names, what = "neither a host nor an entry"),
        ))
    reference = ctx.attr.source_reference
    if not ctx.attr.source_target and ":" not in reference.partition("/")[2]:
        fail("{}: source = \"{}\" names neither tag nor digest; write host/repository@sha256:…, or the label of a release as \":release\"".format(
            shown_target(ctx),
            reference,
        ))
    if ctx.attr.source_registry and not ctx.attr.source_target:
        fail("{}: source_registry = \"{}\" is for a target as source; leave it out, {} names its registry".format(
            shown_target(ctx),
            ctx.attr.source_registry,
            reference,
        ))

def _source_of(ctx):
    """The request of the source, and its member of this target's request."""
    target = ctx.attr.source_target
    if not target:
        return None, None
    if WasmReleaseInfo in target:
        return target[WasmReleaseInfo], "source_release"
    return target[WasmPublishInfo], "source_publish"

def _members(ctx, config):
    """What of the source a build knows, each with its place at the destination; none where that is another repository than the release's."""
    target = ctx.attr.source_target
    if not target:
        return []
    registry, _, rest = ctx.attr.destination.partition("/")
    path = rest.partition(":")[0]
    if WasmReleaseInfo not in target:
        published = target[WasmPublishInfo].published
        return [_promoted(published, config, registry, path, ctx.attr.promoted_tags or published.tags[:1])]
    info = target[WasmReleaseInfo]
    if path != info.repository and not path.endswith("/" + info.repository):
        return []
    prefix = path.removesuffix(info.repository)
    return [_promoted(each, config, registry, prefix + each.path, each.tags) for each in info.published]

def _promoted(published, config, registry, path, tags):
    return struct(
        all_registries = False,
        config = config,
        image = published.image,
        image_name = published.image_name,
        path = path,
        registries = [registry],
        tags = tags,
    )

def _promote_impl(ctx):
    config = config_of(ctx)
    _check(ctx, entry_names(config))
    source, member = _source_of(ctx)
    policy = policy_of(ctx)
    verdicts = [
        check_published(ctx, policy, member, output_name = "{}_verdict".format(index))
        for index, member in enumerate(_members(ctx, config))
    ] if policy else []
    return make_run_target(
        ctx,
        command = "promote",
        files = config_files(config) + policy_files(policy) + ([source.request] + source.files.to_list() if source else []),
        request = {
            "destination": ctx.attr.destination,
            "dry_run": ctx.attr.dry_run,
            "movable_tags": ctx.attr.movable_tags,
            "schema_version": 1,
            "source": ctx.attr.source_reference,
            "source_publish": None,
            "source_registry": ctx.attr.source_registry,
            "source_release": None,
            "tags": ctx.attr.promoted_tags,
            "target": shown(ctx.label),
        } | config_request(ctx, config) | reading_request(config) | policy_request(ctx, policy) | ({member: rlocation_path(ctx, source.request)} if source else {}),
    ).providers + [OutputGroupInfo(_validation = depset(verdicts))]

promote = rule(
    implementation = _promote_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
)

# How a label begins, and no reference does.
_LABELS = ("//", "@", ":")

def wasm_promote(name, source, tags = [], target_tags = [], **kwargs):
    """Copies an artifact or a release to another place by digest. See [`promote`](#promote) for further attributes.

    Args:
        name: Name of the run target.
        source: What: a reference, best with its digest, such as `staging.example/releases@sha256:…`; or the label of a `wasm_release` or of a publish
            target, such as `:release`, for what it builds.
        tags: Tags at the destination. Empty, the default: the tag of `source`, if it has one; of a target its first.
        target_tags: Tags of the target itself, as `tags` are for other rules, such as `manual`.
        **kwargs: Attributes of [`promote`](#promote), and those that every rule has.
    """
    own = ("promoted_tags", "source_reference", "source_target")
    check_attributes(name, "wasm_promote", kwargs, [each for each in public_attributes(_ATTRS) if each not in own])
    is_label = type(source) == "Label" or (type(source) == "string" and source.startswith(_LABELS))
    promote(
        name = name,
        promoted_tags = tags,
        source_reference = "" if is_label else source,
        source_target = source if is_label else None,
        tags = target_tags,
        **kwargs
    )
