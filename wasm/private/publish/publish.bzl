"""`wasm_component_publish`: a run target that publishes an image to one registry."""

load("//wasm/private/common:image_ref.bzl", "host_error", "looks_like_host", "repository_error", "repository_of", "tag_error")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/image:image_request.bzl", "deferred_keys", "signing_request")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:publish_info.bzl", "WasmPublishInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load("//wasm/private/providers:written_as_info.bzl", "WasmWrittenAsInfo")

visibility(["//wasm/..."])

_DOC = """Publishes an image with `bazel run`; nothing is sent in a build.

The program shows its plan, sends what the registry does not have, reads it back, and sets the tag last. An image that
is there already is not sent again. Exit code 0 means that the registry has confirmed it. Further arguments go after
`--`: `--dry-run`, `--no-dry-run`, `--move-tags`, `--registry`, `--namespace`, `--tag`, `--output json`; they win over
the attributes here, and those win over the image's. Credentials are read when it runs, and are not in the build. So is the
secret key of an image with a `wasm_signing_key`: the run signs, says the final digest, and publishes that; the passphrase of
an encrypted key comes from `--passphrase-env NAME`, `--passphrase-file FILE` or the terminal.
"""

_ATTRS = {
    "authors": attr.string_list(
        doc = "Authors, for the plan and the result only; the manifest keeps what the image says. Empty by default.",
    ),
    "description": attr.string(
        doc = "Description, for the plan and the result only; the manifest keeps what the image says. Empty by default.",
    ),
    "dry_run": attr.bool(
        doc = "True stops after the plan, before anything is written; `-- --no-dry-run` wins. False by default.",
    ),
    "extra_tags": attr.string_list(
        doc = "Further tags of the same manifest, such as `latest`; also where `-- --tag` replaces the first. None by default.",
    ),
    "license": attr.string(
        doc = "SPDX expression, for the plan and the result only; the manifest keeps what the image says. Empty by default.",
    ),
    "movable_tags": attr.string_list(
        doc = "Tags that may move to another digest. Any other tag that exists with another digest is left as it is: exit code 7.",
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
    "registry_config": attr.label(
        doc = "A `wkg_registry_config`: registries by name, and their credentials. " +
              "Without one the registry is a host, with the credentials of `docker login`.",
        providers = [WasmRegistryConfigInfo],
    ),
    "registry_override": attr.string(
        doc = "Replaces the image's registry: an entry's name, or a host with or without a repository prefix, such as `ghcr.io/my-org`. " +
              "Empty, the default, keeps it.",
    ),
    "require_signed": attr.bool(
        doc = "True refuses, with exit code 3, an image that is not signed, or not with a key that the target knows, and for a registry that " +
              "is not on this machine one that only keys of a `wasm_keygen` or `ssh_keygen` signed. False by default.",
    ),
    "tag_override": attr.string(
        doc = "Replaces the image's tag; empty, the default, keeps it.",
    ),
} | RUN_TARGET_ATTRS

def _signer(ctx, key):
    """What the run is told of a key that signed, or will: an unknown origin counts as a build's."""
    return {
        "development": key.development != False,
        "name": shown(key.public_key.owner),
        "public_key": rlocation_path(ctx, key.public_key),
    }

def _image_attribute(ctx, attribute):
    """What names an attribute of the image: its own name, if the user wrote it at this target."""
    written_as = ctx.attr.oci_image[WasmWrittenAsInfo].label if WasmWrittenAsInfo in ctx.attr.oci_image else shown(ctx.attr.oci_image.label)
    return attribute if written_as == shown_target(ctx) else "{} of {}".format(attribute, written_as)

def _check_registry(ctx, registry, attribute, names):
    """Fails unless the registry is an entry's name or a host."""
    if registry in names:
        return
    host, slash, prefix = registry.partition("/")
    if attribute == "registry_override" and slash and looks_like_host(host) and repository_error(prefix) == None:
        return
    if looks_like_host(registry):
        return
    fail("{}: {} = \"{}\" is neither a host nor an entry of {}; write {}".format(
        shown_target(ctx),
        attribute,
        registry,
        shown(ctx.attr.registry_config.label) if ctx.attr.registry_config else "a registry_config, which is not given",
        "one of {}, or a host such as ghcr.io".format(", ".join(names)) if names else "a host such as ghcr.io",
    ) + (" (" + host_error(registry) + ")" if ":" in registry else ""))

def _check_names(ctx, repository, tags):
    error = repository_error(repository)
    if error:
        fail("{}: namespace_override: {}".format(shown_target(ctx), error))
    for attribute, tag in tags:
        error = tag_error(tag)
        if error:
            fail("{}: {}: {}".format(shown_target(ctx), attribute, error))

def _wasm_component_publish_impl(ctx):
    image = ctx.attr.oci_image[WasmOciImageInfo]
    config = ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None
    registries = config.registries if config else []
    registry = ctx.attr.registry_override or image.registry or (config.default_registry if config else None)
    if not registry:
        fail("{}: no registry is named: {} is \"\"; give registry_override, or a registry_config with a default_registry".format(
            shown_target(ctx),
            _image_attribute(ctx, "registry"),
        ))
    namespace = ctx.attr.namespace_override or image.namespace
    tag = ctx.attr.tag_override or image.tag
    _check_registry(
        ctx,
        registry,
        "registry_override" if ctx.attr.registry_override else _image_attribute(ctx, "registry"),
        [entry.name for entry in registries],
    )
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
    files = [content] + ([signature] if signature else []) + [key.public_key for key in image.signers]
    run = make_run_target(
        ctx,
        command = "push",
        files = files,
        request = {
            "authors": ctx.attr.authors,
            "default_registry": (config.default_registry if config else None) or "",
            "description": ctx.attr.description,
            "dry_run": ctx.attr.dry_run,
            "extra_tags": ctx.attr.extra_tags,
            "layout": rlocation_path(ctx, image.layout) if content == image.layout else None,
            "license": ctx.attr.license,
            "movable_tags": ctx.attr.movable_tags,
            "namespace": namespace,
            "plain_http": config.plain_http if config else [],
            "registries": registries,
            "registry": registry,
            "repository": image.name,
            "require_signed": ctx.attr.require_signed,
            "schema_version": 1,
            "signature": rlocation_path(ctx, signature) if signature else None,
            "signers": [_signer(ctx, key) for key in image.signers],
            "signing": signing_request(ctx, image),
            "tag": tag,
            "target": shown(ctx.label),
        },
    )
    return run.providers + [WasmPublishInfo(files = depset(files), request = run.request)]

wasm_component_publish = rule(
    implementation = _wasm_component_publish_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
    provides = [WasmPublishInfo],
)
