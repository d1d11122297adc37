"""Tests of paths that a run uses: the cases that the tests of Python read too."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//tests/testdata:cache_dirs.bzl", "BAD_CACHE_DIRS", "GOOD_CACHE_DIRS")
load("//wasm/private/publish:paths.bzl", "folder_path_error")

def _folders_test_impl(ctx):
    env = unittest.begin(ctx)
    for path in GOOD_CACHE_DIRS:
        asserts.equals(env, None, folder_path_error(path), path)
    for path in BAD_CACHE_DIRS:
        asserts.true(env, (folder_path_error(path) or "").startswith("is not the path of a folder; write an absolute path"), path)
    return unittest.end(env)

_folders_test = unittest.make(_folders_test_impl)

def paths_test_suite(name):
    unittest.suite(name, _folders_test)
