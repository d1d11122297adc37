"""Policies, keys and images that analysis tests of policies share."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(
    "//wasm:defs.bzl",
    "ssh_keygen",
    "wasm_component_oci_image",
    "wasm_component_oci_publish",
    "wasm_component_publish",
    "wasm_keygen",
    "wasm_policy_test",
    "wasm_promote",
    "wasm_release",
    "wasm_security_policy",
    "wasm_sign",
    "wasm_signing_key",
    "wasm_trusted_keys",
    "wkg_multi_registry_publish",
    "wkg_registry_config",
)
load(":subjects.bzl", "wasm_file")

# What requests say of the key of the policy `policy_keyed`.
POLICY_KEYS = [
    {
        "development": True,
        "label": "//tests/analysis:policy_key",
        "name": "policy_key",
        "public_key": "_main/tests/analysis/policy_key/key.public",
    },
]

def _policies(manual):
    """The policies of the tests, with the test of each."""
    wasm_keygen(name = "policy_key", tags = manual)
    ssh_keygen(name = "policy_ssh_key", tags = manual)
    write_file(name = "policy_file", out = "policy_file.yaml", content = [], tags = manual)
    write_file(name = "policy_store_file", out = "policy_store.yaml", content = [], tags = manual)
    write_file(name = "policy_public", out = "policy_later.pub", content = [], tags = manual)
    wasm_signing_key(name = "policy_later_key", key_ref = "KEY", key_source = "env", public_key = "policy_later.pub", tags = manual)
    wasm_trusted_keys(name = "policy_named", keys = {"policy_later.pub": "later"}, tags = manual)
    wasm_trusted_keys(name = "policy_unnamed", config = "policy_store.yaml", tags = manual)
    wasm_security_policy(
        name = "policy_full",
        component_policies = ["prod-*|required|policy_key,later"],
        default_signing_required = True,
        key_source = "env",
        openssh_format = True,
        registry_policies = ["github|optional"],
        signature_type = "detached",
        tags = manual,
        trusted_keys = [":policy_key", ":policy_named"],
    )
    wasm_security_policy(name = "policy_plain", tags = manual)
    wasm_security_policy(name = "policy_of_file", policy = "policy_file.yaml", tags = manual, trusted_keys = [":policy_unnamed"])
    wasm_security_policy(name = "policy_keyed", component_policies = ["*|required|policy_key"], tags = manual, trusted_keys = [":policy_key"])
    wasm_security_policy(
        name = "policy_mixed",
        component_policies = ["test-*|optional"],
        default_signing_required = True,
        registry_policies = ["zone|required"],
        signature_type = "detached",
        tags = manual,
    )

def _images(manual):
    wasm_file(name = "policy_input")
    wkg_registry_config(
        name = "policy_registries",
        default_registry = "home",
        registries = ["home|localhost:5000", "zone|zone.example.com/x"],
        tags = manual,
    )
    wasm_component_oci_image(
        name = "policy_signed_image",
        component = ":policy_input",
        package_name = "apps/hello",
        sign_component = True,
        signature_type = "detached",
        signing_keys = ":policy_key",
        tags = manual,
    )
    wasm_component_oci_image(
        name = "policy_later_image",
        component = ":policy_input",
        package_name = "hello",
        registry = "zone",
        registry_config = ":policy_registries",
        security_policy = ":policy_of_file",
        sign_component = True,
        signing_keys = ":policy_later_key",
        tags = manual,
    )
    wasm_component_publish(
        name = "policy_publish",
        oci_image = ":policy_signed_image",
        security_policy = ":policy_keyed",
        statement_keys = [":policy_key"],
        tags = manual,
    )
    wasm_component_publish(
        name = "policy_publish_later",
        oci_image = ":policy_later_image",
        registry_config = ":policy_registries",
        security_policy = ":policy_of_file",
        statement_keys = [":policy_later_key"],
        tag_override = "{STABLE_VERSION}",
        tags = manual,
    )
    wkg_multi_registry_publish(
        name = "policy_publish_several",
        extra_tags = ["more"],
        namespace_override = "space",
        oci_image = ":policy_signed_image",
        registry_config = ":policy_registries",
        security_policy = ":policy_keyed",
        tags = manual,
    )
    wasm_release(
        name = "policy_release",
        releases = [":policy_publish"],
        repository = "releases",
        security_policy = ":policy_keyed",
        tag = "v1",
        tags = manual,
    )
    wasm_release(
        name = "policy_release_cosign",
        cosign_legacy = True,
        images = [":policy_signed_image"],
        registry_config = ":policy_registries",
        repository = "releases",
        statement_keys = [":policy_key"],
        tag = "v1",
        tags = manual,
    )
    wasm_component_oci_publish(
        name = "policy_oci_cosign",
        component = ":policy_input",
        cosign_legacy = True,
        package_name = "hello",
        registry = "zone.example.com",
        statement_keys = [":policy_key"],
        tags = manual,
    )
    wasm_release(
        name = "policy_release_to",
        registry_config = ":policy_registries",
        releases = [":policy_publish"],
        repository = "releases",
        security_policy = ":policy_mixed",
        tag = "v1",
        tags = manual,
        target_registries = ["zone"],
    )
    wasm_promote(
        name = "policy_promote_release",
        destination = "ghcr.io/my-org/releases",
        security_policy = ":policy_keyed",
        source = ":policy_release",
        target_tags = manual,
    )
    wasm_promote(
        name = "policy_promote",
        destination = "ghcr.io/my-org/hello",
        security_policy = ":policy_keyed",
        source = ":policy_publish",
        target_tags = manual,
    )
    wasm_sign(name = "policy_sign", component = ":policy_input", keys = ":policy_key", tags = manual)
    wasm_policy_test(
        name = "policy_test_component",
        component = ":policy_sign",
        expected = "deny",
        expected_rule = "component:*",
        package_name = "apps/hello",
        policy = ":policy_keyed",
        registry = "home",
        registry_config = ":policy_registries",
        tags = manual,
    )
    wasm_policy_test(name = "policy_test_image", expected = "allow", oci_image = ":policy_later_image", policy = ":policy_of_file", tags = manual)

def policy_subjects(name, tags):
    """Makes what the tests of policies are about, with names that begin with `policy_`.

    Args:
        name: Name of a filegroup of what is judged.
        tags: Tags of all targets.
    """
    _policies(tags)
    _images(tags)
    native.filegroup(name = name, srcs = [":policy_sign"], tags = tags)
