"""`wasm_component_publish`: a run target that publishes an image to one registry."""

load("//wasm/private/common:image_ref.bzl", "entry_name_error", "host_error", "looks_like_host", "repository_error")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:publish_info.bzl", "WasmPublishInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load("//wasm/private/providers:written_as_info.bzl", "WasmWrittenAsInfo")
load(":config_of_target.bzl", "config_name", "config_of", "entry_names")
load(":publish_target.bzl", "PUBLISH_ATTRS", "publish_target")

visibility(["//wasm/..."])

_DOC = """Publishes an image with `bazel run`; nothing is sent in a build.

The program shows its plan, sends what the registry does not have, reads it back, and sets the tag last. An image that
is there already is not sent again. Exit code 0 means that the registry has confirmed it. Further arguments go after
`--`: `--dry-run`, `--no-dry-run`, `--move-tags`, `--registry`, `--namespace`, `--tag`, `--output json`; they win over
the attributes here, and those win over the image's. Credentials are read when it runs, and are not in the build. So is the
secret key of an image with a `wasm_signing_key`: the run signs, says the final digest, and publishes that; the passphrase of
an encrypted key comes from `--passphrase-env NAME`, `--passphrase-file FILE` or the terminal.
"""

_ATTRS = PUBLISH_ATTRS | {
    "registry_config": attr.label(
        doc = "A `wkg_registry_config`: registries by name, and their credentials. " +
              "Without one the registry is a host, with the credentials of `docker login`.",
        providers = [WasmRegistryConfigInfo],
    ),
    "registry_override": attr.string(
        doc = "Replaces the image's registry: an entry's name, or a host with or without a repository prefix, such as `ghcr.io/my-org`. " +
              "Empty, the default, keeps it.",
    ),
}

def _image_attribute(ctx, attribute):
    """What names an attribute of the image: its own name, if the user wrote it at this target."""
    written_as = ctx.attr.oci_image[WasmWrittenAsInfo].label if WasmWrittenAsInfo in ctx.attr.oci_image else shown(ctx.attr.oci_image.label)
    return attribute if written_as == shown_target(ctx) else "{} of {}".format(attribute, written_as)

def _check_registry(ctx, registry, attribute, names, unknown):
    """Fails unless the registry is an entry's name or a host; of `unknown` entries any name may be one."""
    if registry in names or (unknown and entry_name_error(registry) == None):
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
        config_name(ctx),
        "one of {}, or a host such as ghcr.io".format(", ".join(names)) if names else "a host such as ghcr.io",
    ) + (" (" + host_error(registry) + ")" if ":" in registry else ""))

def _wasm_component_publish_impl(ctx):
    image = ctx.attr.oci_image[WasmOciImageInfo]
    config = config_of(ctx)
    registry = ctx.attr.registry_override or image.registry or (config.default_registry if config else None)
    if not registry and not (config and config.file):
        fail("{}: no registry is named: {} is \"\"; give registry_override, or a registry_config with a default_registry".format(
            shown_target(ctx),
            _image_attribute(ctx, "registry"),
        ))
    if registry:
        _check_registry(
            ctx,
            registry,
            "registry_override" if ctx.attr.registry_override else _image_attribute(ctx, "registry"),
            entry_names(config) or [],
            unknown = bool(config and config.file),
        )
    return publish_target(ctx, config = config, registry = registry)

wasm_component_publish = rule(
    implementation = _wasm_component_publish_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
    provides = [WasmPublishInfo],
)
