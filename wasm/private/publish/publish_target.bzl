"""What the rules that publish one image share: attributes, checks, the request and the launcher."""

load("//wasm/private/common:image_ref.bzl", "repository_error", "repository_of")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load("//wasm/private/image:image_request.bzl", "deferred_keys", "signing_request")
load("//wasm/private/policy:policy_use.bzl", "POLICY_ATTRS", "policy_of")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:publish_info.bzl", "WasmPublishInfo")
load(":config_of_target.bzl", "DESTINATION_ATTRS", "config_files", "config_request")
load(":publish_policy.bzl", "publish_policy")
load(":stamped_tags.bzl", "is_stamped", "stamped_tag_error")

visibility(["//wasm/..."])

PUBLISH_ATTRS = {
    "authors": attr.string_list(
        doc = "Authors, for the plan and the result only; the manifest keeps what the image says. Empty by default.",
    ),
    "cosign_legacy": attr.bool(
        doc = "True adds signatures of the manifest to the tag `sha256-….sig`, before any tag of the image, for programs that read nothing newer, such " +
              "as Kyverno and policy-controller. The keys of `statement_keys` sign, and those that sign the image when it is published. Registries " +
              "only, no layout folders. False by default.",
    ),
    "description": attr.string(
        doc = "Description, for the plan and the result only; the manifest keeps what the image says. Empty by default.",
    ),
    "dry_run": attr.bool(
        doc = "True stops after the plan, before anything is written; `-- --no-dry-run` wins. False by default.",
    ),
    "extra_tags": attr.string_list(
        doc = "Further tags of the same manifest, such as `latest`; also where `-- --tag` replaces the first. None by default; `{STABLE_NAME}` as in `tag_override`.",
    ),
    "license": attr.string(
        doc = "SPDX expression, for the plan and the result only; the manifest keeps what the image says. Empty by default.",
    ),
    "movable_tags": attr.string_list(
        doc = "Tags that may move to another digest. Any other tag that exists with another digest is left as it is: exit code 7. " +
              "`{STABLE_NAME}` as in `tag_override`.",
        default = ["latest"],
    ),
    "namespace_override": attr.string(
        doc = "Replaces the image's namespace; empty, the default, keeps it.",
    ),
    "oci_image": attr.label(
        doc = "The image: a `wasm_component_oci_image` target, or any with its provider.",
        mandatory = True,
        providers = [WasmOciImageInfo],
    ),
    "require_signed": attr.bool(
        doc = "True refuses, with exit code 3, an image that is not signed, or not with a key that the target knows, and for a registry that " +
              "is not on this machine one that only keys of a `wasm_keygen` or `ssh_keygen` signed. False by default.",
    ),
    "statement_keys": attr.label_list(
        doc = "Keys that sign the statements about the manifest that `security_policy` requires, and with `cosign_legacy` under cosign's tag: targets of " +
              "keys. Those that sign the image when it is published always do. None by default.",
        providers = [WasmKeyInfo],
    ),
    "tag_override": attr.string(
        doc = "Replaces the image's tag; empty, the default, keeps it. `{STABLE_NAME}` in it is the value that the workspace status " +
              "(`--workspace_status_command`) has when this is run, such as `1.2.3-{STABLE_COMMIT}`.",
    ),
} | DESTINATION_ATTRS | POLICY_ATTRS | RUN_TARGET_ATTRS | TOOL_ATTRS

def _signer(ctx, key):
    """What the run is told of a key that signed, or will: an unknown origin counts as a build's."""
    return {
        "development": key.development != False,
        "name": shown(key.public_key.owner),
        "public_key": rlocation_path(ctx, key.public_key),
    }

def _check_names(ctx, repository, tags):
    error = repository_error(repository)
    if error:
        fail("{}: namespace_override: {}".format(shown_target(ctx), error))
    for attribute, tag in tags:
        error = stamped_tag_error(tag)
        if error:
            fail("{}: {}: {}".format(shown_target(ctx), attribute, error))

def publish_target(ctx, *, config, registry = "", target_registries = [], all_registries = False, fail_fast = True):
    """Makes the run target of a rule with PUBLISH_ATTRS.

    Args:
        ctx: context of the rule.
        config: WasmRegistryConfigInfo, or None.
        registry: string, name of an entry, or a host; empty where there are several.
        target_registries: list of string, the same of each.
        all_registries: bool, whether all entries are meant, which only the config's file has.
        fail_fast: bool, whether nothing new is begun after the first failure.

    Returns:
        list of providers
    """
    image = ctx.attr.oci_image[WasmOciImageInfo]
    namespace = ctx.attr.namespace_override or image.namespace
    tag = ctx.attr.tag_override or image.tag
    _check_names(
        ctx,
        repository_of(namespace, image.name),
        [("tag_override", tag)] +
        [("extra_tags", extra) for extra in ctx.attr.extra_tags] +
        [("movable_tags", movable) for movable in ctx.attr.movable_tags],
    )
    signature = image.signature_file
    keys = deferred_keys(image)
    content = image.wasm_file if keys and image.signature_type == "embedded" else image.layout
    status = [ctx.info_file] if [each for each in [tag] + ctx.attr.extra_tags + ctx.attr.movable_tags if is_stamped(each)] else []
    files = [content] + ([image.policy_file] if image.policy_file else []) + config_files(config) + ([signature] if signature else []) + [key.public_key for key in image.signers] + status
    published = struct(
        all_registries = all_registries,
        config = config,
        image = image,
        image_name = shown(ctx.attr.oci_image.label),
        path = repository_of(namespace, image.name),
        policy = policy_of(ctx),
        registries = target_registries or [registry or (config.default_registry if config else None) or ""],
        tags = [tag] + ctx.attr.extra_tags,
    )
    policy = publish_policy(ctx, published.policy, published)
    files += policy.files
    run = make_run_target(
        ctx,
        command = "push",
        files = files,
        request = {
            "all_registries": all_registries,
            "authors": ctx.attr.authors,
            "cosign_legacy": ctx.attr.cosign_legacy,
            "default_registry": (config.default_registry if config else None) or "",
            "description": ctx.attr.description,
            "dry_run": ctx.attr.dry_run,
            "extra_tags": ctx.attr.extra_tags,
            "fail_fast": fail_fast,
            "layout": rlocation_path(ctx, image.layout) if content == image.layout else None,
            "license": ctx.attr.license,
            "movable_tags": ctx.attr.movable_tags,
            "namespace": namespace,
            "registry": registry,
            "repository": image.name,
            "require_signed": ctx.attr.require_signed,
            "schema_version": 1,
            "signature": rlocation_path(ctx, signature) if signature else None,
            "signers": [_signer(ctx, key) for key in image.signers],
            "signing": signing_request(ctx, image),
            "stable_status": rlocation_path(ctx, ctx.info_file) if status else None,
            "tag": tag,
            "target": shown(ctx.label),
            "target_registries": target_registries,
        } | config_request(ctx, config) | policy.request,
    )
    return run.providers + policy.providers + [WasmPublishInfo(files = depset(files), published = published, request = run.request)]
