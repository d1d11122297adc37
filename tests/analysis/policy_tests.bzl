"""Analysis tests of wasm_security_policy, and of what targets do with their `security_policy`."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(
    "//wasm:defs.bzl",
    "ssh_keygen",
    "wasm_component_oci_image",
    "wasm_component_publish",
    "wasm_component_secure_publish",
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
load("//wasm:providers.bzl", "WasmOciImageInfo", "WasmSecurityPolicyInfo")
load(":subjects.bzl", "action_of", "basenames", "check_command", "values_of", "wasm_file", "written")

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
    verdict = target.label.name + "_verdict.json"
    check_command(env, action, "policy", [("--output-file", verdict)] + [tuple(pair) for pair in json.decode(ctx.attr.options)], absent = ctx.attr.absent)
    facts = _json_of(action, "--facts")
    for member, value in json.decode(ctx.attr.facts).items():
        asserts.equals(env, value, facts[member], member)
    asserts.true(env, verdict in basenames(target[OutputGroupInfo]._validation), "the verdict is a validation")
    return analysistest.end(env)

_check_test = analysistest.make(
    _check_test_impl,
    attrs = {"absent": attr.string_list(), "facts": attr.string(), "options": attr.string(default = "[]")},
)

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

_request_test = analysistest.make(
    _request_test_impl,
    attrs = {"absent": attr.string_list(), "files": attr.string_list(), "members": attr.string()},
)

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

_KEYS = [
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

def _check_tests(name):
    key = {"development": True, "label": "//tests/analysis:policy_key", "name": "policy_key", "signs": True}
    later = {"development": False, "label": "//tests/analysis:policy_later_key", "name": "policy_later_key", "signs": True}
    for case, subject, facts, options, absent in [
        (
            "publish",
            "policy_publish",
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
            {"all_registries": False, "namespace": "space/apps", "registries": ["home", "zone"], "tags": ["latest", "more"]},
            [("--registries", "policy_registries_attributes.json")],
            [],
        ),
        (
            "later",
            "policy_publish_later",
            {"keys": [later], "namespace": "library", "registries": ["zone"], "signed_later": True, "tags": None},
            [("--input-file", "policy_later_image_unsigned.wasm"), ("--trusted-keys", "policy_unnamed_trusted_keys.json")],
            ["--signature-file"],
        ),
        ("image", "policy_later_image", {"registries": ["zone"], "signed_later": True, "tags": ["latest"]}, [], []),
        ("secure", "policy_secure_openssh_image", {"openssh": True, "registries": ["home", "zone"]}, [], []),
    ]:
        _check_test(
            name = "{}_check_{}_test".format(name, case),
            absent = absent,
            facts = json.encode(facts),
            options = json.encode(options),
            target_under_test = ":" + subject,
        )

def _request_tests(name):
    place = "_main/tests/analysis/"
    keyed = {
        "policies": [place + "policy_keyed_security_policy.json"],
        "policy_keys": _KEYS,
        "policy_trust_stores": [],
    }
    pair = {"public_key": place + "policy_key/key.public", "secret_key": place + "policy_key/key.secret", "source": None}
    for case, members, files, absent in [
        ("publish", keyed | {"statement_keys": [pair]}, ["policy_keyed_security_policy.json", "key.public", "key.secret"], []),
        ("publish_several", keyed | {"statement_keys": []}, ["policy_keyed_security_policy.json"], ["key.secret"]),
        (
            "publish_later",
            {
                "policies": [place + "policy_of_file_security_policy.json"],
                "policy_trust_stores": [place + "policy_unnamed_trusted_keys.json"],
                "statement_keys": [{"public_key": place + "policy_later.pub", "secret_key": None, "source": {"kind": "env", "ref": "KEY"}}],
            },
            ["policy_unnamed_trusted_keys.json", "policy_later.pub"],
            [],
        ),
        ("release", keyed, ["policy_keyed_security_policy.json", "key.public"], []),
        ("promote", keyed, ["policy_keyed_security_policy.json", "key.public"], []),
        (
            "test_component",
            {
                "component": place + "policy_sign_signed.wasm",
                "expected": "deny",
                "expected_rule": "component:*",
                "keys": _KEYS,
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
        _request_test(
            name = "{}_request_{}_test".format(name, case),
            absent = absent,
            files = files,
            members = json.encode(members),
            target_under_test = ":policy_" + case,
        )

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
            name = "{}_secure_{}_test".format(name, case),
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
    _request_test(
        name = name + "_secure_all_test",
        files = ["policy_secure_all_image_signature.sig", "key.secret"],
        members = json.encode({
            "authors": ["me"],
            "description": "greets",
            "dry_run": True,
            "extra_tags": ["more"],
            "license": "MIT",
            "movable_tags": ["edge"],
            "namespace": "space",
            "policies": ["_main/tests/analysis/policy_mixed_security_policy.json"],
            "policy_keys": _KEYS,
            "repository": "apps/hello",
            "tag": "v1",
            "target_registries": ["zone"],
        }),
        target_under_test = ":policy_secure_all",
    )

def policy_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    _policies(manual)
    _images(manual)
    _policy_tests(name)
    _request_tests(name)
    _secure_tests(name, manual)
    _check_tests(name)
    native.test_suite(name = name, tests = [":" + test for test in native.existing_rules() if test.startswith(name + "_")])
