"""Tests of what is a variable's name: the cases that the tests of Python read too."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//tests/testdata:variable_names.bzl", "NOT_VARIABLE_NAMES", "VARIABLE_NAMES")
load("//wasm/private/common:variable_names.bzl", "is_encoded_key", "is_variable_name")

_ENCODED = [
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "gQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
]
_PATHS = [
    "signing.secret",
    "~/.config/keys/release.pem",
    "/home/me/keys/signing/production/components/release",
    "C:/keys/wasm-signing-key-of-the-release-team.pem",
]

def _names_test_impl(ctx):
    env = unittest.begin(ctx)
    for name in VARIABLE_NAMES:
        asserts.true(env, is_variable_name(name), name)
    for text in NOT_VARIABLE_NAMES:
        asserts.false(env, is_variable_name(text), text)
    return unittest.end(env)

_names_test = unittest.make(_names_test_impl)

def _encoded_test_impl(ctx):
    env = unittest.begin(ctx)
    for text in _ENCODED:
        asserts.true(env, is_encoded_key(text), text)
    for text in _PATHS:
        asserts.false(env, is_encoded_key(text), text)
    return unittest.end(env)

_encoded_test = unittest.make(_encoded_test_impl)

def variable_names_test_suite(name):
    unittest.suite(name, _names_test, _encoded_test)
