"""Tests of what `wasm_release` takes for images."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//wasm/private/publish:release.bzl", "images_error")

def _images_test_impl(ctx):
    env = unittest.begin(ctx)
    for arguments in ([[], None, False, []], [[":a"], ":config", False, []], [[":a"], ":config", True, [":key"]], [[], ":config", False, []]):
        asserts.equals(env, None, images_error(*arguments))
    asserts.equals(env, "images need a registry; give registry_config", images_error([":a"], None, False, []))
    for cosign_legacy, keys in [(True, []), (False, [":key"]), (True, [":key"])]:
        error = "cosign_legacy and statement_keys are for images; give them to the targets in releases"
        asserts.equals(env, error, images_error([], ":config", cosign_legacy, keys))
    return unittest.end(env)

_images_test = unittest.make(_images_test_impl)

def release_test_suite(name):
    unittest.suite(name, _images_test)
