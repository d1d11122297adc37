"""`wasm_component_secure_publish`: an image as a policy wants it, and the target that publishes it."""

load("//wasm/private/common:macro_attrs.bzl", "check_attributes")
load("//wasm/private/image:oci_image.bzl", "oci_image_with_parts")
load(":multi_publish.bzl", "wkg_multi_registry_publish")
load(":oci_publish.bzl", "BOTH")
load(":publish.bzl", "wasm_component_publish")

visibility(["//wasm/..."])

_IMAGE = ("additional_signing_keys", "annotations", "component", "name_override", "namespace", "package_name", "split_regex", "tag", "version")
_PUBLISH = ("cosign_legacy", "dry_run", "extra_tags", "movable_tags", "require_referrers_api")
_BOTH = BOTH + ("security_policy",)
_MANDATORY = ("component", "package_name", "security_policy")

def wasm_component_secure_publish(
        name,
        target_registries = [],
        signing_keys = None,
        force_signing = False,
        signature_type = "",
        openssh_format = False,
        **kwargs):
    """Makes the image `<name>_image` as a policy wants it, and the run target `<name>` that publishes it.

    The component is validated, and signed where the policy requires a signature in any of the registries: embedded or detached, as the policy says.
    With a development key the build signs, with a `wasm_signing_key` the run that publishes does. One image goes to all registries, so that it
    has one digest. The build asks the policy for each registry, and so does the run, before it writes anything. Statements that the policy
    requires are signed with the same keys and pushed before the tag.

    Annotations name the policy: `com.wasm.policy.name`, `com.wasm.policy.digest`, `com.wasmsign2.key.id` and `com.wasmsign2.signature.type`. They
    are no evidence: pull with `--policy` to have it decide again.

    Args:
        name: Name of the run target.
        target_registries: Names of entries of `registry_config`. Empty, the default: its `default_registry`.
        signing_keys: Key that signs: a `wasm_keygen`, `ssh_keygen` or `wasm_signing_key` target. What the policy requires to be signed is denied without
            one. Rules of a policy file are known only when the target is built, so with such a policy and a key the component is always signed.
        force_signing: True signs also where the policy does not require it. False, the default, leaves it to the policy.
        signature_type: "embedded" or "detached"; what the policy does not accept is denied. Empty, the default: as the policy says, else embedded.
        openssh_format: True refuses signing keys of another form than OpenSSH's. False, the default, leaves it to the policy.
        **kwargs: `component`, `package_name` and `security_policy`, which are mandatory; `annotations`, `namespace`, `tag`, `version`, `name_override`,
            `additional_signing_keys` and `split_regex` of [`oci_image`](oci_publish.md#oci_image); `registry_config`, `cosign_legacy`, `dry_run`, `extra_tags`,
            `movable_tags` and `require_referrers_api` of [`wasm_component_publish`](publish.md); `description`, `authors` and `license`, which go to both, as do the attributes
            that every rule has. Errors name `<name>`, never `<name>_image`.
    """
    check_attributes(name, "wasm_component_secure_publish", kwargs, _IMAGE + _PUBLISH + _BOTH, _MANDATORY)
    image = name + "_image"
    keys = [signing_keys] if signing_keys else []
    oci_image_with_parts(
        image,
        {attribute: value for attribute, value in kwargs.items() if attribute in _IMAGE + _BOTH} | {
            "decided_by_policy": ["signing"] + ([] if signature_type else ["signature_type"]),
            "openssh_format": openssh_format,
            "policy_registries": target_registries,
            "registry": target_registries[0] if len(target_registries) == 1 else "",
            "sign_component": force_signing,
            "signature_type": signature_type or "embedded",
            "signing_keys": signing_keys,
        },
        written_as = name,
    )
    publish = {attribute: value for attribute, value in kwargs.items() if attribute in _PUBLISH + _BOTH} | {
        "name": name,
        "oci_image": image,
        "statement_keys": keys + (kwargs.get("additional_signing_keys") or []),
    }
    if target_registries:
        wkg_multi_registry_publish(target_registries = target_registries, **publish)
    else:
        wasm_component_publish(**publish)
