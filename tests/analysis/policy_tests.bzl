"""Analysis tests of wasm_security_policy, and of the checks in the build of what has a `security_policy`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:providers.bzl", "WasmSecurityPolicyInfo")
load(":policy_subjects.bzl", "policy_subjects")
load(":subjects.bzl", "action_of", "basenames", "check_command", "values_of")

def _json_of(action, option):
    (value,) = values_of(action, option)
    return json.decode(value)

def _policy_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    info = target[WasmSecurityPolicyInfo]
    output = target.label.name + "_security_policy.json"
    asserts.equals(env, [output], basenames(target[DefaultInfo].files))
    asserts.equals(env, output, info.file.basename)
    asserts.equals(env, json.decode(ctx.attr.info), {
        "default": info.default_signing_required,
        "entries": [[each.target, each.signing, each.keys] for each in info.component_policies + info.registry_policies],
        "file": info.has_file,
        "key_names": info.key_names,
        "openssh": info.openssh_format,
        "stores": basenames(info.trust_stores),
        "type": info.signature_type,
    })
    action = action_of(env, "WasmSecurityPolicy")
    check_command(env, action, "policy", [("compile", None), ("--output-file", output)], absent = ctx.attr.absent)
    asserts.equals(env, json.decode(ctx.attr.attributes) | {
        "name": target.label.name,
        "schema_version": 1,
        "target": "//tests/analysis:" + target.label.name,
    }, _json_of(action, "--attributes"))
    return analysistest.end(env)

_policy_test = analysistest.make(
    _policy_test_impl,
    attrs = {"absent": attr.string_list(), "attributes": attr.string(), "info": attr.string()},
)

def _check_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_of(env, "WasmPolicyCheck")
    verdict = "{}_{}.json".format(target.label.name, ctx.attr.verdict)
    check_command(env, action, "policy", [("--output-file", verdict)] + [tuple(pair) for pair in json.decode(ctx.attr.options)], absent = ctx.attr.absent)
    facts = _json_of(action, "--facts")
    for member, value in json.decode(ctx.attr.facts).items():
        asserts.equals(env, value, facts[member], member)
    asserts.true(env, verdict in basenames(target[OutputGroupInfo]._validation), "the verdict is a validation")
    return analysistest.end(env)

_check_test = analysistest.make(
    _check_test_impl,
    attrs = {"absent": attr.string_list(), "facts": attr.string(), "options": attr.string(default = "[]"), "verdict": attr.string()},
)

def _policy_tests(name):
    said = {
        "component_policies": [],
        "default_signing_required": False,
        "key_source": None,
        "openssh_format": False,
        "registry_policies": [],
        "signature_type": None,
    }
    info = {"default": False, "entries": [], "file": False, "key_names": [], "openssh": False, "stores": [], "type": ""}
    _policy_test(
        name = name + "_full_test",
        absent = ["--file", "--place"],
        attributes = json.encode(said | {
            "component_policies": ["prod-*|required|policy_key,later"],
            "default_signing_required": True,
            "key_source": "env",
            "openssh_format": True,
            "registry_policies": ["github|optional"],
            "signature_type": "detached",
        }),
        info = json.encode(info | {
            "default": True,
            "entries": [["prod-*", "required", ["policy_key", "later"]], ["github", "optional", []]],
            "key_names": ["policy_key", "//tests/analysis:policy_key", "later"],
            "openssh": True,
            "stores": ["policy_named_trusted_keys.json"],
            "type": "detached",
        }),
        target_under_test = ":policy_full",
    )
    _policy_test(name = name + "_plain_test", attributes = json.encode(said), info = json.encode(info), target_under_test = ":policy_plain")
    _policy_test(
        name = name + "_file_test",
        attributes = json.encode(said | {"default_signing_required": None}),
        info = json.encode(info | {"file": True, "key_names": None, "stores": ["policy_unnamed_trusted_keys.json"]}),
        target_under_test = ":policy_of_file",
    )

def _check_tests(name):
    key = {"development": True, "label": "//tests/analysis:policy_key", "name": "policy_key", "signs": True}
    later = {"development": False, "label": "//tests/analysis:policy_later_key", "name": "policy_later_key", "signs": True}
    for case, subject, verdict, facts, options, absent in [
        (
            "publish",
            "policy_publish",
            "verdict",
            {"keys": [key], "name": "hello", "namespace": "library/apps", "registries": ["localhost:5000"], "signed_later": False, "tags": ["latest"]},
            [
                ("--input-file", "policy_signed_image_oci.wasm"),
                ("--layout", "policy_signed_image_layout"),
                ("--signature-file", "policy_signed_image_signature.sig"),
                ("--policy", "policy_keyed_security_policy.json"),
                ("--key", "key.public"),
            ],
            ["--registries", "--trusted-keys"],
        ),
        (
            "several",
            "policy_publish_several",
            "verdict",
            {"all_registries": False, "namespace": "space/apps", "registries": ["home", "zone"], "tags": ["latest", "more"]},
            [("--registries", "policy_registries_attributes.json")],
            [],
        ),
        (
            "later",
            "policy_publish_later",
            "verdict",
            {"keys": [later], "namespace": "library", "registries": ["zone"], "signed_later": True, "tags": None},
            [("--input-file", "policy_later_image_unsigned.wasm"), ("--trusted-keys", "policy_unnamed_trusted_keys.json")],
            ["--signature-file"],
        ),
        ("image", "policy_later_image", "verdict", {"registries": ["zone"], "signed_later": True, "tags": ["latest"]}, [], []),
        (
            "release",
            "policy_release_to",
            "0_verdict",
            {"all_registries": False, "name": "hello", "namespace": "library/apps", "registries": ["zone"], "tags": ["latest"]},
            [("--registries", "policy_registries_attributes.json"), ("--policy", "policy_mixed_security_policy.json")],
            [],
        ),
        ("promote", "policy_promote", "0_verdict", {"name": "hello", "namespace": "my-org", "registries": ["ghcr.io"], "tags": ["latest"]}, [], []),
        (
            "promote_release",
            "policy_promote_release",
            "0_verdict",
            {"name": "hello", "namespace": "my-org/library/apps", "registries": ["ghcr.io"], "tags": ["latest"]},
            [],
            [],
        ),
        ("secure", "policy_secure_openssh_image", "verdict", {"openssh": True, "registries": ["home", "zone"]}, [], []),
    ]:
        _check_test(
            name = "{}_check_{}_test".format(name, case),
            absent = absent,
            facts = json.encode(facts),
            options = json.encode(options),
            verdict = verdict,
            target_under_test = ":" + subject,
        )

def policy_test_suite(name):
    """Makes the tests, and the subjects of all tests of policies.

    Args:
        name: Name of the suite.
    """
    policy_subjects(name = "policy_subjects", tags = ["manual"])
    _policy_tests(name)
    _check_tests(name)
    native.test_suite(name = name, tests = [":" + test for test in native.existing_rules() if test.startswith(name + "_")])
