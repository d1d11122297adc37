"""What an image takes from its `security_policy`: whether it is signed, by what kind of signature, and the check in the build."""

load("//wasm/private/common:attr_checks.bzl", "check_key_format")
load("//wasm/private/common:image_ref.bzl", "bare_host", "looks_like_host", "repository_of")
load("//wasm/private/common:shown.bzl", "WRITTEN_AS_ATTR")
load("//wasm/private/keys:signing_keys.bzl", "key_of")
load("//wasm/private/policy:key_names.bzl", "signer_keys")
load("//wasm/private/policy:matching.bzl", "requires_signature")
load("//wasm/private/policy:policy_use.bzl", "check_key_names", "check_policy", "component_facts", "image_files", "policy_of", "registry_places")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":image_request.bzl", "deferred_keys")

visibility(["//wasm/..."])

# Without `doc`, since only macros set them: what the policy decides ("signing", "signature_type"), the registries that the image is for, and
# whether its keys must be OpenSSH keys.
MACRO_ATTRS = WRITTEN_AS_ATTR | {
    "decided_by_policy": attr.string_list(),
    "openssh_format": attr.bool(),
    "policy_registries": attr.string_list(),
}

def _config(ctx):
    return ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None

def _registry(ctx):
    """Name or host of the image's own registry; an empty one is the default of a config's file."""
    config = _config(ctx)
    return ctx.attr.registry or (config.default_registry if config else None) or ""

def _registries(ctx):
    """The same of all registries that the image is for."""
    return ctx.attr.policy_registries or [_registry(ctx)]

def _places(ctx):
    return registry_places(_config(ctx), [name for name in _registries(ctx) if name])

def image_destination(ctx):
    """The host and the repository prefix that the image's registry stands for; None where the build does not know them."""
    config = _config(ctx)
    registry = _registry(ctx)
    for entry in config.registries if config else []:
        if entry.name == registry and not entry.mirror_of:
            host = bare_host(entry.host)
            return struct(host = host, prefix = entry.prefix) if host else None
    return struct(host = registry, prefix = "") if looks_like_host(registry) else None

def signing_of(ctx, path):
    """How an image is to be signed.

    Where the policy decides, attributes of the target may only tighten it: a file's rules are known only when the target is built, so what has
    keys is signed then.

    Args:
        ctx: context of the image rule.
        path: string, namespace and name of the image.

    Returns:
        struct(signs bool, type string)
    """
    policy = policy_of(ctx)
    signs = ctx.attr.sign_component
    if "signing" in ctx.attr.decided_by_policy and policy and ctx.attr.signing_keys and not signs:
        signs = policy.has_file or requires_signature(policy, path, _places(ctx))
    by_policy = policy.signature_type if policy and "signature_type" in ctx.attr.decided_by_policy else ""
    return struct(signs = signs, type = by_policy or ctx.attr.signature_type)

def check_openssh(ctx):
    """Fails where only OpenSSH keys may sign, and a key is known to be another one."""
    if not ctx.attr.openssh_format:
        return
    for attribute, target in [("signing_keys", ctx.attr.signing_keys)] + [("additional_signing_keys", each) for each in ctx.attr.additional_signing_keys]:
        if target:
            check_key_format(ctx, attribute, key_of(ctx, attribute, target), target.label)

def image_verdicts(ctx, image, source_name):
    """The verdict of the image's policy, in a list; empty without one."""
    policy = policy_of(ctx)
    if not policy:
        return []
    path = repository_of(image.namespace, image.name)
    signers = signer_keys(image)
    check_key_names(ctx, policy, path, _places(ctx), signers)
    config = _config(ctx)
    return [check_policy(
        ctx,
        policy,
        facts = component_facts(path) | {
            "openssh": ctx.attr.openssh_format,
            "registries": _registries(ctx),
            "signed_later": bool(deferred_keys(image)),
            "tags": [image.tag],
        },
        files = image_files(image, config),
        name = source_name,
        signers = signers,
    )]
