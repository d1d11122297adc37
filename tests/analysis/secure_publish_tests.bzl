"""Analysis tests of wasm_component_secure_publish: whether and how it signs, and what it passes on."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "wasm_component_secure_publish")
load("//wasm:providers.bzl", "WasmOciImageInfo")
load(":policy_request_tests.bzl", "policy_request_test")
load(":policy_subjects.bzl", "POLICY_KEYS")
load(":subjects.bzl", "action_of", "values_of")

def _signed_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ctx.attr.type, target[WasmOciImageInfo].signature_type)
    asserts.equals(env, ctx.attr.signs, len([action for action in analysistest.target_actions(env) if action.mnemonic == "WasmSign"]))
    action = action_of(env, "WasmOciLayout")
    (policy,) = values_of(action, "--policy")
    asserts.equals(env, ctx.attr.policy, policy.split("/")[-1])
    return analysistest.end(env)

_signed_test = analysistest.make(_signed_test_impl, attrs = {"policy": attr.string(), "signs": attr.int(), "type": attr.string()})

def _secure_tests(name, manual):
    """Whether and how a component is signed: by the policy, force_signing and signature_type."""
    for case, attributes, policy, signs, type in [
        ("default", {"package_name": "hello"}, "policy_mixed", 1, "detached"),
        ("optional", {"package_name": "test-hello"}, "policy_mixed", 0, "none"),
        ("several", {"package_name": "test-hello", "target_registries": ["home", "zone"]}, "policy_mixed", 1, "detached"),
        ("forced", {"force_signing": True, "package_name": "test-hello"}, "policy_mixed", 1, "detached"),
        ("embedded", {"package_name": "hello", "signature_type": "embedded"}, "policy_mixed", 1, "embedded"),
        ("keyless", {"package_name": "hello", "signing_keys": None}, "policy_mixed", 0, "none"),
        ("silent", {"package_name": "hello"}, "policy_plain", 0, "none"),
        ("file", {"package_name": "hello"}, "policy_of_file", 1, "embedded"),
        (
            "openssh",
            {"openssh_format": True, "package_name": "hello", "signing_keys": ":policy_ssh_key", "target_registries": ["home", "zone"]},
            "policy_mixed",
            1,
            "detached",
        ),
    ]:
        wasm_component_secure_publish(
            name = "policy_secure_" + case,
            component = ":policy_input",
            registry_config = ":policy_registries",
            security_policy = policy,
            tags = manual,
            **({"signing_keys": ":policy_key"} | attributes)
        )
        _signed_test(
            name = "{}_{}_test".format(name, case),
            policy = policy + "_security_policy.json",
            signs = signs,
            target_under_test = ":policy_secure_{}_image".format(case),
            type = type,
        )
    wasm_component_secure_publish(
        name = "policy_secure_all",
        package_name = "apps/hello",
        annotations = ["a=b"],
        authors = ["me"],
        component = ":policy_input",
        cosign_legacy = True,
        description = "greets",
        dry_run = True,
        extra_tags = ["more"],
        license = "MIT",
        movable_tags = ["edge"],
        namespace = "space",
        registry_config = ":policy_registries",
        security_policy = ":policy_mixed",
        signing_keys = ":policy_key",
        tag = "v1",
        tags = manual,
        target_registries = ["zone"],
    )
    policy_request_test(
        name = name + "_all_test",
        files = ["policy_secure_all_image_signature.sig", "key.secret"],
        members = json.encode({
            "authors": ["me"],
            "cosign_legacy": True,
            "description": "greets",
            "dry_run": True,
            "extra_tags": ["more"],
            "license": "MIT",
            "movable_tags": ["edge"],
            "namespace": "space",
            "policies": ["_main/tests/analysis/policy_mixed_security_policy.json"],
            "policy_keys": POLICY_KEYS,
            "repository": "apps/hello",
            "tag": "v1",
            "target_registries": ["zone"],
        }),
        target_under_test = ":policy_secure_all",
    )

def secure_publish_test_suite(name):
    """Makes the tests.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    _secure_tests(name, manual)
    native.test_suite(name = name, tests = [":" + test for test in native.existing_rules() if test.startswith(name + "_")])
