"""Tests of patterns and of which entries of a policy speak: the cases that Python's have too."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//tests/testdata:policy_strings.bzl", "PATTERNS", "REGISTRIES")
load("//wasm/private/policy:matching.bzl", "matches_component", "matches_registry", "requires_signature")

def _patterns_test_impl(ctx):
    env = unittest.begin(ctx)
    for (pattern, path), expected in PATTERNS.items():
        asserts.equals(env, expected, matches_component(pattern, path), "%s and %s" % (pattern, path))
    for (target, name, host, prefix), expected in REGISTRIES.items():
        asserts.equals(env, expected, matches_registry(target, struct(host = host, name = name, prefix = prefix)), "%s and %s" % (target, (name, host, prefix)))
    return unittest.end(env)

_patterns_test = unittest.make(_patterns_test_impl)

def _entry(target, signing):
    return struct(keys = [], signing = signing, target = target)

def _requires_test_impl(ctx):
    env = unittest.begin(ctx)
    policy = struct(
        component_policies = [_entry("prod-*", "required"), _entry("test-*", "optional")],
        default_signing_required = True,
        registry_policies = [_entry("zone", "required"), _entry("free", "optional")],
    )
    zone, free, other = [struct(host = "", name = name, prefix = "") for name in ("zone", "free", "other")]
    for path, registries, expected in [
        ("prod-a", [free], True),
        ("a/test-a", [free], False),
        ("test-a", [free, zone], True),
        ("a", [free], False),
        ("a", [other], True),
        ("a", [free, other], True),
        ("a", [], True),
        ("test-a", [], False),
    ]:
        asserts.equals(env, expected, requires_signature(policy, path, registries), "%s in %s" % (path, registries))
    lax = struct(component_policies = [], default_signing_required = False, registry_policies = [])
    asserts.false(env, requires_signature(lax, "a", [other]))
    return unittest.end(env)

_requires_test = unittest.make(_requires_test_impl)

def policy_matching_test_suite(name):
    unittest.suite(name, _patterns_test, _requires_test)
