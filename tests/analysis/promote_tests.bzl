"""Analysis tests of wasm_promote: a target as its source, and what it needs when it is run."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//wasm:defs.bzl", "wasm_component_oci_image", "wasm_component_publish", "wasm_promote", "wasm_release", "wkg_registry_config")
load("//wasm:providers.bzl", "WasmReleaseInfo")
load(":subjects.bzl", "basenames", "wasm_file", "written")

_RELEASE_FILES = [
    "promote_ca.pem",
    "promote_image_layout",
    "promote_release_subject_image_0_request.json",
    "promote_release_subject_request.json",
    "stable-status.txt",
]

def _source_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")
    members = ("source", "source_publish", "source_registry", "source_release")
    asserts.equals(env, json.decode(ctx.attr.expected), {member: request[member] for member in members})
    runfiles = basenames(target[DefaultInfo].default_runfiles.files)
    for file in ctx.attr.files:
        asserts.true(env, file in runfiles, file + " is among the runfiles")
    return analysistest.end(env)

_source_test = analysistest.make(_source_test_impl, attrs = {"expected": attr.string(), "files": attr.string_list()})

def _release_info_test_impl(ctx):
    env = analysistest.begin(ctx)
    info = analysistest.target_under_test(env)[WasmReleaseInfo]
    asserts.equals(env, "promote_release_subject_request.json", info.request.basename)
    asserts.equals(env, [file for file in _RELEASE_FILES if file != info.request.basename], sorted(basenames(info.files)))
    return analysistest.end(env)

_release_info_test = analysistest.make(_release_info_test_impl)

def promote_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "promote_input")
    wasm_component_oci_image(name = "promote_image", component = ":promote_input", package_name = "pkg", tags = manual)
    write_file(name = "promote_ca", out = "promote_ca.pem", content = [], tags = manual)
    wkg_registry_config(
        name = "promote_config",
        ca_file = "promote_ca.pem",
        registries = ["staging|staging.example.com", "production|ghcr.io/my-org", "copy|mirror.example.com|mirror|staging"],
        tags = manual,
    )
    wasm_release(
        name = "promote_release_subject",
        images = [":promote_image"],
        registry_config = ":promote_config",
        repository = "releases",
        tag = "{STABLE_VERSION}",
        tags = manual,
    )
    _release_info_test(name = name + "_release_info_test", target_under_test = ":promote_release_subject")
    wasm_component_publish(name = "promote_publish_subject", oci_image = ":promote_image", tags = manual)
    unnamed = {"source": "", "source_publish": None, "source_registry": "", "source_release": None}
    request = "_main/tests/analysis/{}_request.json"
    for case, source, registry, expected, files in [
        ("release", ":promote_release_subject", "staging", {
            "source_registry": "staging",
            "source_release": request.format("promote_release_subject"),
        }, _RELEASE_FILES),
        ("label", Label("//tests/analysis:promote_release_subject"), "", {
            "source_release": request.format("promote_release_subject"),
        }, _RELEASE_FILES),
        ("publish", "//tests/analysis:promote_publish_subject", "", {
            "source_publish": request.format("promote_publish_subject"),
        }, ["promote_image_layout", "promote_publish_subject_request.json"]),
        ("reference", "staging/releases:v1", "", {"source": "staging/releases:v1"}, ["promote_ca.pem"]),
    ]:
        wasm_promote(
            name = "promote_{}_source".format(case),
            destination = "production/releases",
            registry_config = ":promote_config",
            source = source,
            source_registry = registry,
            target_tags = manual,
        )
        _source_test(
            name = "{}_{}_test".format(name, case),
            expected = json.encode(unnamed | expected),
            files = files,
            target_under_test = ":promote_{}_source".format(case),
        )
