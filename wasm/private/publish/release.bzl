"""`wasm_release`: a run target that publishes many images, and an index that names all of them."""

load("//wasm/private/common:image_ref.bzl", "repository_error")
load("//wasm/private/common:macro_attrs.bzl", "check_attributes", "public_attributes")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load("//wasm/private/policy:policy_use.bzl", "POLICY_ATTRS", "policy_files", "policy_of", "policy_request")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:publish_info.bzl", "WasmPublishInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load("//wasm/private/providers:release_info.bzl", "WasmReleaseInfo")
load(":config_of_target.bzl", "DESTINATION_ATTRS", "check_target", "config_files", "config_of", "config_request", "entry_names")
load(":multi_publish.bzl", "wkg_multi_registry_publish")
load(":publish_policy.bzl", "check_published", "statement_keys")
load(":stamped_tags.bzl", "is_stamped", "stamped_tag_error")

visibility(["//tests/...", "//wasm/..."])

_DOC = """Publishes any number of images to any number of registries with one `bazel run`, as one release.

A release is an image index that names all its members by digest. In each registry the members go first, then the index, then
the members' tags, and the release's tags last of all: whoever resolves the tag of a release sees all of the old one or all of the
new one. If a member fails at a registry, none of its tags moves there; the other registries go on. A later release writes only what
is new, and the index. [Releases](../releases.md) has the details, and the commands that show, compare, verify, promote and archive.
With a `security_policy` the build judges each member, as far as it knows the facts; the index is judged when this is run.

Further arguments go after `--`: `--dry-run`, `--no-dry-run`, `--tag`, `--registry`, `--move-tags`, `--fail-fast`, `--ask-all`,
`--output json`; they win over the attributes.
"""

_ATTRS = {
    "dry_run": attr.bool(
        doc = "True stops after the plan, before anything is written; `-- --no-dry-run` wins. False by default.",
    ),
    "extra_tags": attr.string_list(
        doc = "Further tags of the release, such as `current`; one that moves tells a release under a new tag what is there already. None by default.",
    ),
    "fail_fast": attr.bool(
        doc = "True: after a failure at one registry no tag is written at any. False, the default: the other registries go on.",
    ),
    "movable_tags": attr.string_list(
        doc = "Tags of the release that may move to another digest. Publish targets have their own.",
        default = ["latest"],
    ),
    "registry_config": attr.label(
        doc = "A `wkg_registry_config`: the registries that `target_registries` names, and their credentials.",
        providers = [WasmRegistryConfigInfo],
    ),
    "releases": attr.label_list(
        doc = "Publish targets, such as `wasm_component_publish` and `wkg_multi_registry_publish`.",
        providers = [WasmPublishInfo],
    ),
    "repository": attr.string(
        doc = "The repository of the release at each registry, such as `releases`, behind the prefix of the registry's entry.",
        mandatory = True,
    ),
    "release_keys": attr.label_list(
        doc = "Keys that sign a statement about the release index when this is run, before it has a tag, which `wasm_oci statements` verifies; and those " +
              "that policies require of its members: targets of keys. None by default.",
        providers = [WasmKeyInfo],
    ),
    "tag": attr.string(
        doc = "The tag of the release. `{STABLE_NAME}` in it is the value that the workspace status has when this is run.",
        mandatory = True,
    ),
    "target_registries": attr.string_list(
        doc = "Names of entries of `registry_config`: all goes to each of them. Empty, the default: each publish target goes where it says.",
    ),
} | DESTINATION_ATTRS | POLICY_ATTRS | RUN_TARGET_ATTRS | TOOL_ATTRS

def _check(ctx, names):
    if not ctx.attr.releases:
        fail("{}: there is nothing to release; name images, publish targets in releases, or both".format(shown_target(ctx)))
    error = repository_error(ctx.attr.repository)
    if error:
        fail("{}: repository: {}".format(shown_target(ctx), error))
    for attribute, tags in {"extra_tags": ctx.attr.extra_tags, "movable_tags": ctx.attr.movable_tags, "tag": [ctx.attr.tag]}.items():
        for tag in tags:
            error = stamped_tag_error(tag)
            if error:
                fail("{}: {}: {}".format(shown_target(ctx), attribute, error))
    for index in range(len(ctx.attr.target_registries)):
        check_target(ctx, index, names)

def _published(ctx, config, published):
    """What a member publishes, to all of `target_registries` where some are given."""
    if not ctx.attr.target_registries:
        return published
    return struct(
        all_registries = False,
        config = config,
        image = published.image,
        image_name = published.image_name,
        path = published.path,
        policy = published.policy if published.registries == ctx.attr.target_registries else None,
        registries = ctx.attr.target_registries,
        tags = published.tags,
    )

def _wasm_release_impl(ctx):
    config = config_of(ctx)
    _check(ctx, entry_names(config))
    published = [target[WasmPublishInfo] for target in ctx.attr.releases]
    requests = [info.request for info in published]
    stamped = [tag for tag in [ctx.attr.tag] + ctx.attr.extra_tags + ctx.attr.movable_tags if is_stamped(tag)]
    read_when_run = ([ctx.info_file] if stamped else []) + config_files(config)
    policy = policy_of(ctx)
    members = [_published(ctx, config, info.published) for info in published]
    verdicts = [
        check_published(ctx, policy, member, output_name = "{}_verdict".format(index))
        for index, member in enumerate(members)
        # What a member's own target asks is checked there.
        if not (member.policy and member.policy.file == policy.file)
    ] if policy else []
    keys, key_files = statement_keys(ctx, "release_keys")
    files = depset(requests + read_when_run + policy_files(policy) + key_files, transitive = [info.files for info in published])
    run = make_run_target(
        ctx,
        command = "release",
        files = files.to_list(),
        request = {
            "dry_run": ctx.attr.dry_run,
            "extra_tags": ctx.attr.extra_tags,
            "fail_fast": ctx.attr.fail_fast,
            "movable_tags": ctx.attr.movable_tags,
            "repository": ctx.attr.repository,
            "requests": [rlocation_path(ctx, request) for request in requests],
            "schema_version": 1,
            "stable_status": rlocation_path(ctx, ctx.info_file) if stamped else None,
            "tag": ctx.attr.tag,
            "target": shown(ctx.label),
            "target_registries": ctx.attr.target_registries,
        } | config_request(ctx, config) | policy_request(ctx, policy) | {"statement_keys": keys},
    )
    return run.providers + [
        OutputGroupInfo(_validation = depset(verdicts)),
        WasmReleaseInfo(files = files, published = members, repository = ctx.attr.repository, request = run.request),
    ]

release = rule(
    implementation = _wasm_release_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
    provides = [WasmReleaseInfo],
)

def images_error(images, registry_config, cosign_legacy, statement_keys):
    """What is wrong with the arguments of `wasm_release` that are for images.

    Args:
        images: list of labels.
        registry_config: label, or None.
        cosign_legacy: bool.
        statement_keys: list of labels.

    Returns:
        string, None where nothing is
    """
    if images and not registry_config:
        return "images need a registry; give registry_config"
    if not images and (cosign_legacy or statement_keys):
        return "cosign_legacy and statement_keys are for images; give them to the targets in releases"
    return None

def wasm_release(name, images = [], releases = [], cosign_legacy = False, statement_keys = [], **kwargs):
    """Publishes images and what publish targets publish as one release. See [`release`](#release) for further attributes.

    Args:
        name: Name of the run target.
        images: Images, or any targets with their provider, that go to all of `target_registries`, or else to all registries of
            `registry_config`, in the namespace and under the tag that each image has. They may move the tags of `movable_tags`.
        releases: Publish targets; each goes where it says itself, or to all of `target_registries` where some are given.
        cosign_legacy: True signs `images` under cosign's tag too, see [`wasm_component_publish`](publish.md#wasm_component_publish); publish
            targets have their own. False by default.
        statement_keys: Keys that sign statements about `images`, and under cosign's tag. None by default.
        **kwargs: Attributes of [`release`](#release), and those that every rule has.
    """
    check_attributes(name, "wasm_release", kwargs, public_attributes(_ATTRS))
    error = images_error(images, kwargs.get("registry_config"), cosign_legacy, statement_keys)
    if error:
        fail("{}: {}".format(name, error))
    published = []
    for number, image in enumerate(images):
        target = "{}_image_{}".format(name, number)
        published.append(":" + target)
        wkg_multi_registry_publish(
            name = target,
            cosign_legacy = cosign_legacy,
            oci_image = image,
            statement_keys = statement_keys,
            tags = ["manual", "wasm_release_image"],  # `wasm_oci release //...` leaves it out
            visibility = ["//visibility:private"],
            **{each: kwargs[each] for each in ("movable_tags", "registry_config", "security_policy", "target_registries", "testonly") if each in kwargs}
        )
    release(name = name, releases = releases + published, **kwargs)
