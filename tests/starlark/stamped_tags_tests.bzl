"""Tests of tags with values of the workspace status."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//wasm/private/publish:stamped_tags.bzl", "is_stamped", "stamped_tag_error")

_GOOD = ["v1", "{STABLE_VERSION}", "1.2.3-{STABLE_GIT_COMMIT}", "{STABLE_A}.{STABLE_B2}"]
_BAD = {
    "-{STABLE_A}": "\"-{STABLE_A}\" is not a tag; use letters",
    "a b": "\"a b\" is not a tag",
    "{BUILD_USER}": "write {STABLE_NAME} for a value",
    "{STABLE_}": "write {STABLE_NAME}",
    "{STABLE_A": "write {STABLE_NAME}",
    "{STABLE_A}/b": "\"{STABLE_A}/b\" is not a tag",
    "{STABLE_A}}": "is not a tag",
    "{STABLE_a}": "write {STABLE_NAME}",
    "{{STABLE_A}}": "write {STABLE_NAME}",
}

def _tags_test_impl(ctx):
    env = unittest.begin(ctx)
    for tag in _GOOD:
        asserts.equals(env, None, stamped_tag_error(tag), tag)
    for tag, words in _BAD.items():
        error = stamped_tag_error(tag) or ""
        asserts.true(env, words in error, "{}: {}".format(tag, error))
    asserts.true(env, is_stamped("{STABLE_A}"))
    asserts.false(env, is_stamped("v1"))
    return unittest.end(env)

_tags_test = unittest.make(_tags_test_impl)

def stamped_tags_test_suite(name):
    unittest.suite(name, _tags_test)
