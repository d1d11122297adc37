"""Analysis tests of what requests of run targets and tests say of policies."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(":policy_subjects.bzl", "POLICY_KEYS")
load(":subjects.bzl", "basenames", "written")

def _request_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")
    for member, value in json.decode(ctx.attr.members).items():
        asserts.equals(env, value, request.get(member), member)
    runfiles = basenames(target[DefaultInfo].default_runfiles.files)
    for file in ctx.attr.files:
        asserts.true(env, file in runfiles, file + " is among the runfiles")
    for file in ctx.attr.absent:
        asserts.false(env, file in runfiles, file + " is not among the runfiles")
    return analysistest.end(env)

policy_request_test = analysistest.make(
    _request_test_impl,
    attrs = {"absent": attr.string_list(), "files": attr.string_list(), "members": attr.string()},
)

def policy_request_test_suite(name):
    """Makes the tests, whose subjects those of `policy_test_suite` are.

    Args:
        name: Name of the suite.
    """
    place = "_main/tests/analysis/"
    keyed = {
        "policies": [place + "policy_keyed_security_policy.json"],
        "policy_keys": POLICY_KEYS,
        "policy_trust_stores": [],
    }
    pair = {"public_key": place + "policy_key/key.public", "secret_key": place + "policy_key/key.secret", "source": None}
    for case, members, files, absent in [
        ("publish", keyed | {"statement_keys": [pair], "wasm_tools": None}, ["policy_keyed_security_policy.json", "key.public", "key.secret"], ["wasm-tools"]),
        ("publish_several", keyed | {"statement_keys": []}, ["policy_keyed_security_policy.json"], ["key.secret"]),
        (
            "publish_later",
            {
                "policies": [place + "policy_of_file_security_policy.json"],
                "policy_trust_stores": [place + "policy_unnamed_trusted_keys.json"],
                "statement_keys": [{"public_key": place + "policy_later.pub", "secret_key": None, "source": {"kind": "env", "ref": "KEY"}}],
            },
            ["policy_unnamed_trusted_keys.json", "policy_later.pub", "wasm-tools"],
            [],
        ),
        ("release_cosign_image_0", {"cosign_legacy": True, "policies": [], "statement_keys": [pair]}, ["key.public", "key.secret"], []),
        ("oci_cosign", {"cosign_legacy": True, "policies": [], "statement_keys": [pair]}, ["key.public", "key.secret"], []),
        ("release", keyed, ["policy_keyed_security_policy.json", "key.public"], []),
        ("promote", keyed, ["policy_keyed_security_policy.json", "key.public"], []),
        (
            "test_component",
            {
                "component": place + "policy_sign_signed.wasm",
                "expected": "deny",
                "expected_rule": "component:*",
                "keys": POLICY_KEYS,
                "layout": None,
                "name": "hello",
                "namespace": "apps",
                "policies": keyed["policies"],
                "registries": ["home"],
                "registry_list": place + "policy_registries_attributes.json",
            },
            ["policy_sign_signed.wasm", "policy_registries_attributes.json"],
            ["key.secret"],
        ),
        (
            "test_image",
            {
                "component": place + "policy_later_image_unsigned.wasm",
                "layout": place + "policy_later_image_layout",
                "registries": ["zone"],
                "registry_list": None,
                "signed_later": True,
                "tags": ["latest"],
                "trust_stores": [place + "policy_unnamed_trusted_keys.json"],
            },
            ["policy_later_image_layout"],
            [],
        ),
    ]:
        policy_request_test(
            name = "{}_{}_test".format(name, case),
            absent = absent,
            files = files,
            members = json.encode(members),
            target_under_test = ":policy_" + case,
        )
    native.test_suite(name = name, tests = [":" + test for test in native.existing_rules() if test.startswith(name + "_")])
