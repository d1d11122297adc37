"""Analysis tests of wasm_trusted_keys, and of what verifies with it."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//wasm:defs.bzl", "ssh_keygen", "wasm_keygen", "wasm_trusted_keys", "wasm_verify", "wasm_verify_test")
load("//wasm:providers.bzl", "WasmTrustedKeysInfo")
load(":subjects.bzl", "TagsInfo", "action_of", "basenames", "check_command", "tags_of", "wasm_file", "written")

def _key_files(argv, option):
    """The values of an option that takes a path in the repository, each with the base name of the file that follows it."""
    return [
        (argv[at].removeprefix(option + "="), argv[at + 1].removeprefix("--file=").split("/")[-1])
        for at in range(len(argv))
        if argv[at].startswith(option + "=")
    ]

def _check_output(env):
    target = analysistest.target_under_test(env)
    output = target.label.name + "_trusted_keys.json"
    asserts.equals(env, [output], basenames(target[DefaultInfo].files))
    asserts.equals(env, output, target[WasmTrustedKeysInfo].file.basename)
    return output

def _attributes_test_impl(ctx):
    env = analysistest.begin(ctx)
    output = _check_output(env)
    name = analysistest.target_under_test(env).label.name
    asserts.equals(env, {"keys": [
        {
            "comment": "ours",
            "name": "made",
            "not_after": "2027-12-31",
            "not_before": "2027-01-01",
            "public_key_file": "tests/analysis/trusted_pair/key.public",
        },
        {"name": "half", "public_key_file": "tests/analysis/trusted_ssh_pair/id_ed25519.pub", "revoked": True},
        {"name": "lone", "public_key_file": "tests/analysis/trusted_lone.public"},
    ]}, written(env, name + "_keys.json"))
    action = action_of(env, "WasmTrustedKeys")
    check_command(env, action, "trusted-keys", [("--input-file", name + "_keys.json"), ("--output-file", output), ("--place", "")])

    # The files say who made them, behind a filegroup too.
    asserts.equals(env, [
        ("tests/analysis/trusted_pair/key.public", "key.public"),
        ("tests/analysis/trusted_ssh_pair/id_ed25519.pub", "id_ed25519.pub"),
    ], _key_files(action.argv, "--development-path"))
    asserts.equals(env, [("tests/analysis/trusted_lone.public", "trusted_lone.public")], _key_files(action.argv, "--file-path"))
    asserts.false(env, "key.secret" in basenames(action.inputs), "no secret is read")
    return analysistest.end(env)

_attributes_test = analysistest.make(_attributes_test_impl)

def _config_test_impl(ctx):
    env = analysistest.begin(ctx)
    output = _check_output(env)
    action = action_of(env, "WasmTrustedKeys")
    check_command(env, action, "trusted-keys", [
        ("--input-file", "trusted_list.yaml"),
        ("--output-file", output),
        ("--place", "trusted_list.yaml"),
    ])
    asserts.equals(env, [("tests/analysis/trusted_pair/key.public", "key.public")], _key_files(action.argv, "--development-path"))
    asserts.equals(env, [("tests/analysis/trusted_lone.public", "trusted_lone.public")], _key_files(action.argv, "--file-path"))
    return analysistest.end(env)

_config_test = analysistest.make(_config_test_impl)

def _verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "WasmVerify")
    check_command(env, action, "verify", [
        ("--input-file", "trusted_input_0.wasm"),
        ("--trusted-keys", "trusted_attributes_subject_trusted_keys.json"),
        ("--threshold", "2"),
        ("--split-regex=^(a|b)$", None),
        ("--ignore-time", None),
    ], absent = ["--public-key"])
    asserts.true(env, "trusted_attributes_subject_trusted_keys.json" in basenames(action.inputs))
    return analysistest.end(env)

_verify_test = analysistest.make(_verify_test_impl)

def _plain_verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    absent = ["--trusted-keys", "--ignore-time", "--threshold", "--split-regex"]
    check_command(env, action_of(env, "WasmVerify"), "verify", [("--public-key", "trusted_lone.public")], absent = absent)
    return analysistest.end(env)

_plain_verify_test = analysistest.make(_plain_verify_test_impl)

def _request_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")["trust"]
    trusted = "trusted_attributes_subject_trusted_keys.json"
    asserts.equals(env, [], request["public_keys"])
    asserts.true(env, request["trusted_keys"].endswith("/tests/analysis/" + trusted), str(request["trusted_keys"]))
    asserts.equals(env, 2, int(request["threshold"]))
    asserts.equals(env, "^(a|b)$", request["split_regex"])
    asserts.true(env, trusted in basenames(target[DefaultInfo].default_runfiles.files), "the list is in the runfiles")
    return analysistest.end(env)

_request_test = analysistest.make(_request_test_impl)

def _tags_test_impl(ctx):
    env = analysistest.begin(ctx)
    tags = analysistest.target_under_test(env)[TagsInfo].tags
    asserts.equals(env, (True, ctx.attr.external), ("manual" in tags, "external" in tags), "only a key that expires needs a new run")
    return analysistest.end(env)

_tags_test = analysistest.make(
    _tags_test_impl,
    attrs = {"external": attr.bool()},
    extra_target_under_test_aspects = [tags_of],
)

def trusted_keys_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "trusted_input")
    wasm_keygen(name = "trusted_pair", tags = manual)
    ssh_keygen(name = "trusted_ssh_pair", tags = manual)
    write_file(name = "trusted_lone_file", out = "trusted_lone.public", content = [], tags = manual)
    write_file(name = "trusted_list", out = "trusted_list.yaml", content = [], tags = manual)
    native.filegroup(name = "trusted_half", srcs = [":trusted_ssh_pair/id_ed25519.pub"], tags = manual)
    wasm_trusted_keys(
        name = "trusted_attributes_subject",
        comments = {"made": "ours"},
        keys = {
            ":trusted_pair": "made",
            ":trusted_half": "half",
            "trusted_lone.public": "lone",
        },
        not_after = {"made": "2027-12-31"},
        not_before = {"made": "2027-01-01"},
        revoked = ["half"],
        tags = manual,
    )
    wasm_trusted_keys(
        name = "trusted_config_subject",
        srcs = [
            "trusted_lone.public",
            ":trusted_pair",
        ],
        config = "trusted_list.yaml",
        tags = manual,
    )
    trust = {
        "split_regex": "^(a|b)$",
        "tags": manual,
        "threshold": 2,
        "trusted_keys": ":trusted_attributes_subject",
        "wasm_file": ":trusted_input",
    }
    wasm_verify(name = "trusted_verify_subject", **trust)
    wasm_verify(name = "trusted_plain_verify_subject", public_key = "trusted_lone.public", tags = manual, wasm_file = ":trusted_input")
    wasm_verify_test(name = "trusted_request_subject", **trust)
    wasm_verify_test(name = "trusted_untagged_subject", public_key = "trusted_lone.public", tags = manual, wasm_file = ":trusted_input")
    for case, subject in {"tagged": "request", "untagged": "untagged"}.items():
        _tags_test(
            name = "{}_{}_test".format(name, case),
            external = case == "tagged",
            target_under_test = ":trusted_{}_subject".format(subject),
        )
    tests = {
        "attributes": _attributes_test,
        "config": _config_test,
        "plain_verify": _plain_verify_test,
        "request": _request_test,
        "verify": _verify_test,
    }
    for case, make in tests.items():
        make(name = "{}_{}_test".format(name, case), target_under_test = ":trusted_{}_subject".format(case))
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in tests.keys() + ["tagged", "untagged"]])
