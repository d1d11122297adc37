"""Tests of the check of attributes that macros pass on."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//wasm/private/common:macro_attrs.bzl", "attribute_error")

_KNOWN = ["component", "package_name", "registry", "registry_config", "signing_keys", "tag"]

# Name of an attribute to the end of the error.
_BAD = {
    "componnent": "; did you mean \"component\"?",
    "nonsense_of_all_kinds": "; its attributes are component, package_name, registry, registry_config, signing_keys, tag",
    "regsitry": "; did you mean \"registry\"?",
    "signing_key": "; did you mean \"signing_keys\"?",
    "tga": "; did you mean \"tag\"?",
    "visibilty": "; did you mean \"visibility\"?",
}

def _attributes_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, attribute_error("a_macro", _KNOWN + ["tags", "testonly", "visibility"], _KNOWN))
    for name, end in _BAD.items():
        expected = "a_macro has no attribute \"{}\"{}".format(name, end)
        asserts.equals(env, expected, attribute_error("a_macro", ["component", name], _KNOWN))
    asserts.equals(env, None, attribute_error("a_macro", ["component", "tag"], _KNOWN, ["component"]))
    asserts.equals(env, "a_macro needs the attribute \"component\"; add it", attribute_error("a_macro", ["tag"], _KNOWN, ["component"]))
    asserts.equals(
        env,
        "a_macro has no attribute \"componnent\"; did you mean \"component\"?",
        attribute_error("a_macro", ["componnent"], _KNOWN, ["component"]),
    )
    return unittest.end(env)

_attributes_test = unittest.make(_attributes_test_impl)

def macro_attrs_test_suite(name):
    unittest.suite(name, _attributes_test)
