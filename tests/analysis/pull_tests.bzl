"""Analysis tests of what `oci_wasm.pull` makes, and of wasm_component_from_oci."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "wasm_component_from_oci", "wkg_registry_config")
load("//wasm:providers.bzl", "WasmPulledInfo")
load("//wasm/private/pull:pulled_component.bzl", "pulled_component")
load(":subjects.bzl", "action_of", "basenames", "failure_test", "values_of", "wasm_file")

_DIGEST = "sha256:" + "0a" * 32
_OTHER = "sha256:" + "1b" * 32

def _command_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_of(env, "WasmPull")
    for option, value in json.decode(ctx.attr.expected).items():
        asserts.equals(env, [value], values_of(action, option), option)
    for option in ctx.attr.flags:
        asserts.true(env, option in action.argv, option)
    for option in ctx.attr.absent:
        asserts.false(env, option in action.argv or values_of(action, option), option)
    asserts.true(env, "oci:./tests/analysis/pulled@" + _DIGEST in action.argv, str(action.argv))
    asserts.true(env, "./tests/analysis/pulled" in values_of(action, "--shown-file"), "the folder has a name for errors")
    asserts.equals(env, ctx.attr.verified, target[WasmPulledInfo].verified)
    asserts.equals(env, [target.label.name + ".wasm"], basenames(target[DefaultInfo].files))
    return analysistest.end(env)

_command_test = analysistest.make(
    _command_test_impl,
    attrs = {"absent": attr.string_list(), "expected": attr.string(), "flags": attr.string_list(), "verified": attr.bool()},
)

def _from_oci_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["pulled_public_keys.wasm"], basenames(target[DefaultInfo].files))
    asserts.equals(env, _DIGEST, target[WasmPulledInfo].digest)
    return analysistest.end(env)

_from_oci_test = analysistest.make(_from_oci_test_impl)

_COPY = {"--copy-of": "ghcr.io/my-org/hello:1.0.0@" + _DIGEST}
_FOLDER = "tests/analysis/pulled/"

_COMMANDS = {
    "policy": struct(
        absent = ["--public-key", "--allow-unsigned", "--threshold"],
        attributes = {"policy": "pulled/policy.yaml", "trusted_keys": "pulled/trusted.yaml"},
        expected = _COPY | {"--policy": _FOLDER + "policy.yaml", "--trusted-keys": _FOLDER + "trusted.yaml"},
        flags = ["--ignore-time"],
    ),
    "public_keys": struct(
        absent = ["--trusted-keys", "--ignore-time", "--policy", "--allow-unsigned"],
        attributes = {"public_keys": ["pulled/release.pub"], "threshold": 2},
        expected = _COPY | {"--public-key": _FOLDER + "release.pub", "--threshold": "2"},
        flags = [],
    ),
    "unverified": struct(
        absent = ["--public-key", "--trusted-keys", "--ignore-time", "--policy"],
        attributes = {"verify": False},
        expected = _COPY,
        flags = ["--allow-unsigned"],
    ),
}

_PARTS = {"component_name": "hello", "namespace": "my-org", "registry": "ghcr.io", "vendored_component": ":pulled_public_keys"}

_SAME = {
    "digest": {"digest": _DIGEST, "tag": "1.0.0"},
    "entry": {"registry": "github", "registry_config": ":pull_registries"},
    "key": {"public_key": "pulled/release.pub"},
    "parts": {},
    "prefix": {"namespace": "", "registry": "ours", "registry_config": ":pull_registries"},
}

# What is added to _PARTS, where that is not None, to words of the error.
_FAILURES = {
    "another_digest": ({"digest": _OTHER}, ["vendored_component = //tests/analysis:pulled_public_keys has digest", "make both the same"]),
    "another_image": ({"component_name": "other"}, ["has image \"ghcr.io/my-org/hello\", not \"ghcr.io/my-org/other\""]),
    "another_key": ({"public_key": "pulled/other.pub"}, ["public_key = //tests/analysis:pulled/other.pub is not among the public_keys"]),
    "another_tag": ({"tag": "2.0.0"}, ["has tag \"1.0.0\", not \"2.0.0\""]),
    "both": ({"image_ref": "ghcr.io/my-org/hello"}, ["give image_ref, or registry and component_name; image_ref and registry and namespace"]),
    "bad_image": ({"component_name": "Hello"}, ["\"my-org/Hello\" has upper-case letters"]),
    "no_name": ({"component_name": ""}, ["registry and component_name are both needed, and only registry and namespace is set"]),
    "nothing": ({"component_name": "", "namespace": "", "registry": ""}, ["none is set"]),
    "not_pulled": ({"vendored_component": ":pull_input"}, ["was not pulled by oci_wasm.pull", "use_repo(oci_wasm, \"hello\")"]),
    "unknown_registry": ({"registry": "gitlab"}, ["registry = \"gitlab\" is neither a host nor an entry"]),
    "unverified": ({"vendored_component": ":pulled_unverified"}, ["is pulled with verify = False; remove that"]),
    "without": (
        {"digest": _DIGEST, "public_key": "pulled/release.pub", "tag": "1.0.0", "vendored_component": None},
        [
            "a build action cannot download ghcr.io/my-org/hello",
            "    digest = \"{}\",\n    image = \"ghcr.io/my-org/hello\",".format(_DIGEST),
            "    public_keys = [\"//tests/analysis:pulled/release.pub\"],\n    tag = \"1.0.0\",\n)",
            "tools:update",
            "    vendored_component = \"@hello//:hello\",",
        ],
    ),
    "without_verification": ({"vendored_component": None, "verify_signature": False}, ["    tag = \"1.0.0\",\n    verify = False,\n)"]),
}

def pull_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "pull_input")
    wkg_registry_config(name = "pull_registries", registries = ["github|ghcr.io", "ours|ghcr.io/my-org"], tags = manual)
    for case, command in _COMMANDS.items():
        pulled_component(
            name = "pulled_" + case,
            digest = _DIGEST,
            image = "ghcr.io/my-org/hello",
            layout = ["pulled/oci-layout"],
            marker = "pulled/oci-layout",
            tag = "1.0.0",
            tags = manual,
            **({"threshold": 1, "verify": True} | command.attributes)
        )
        _command_test(
            name = "{}_{}_command_test".format(name, case),
            absent = command.absent,
            expected = json.encode(command.expected),
            flags = command.flags,
            target_under_test = ":pulled_" + case,
            verified = case != "unverified",
        )
    for case, attributes in _SAME.items():
        wasm_component_from_oci(name = "from_oci_" + case, tags = manual, **(_PARTS | attributes))
        _from_oci_test(name = "{}_{}_test".format(name, case), target_under_test = ":from_oci_" + case)
    wasm_component_from_oci(
        name = "from_oci_reference",
        image_ref = "ghcr.io/my-org/hello:1.0.0@" + _DIGEST,
        tags = manual,
        vendored_component = ":pulled_public_keys",
    )
    _from_oci_test(name = name + "_reference_test", target_under_test = ":from_oci_reference")
    for case, (attributes, words) in _FAILURES.items():
        wasm_component_from_oci(name = "from_oci_failure_" + case, tags = manual, **(_PARTS | attributes))
        failure_test(name = "{}_{}_failure_test".format(name, case), target_under_test = ":from_oci_failure_" + case, words = words)
    native.genrule(name = "pull_made_key", outs = ["made.pub"], cmd = "touch $@", tags = manual)
    pulled_component(
        name = "pulled_made_key",
        layout = ["pulled/oci-layout"],
        marker = "pulled/oci-layout",
        public_keys = ["made.pub"],
        tags = manual,
        verify = True,
    )
    failure_test(
        name = name + "_made_key_failure_test",
        target_under_test = ":pulled_made_key",
        words = ["public_keys = //tests/analysis:made.pub makes made.pub, and `update` reads files without a build; name a file"],
    )
    native.test_suite(name = name, tests = [
        "{}_{}_command_test".format(name, case)
        for case in _COMMANDS
    ] + [
        "{}_{}_test".format(name, case)
        for case in list(_SAME) + ["reference", "made_key_failure"]
    ] + [
        "{}_{}_failure_test".format(name, case)
        for case in _FAILURES
    ])
