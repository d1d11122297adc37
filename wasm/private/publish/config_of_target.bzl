"""What targets that publish take from their `registry_config`: how errors call it, and its part of a request."""

load("//wasm/private/common:nearest.bzl", "nearest")
load("//wasm/private/common:run_target.bzl", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")

visibility(["//wasm/..."])

DESTINATION_ATTRS = {
    "require_referrers_api": attr.bool(
        doc = "True refuses a registry without the referrers API, before anything is written to it; signatures and statements would be found there by a " +
              "fallback tag, which others may overwrite. False by default, which uses what there is.",
    ),
}

def config_of(ctx):
    """The `WasmRegistryConfigInfo` of a target, None where it has none."""
    return ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None

def config_name(ctx):
    """What errors call it."""
    return shown(ctx.attr.registry_config.label) if ctx.attr.registry_config else "a registry_config, which is not given"

def entry_names(config):
    """Names of the entries that may be published to, empty without one; None where they are known only when the target is built."""
    if config and config.file:
        return None
    return [entry.name for entry in config.registries if not entry.mirror_of] if config else []

def check_target(ctx, index, names):
    """Fails unless an item of `target_registries` is one of the `names`, of which any may be one where they are None."""
    name = ctx.attr.target_registries[index]
    if names == None or name in names:
        return
    fail("{}: target_registries[{}]: {}".format(shown_target(ctx), index, unknown_entry(ctx, name, names)))

def unknown_entry(ctx, name, names, what = "not an entry"):
    """Why nothing can be published to `name`, which is none of the `names`, and what to write; `what` is what it is not."""
    near, config = nearest(name, names), config_of(ctx)
    mirror = config and name in [entry.name for entry in config.registries if entry.mirror_of]
    why = "a mirror in {}, and nothing is published to one" if mirror else what + " of {}"
    return "\"{}\" is {}; {}".format(
        name,
        why.format(config_name(ctx)),
        "did you mean \"{}\"?".format(near) if near else "write one of " + ", ".join(names) if names else "give registry_config",
    )

def config_files(config):
    """The files that a request with `config_request` names."""
    return [file for file in (config.ca_file, config.file) if file] if config else []

def config_request(ctx, config):
    """What a request of a rule with DESTINATION_ATTRS says of registries; the program reads the file in place of the rest, where there is one."""
    return {
        "audit_log": config.audit_log if config else "",
        "ca_file": rlocation_path(ctx, config.ca_file) if config and config.ca_file else None,
        "ca_hosts": config.ca_hosts if config else [],
        "credential_files": config.credential_files if config else [],
        "plain_http": config.plain_http if config else [],
        "registries": config.registries if config else [],
        "registries_file": rlocation_path(ctx, config.file) if config and config.file else None,
        "require_referrers_api": ctx.attr.require_referrers_api,
        "timeout_seconds": config.timeout_seconds if config else None,
    }

def reading_request(config):
    """What the request of a target that reads from registries says beside `config_request`."""
    return {
        "cache_dir": config.cache_dir if config else "",
        "enable_mirror_fallback": config.enable_mirror_fallback if config else False,
    }
