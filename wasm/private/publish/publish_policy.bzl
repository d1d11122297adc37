"""What the `security_policy` of a target that publishes an image adds to it: a check in the build, and members of its request."""

load("//wasm/private/common:run_target.bzl", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/image:image_request.bzl", "deferred_keys")
load("//wasm/private/keys:signing_keys.bzl", "key_requests")
load("//wasm/private/policy:key_names.bzl", "signer_keys")
load(
    "//wasm/private/policy:policy_use.bzl",
    "check_key_names",
    "check_policy",
    "component_facts",
    "image_files",
    "policy_files",
    "policy_request",
    "registry_places",
)
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load(":stamped_tags.bzl", "is_stamped")

visibility(["//wasm/..."])

def statement_keys(ctx, attribute = "statement_keys"):
    """The keys of an attribute as a request has them, and their files; a key of the build is a file of the run target."""
    keys, files = [], []
    for target in getattr(ctx.attr, attribute):
        key = target[WasmKeyInfo]
        if not key.secret_key and not key.key_source:
            fail("{}: {} = {} has only the public half of a key; name a wasm_keygen, ssh_keygen or wasm_signing_key target".format(
                shown_target(ctx),
                attribute,
                shown(target.label),
            ))
        files.append(key.public_key)
        if key.secret_key:
            files.append(key.secret_key)
            keys.append({
                "public_key": rlocation_path(ctx, key.public_key),
                "secret_key": rlocation_path(ctx, key.secret_key),
                "source": None,
            })
        else:
            keys.extend([request | {"secret_key": None} for request in key_requests(ctx, [key])])
    return keys, files

def _check_keys(ctx, policy, image):
    """Fails for keys that nothing needs, and for `cosign_legacy` without a key."""
    if ctx.attr.statement_keys and not policy and not ctx.attr.cosign_legacy:
        fail("{}: statement_keys is given, but nothing is signed with them; add security_policy or cosign_legacy, or leave it out".format(
            shown_target(ctx),
        ))
    if ctx.attr.cosign_legacy and not ctx.attr.statement_keys and not deferred_keys(image):
        fail("{}: cosign_legacy = True needs a key that signs when it is published; name one in statement_keys".format(shown_target(ctx)))

def check_published(ctx, policy, published, output_name = "verdict"):
    """Registers the check of what a target publishes.

    Args:
        ctx: context of a rule with POLICY_ATTRS and TOOL_ATTRS.
        policy: WasmSecurityPolicyInfo.
        published: struct, as `published` of WasmPublishInfo.
        output_name: string, as check_policy takes it.

    Returns:
        File, the verdict, for the output group `_validation`.
    """
    image = published.image
    signers = signer_keys(image)
    check_key_names(ctx, policy, published.path, registry_places(published.config, [each for each in published.registries if each]), signers)
    return check_policy(
        ctx,
        policy,
        facts = component_facts(published.path) | {
            "all_registries": published.all_registries,
            "registries": [] if published.all_registries else published.registries,
            "signed_later": bool(deferred_keys(image)),
            "tags": None if any([is_stamped(tag) for tag in published.tags]) else published.tags,
        },
        files = image_files(image, published.config),
        name = published.image_name,
        output_name = output_name,
        signers = signers,
    )

def publish_policy(ctx, policy, published):
    """Checks an image by the policy of the target that publishes it.

    Args:
        ctx: context of a rule with POLICY_ATTRS, TOOL_ATTRS, `cosign_legacy` and `statement_keys`.
        policy: WasmSecurityPolicyInfo, or None.
        published: struct, as `published` of WasmPublishInfo.

    Returns:
        struct(providers list, of the rule; request dict, its part of the request; files list of File, that the request names)
    """
    _check_keys(ctx, policy, published.image)
    keys, key_files = statement_keys(ctx)
    if not policy:
        return struct(files = key_files, providers = [], request = policy_request(ctx, None) | {"statement_keys": keys})
    signers = signer_keys(published.image)
    verdict = check_published(ctx, policy, published)
    return struct(
        files = policy_files(policy, signers) + key_files,
        providers = [OutputGroupInfo(_validation = depset([verdict]))],
        request = policy_request(ctx, policy, signers) | {"statement_keys": keys},
    )
