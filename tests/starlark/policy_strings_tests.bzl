"""Tests of the parser of policies' entries: every form, and every refusal."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load(
    "//tests/testdata:policy_strings.bzl",
    "BAD_COMPONENT_POLICIES",
    "BAD_REGISTRY_POLICIES",
    "GOOD_COMPONENT_POLICIES",
    "GOOD_REGISTRY_POLICIES",
)
load("//wasm/private/policy:policy_strings.bzl", "parse_component_policy", "parse_registry_policy")

def _entries_test_impl(ctx):
    env = unittest.begin(ctx)
    for parse, good, bad in [
        (parse_component_policy, GOOD_COMPONENT_POLICIES, BAD_COMPONENT_POLICIES),
        (parse_registry_policy, GOOD_REGISTRY_POLICIES, BAD_REGISTRY_POLICIES),
    ]:
        for text, expected in good.items():
            entry, error = parse(text)
            asserts.equals(env, None, error, text)
            asserts.equals(env, expected, (entry.target, entry.signing, entry.keys), text)
        for text, start in bad.items():
            entry, error = parse(text)
            asserts.equals(env, None, entry, text)
            asserts.true(env, error.startswith(start), "%r names %r: %s" % (text, start, error))
    return unittest.end(env)

_entries_test = unittest.make(_entries_test_impl)

def policy_strings_test_suite(name):
    unittest.suite(name, _entries_test)
