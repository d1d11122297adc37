"""Tests of the parser of registry strings: every form, every refusal, and that no refusal repeats a secret."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//tests/testdata:registry_strings.bzl", "BAD_STRINGS", "GOOD_STRINGS", "LITERAL_SECRETS", "SECRET")
load("//wasm/private/publish:registry_strings.bzl", "parse_registry_string", "parse_registry_strings")

def _value_of(entry, field):
    return getattr(entry, field) if hasattr(entry, field) else getattr(entry.auth, field)

def _entries_test_impl(ctx):
    env = unittest.begin(ctx)
    for text, fields in GOOD_STRINGS.items():
        entry, error = parse_registry_string(text)
        asserts.equals(env, None, error, text)
        for field, value in fields.items():
            asserts.equals(env, value, _value_of(entry, field), "%s of %s" % (field, text))
    for text, start in BAD_STRINGS.items():
        entry, error = parse_registry_string(text)
        asserts.equals(env, None, entry, text)
        asserts.true(env, error.startswith(start), "%r names %r: %s" % (text, start, error))
    return unittest.end(env)

_entries_test = unittest.make(_entries_test_impl)

def _plain_http_test_impl(ctx):
    env = unittest.begin(ctx)
    named = ["registry:5000", "10.0.0.5"]
    for text, host in {
        "n|10.0.0.5:5000|oci": "10.0.0.5:5000",
        "n|http://10.0.0.5:5000|oci": "10.0.0.5:5000",
        "n|http://localhost:5000|oci": "http://localhost:5000",
        "n|http://registry:5000/p|oci": "registry:5000",
        "n|https://registry:5001|oci": "https://registry:5001",
    }.items():
        entry, error = parse_registry_string(text, named)
        asserts.equals(env, None, error, text)
        asserts.equals(env, host, entry.host, text)
    for text, word in {
        "n|http://other:5000|oci": "add it to plain_http",
        "n|http://registry:5001|oci": "add it to plain_http",
        "n|https://registry:5000|oci": "remove https://",
    }.items():
        entry, error = parse_registry_string(text, named)
        asserts.equals(env, None, entry, text)
        asserts.true(env, error.startswith("host: ") and word in error, error)
    for host in ["http://registry", "registry/path", "127.1", ""]:
        entries, error = parse_registry_strings([], plain_http = ["a", host])
        asserts.equals(env, None, entries)
        asserts.true(env, error.startswith("plain_http[1]: "), error)
    return unittest.end(env)

_plain_http_test = unittest.make(_plain_http_test_impl)

def _secrets_test_impl(ctx):
    env = unittest.begin(ctx)
    for text in LITERAL_SECRETS:
        entry, error = parse_registry_string(text)
        asserts.equals(env, None, entry, text)
        asserts.false(env, SECRET in error, "the error does not repeat the secret: " + error)
        _entries, error = parse_registry_strings([text])
        asserts.true(env, error.startswith("registries[0]"), error)
        asserts.false(env, SECRET in error, "the error of the list does not repeat the secret: " + error)
    _entry, error = parse_registry_string(LITERAL_SECRETS[0])
    asserts.true(env, "${VARIABLE}" in error, error)
    return unittest.end(env)

_secrets_test = unittest.make(_secrets_test_impl)

def _list_test_impl(ctx):
    env = unittest.begin(ctx)
    entries, error = parse_registry_strings(["a|localhost|oci", "b|ghcr.io|oci"], "b")
    asserts.equals(env, None, error)
    asserts.equals(env, ["a", "b"], [entry.name for entry in entries])
    for registries, default, words in [
        (["a|localhost|oci", "a|ghcr.io|oci"], "", ["registries[1]", "already used"]),
        (["a|localhost|oci"], "b", ["default_registry", "\"b\"", "a"]),
        (["a|localhost|oci", "b|x y|oci"], "", ["registries[1]", "\"b\"", "host: "]),
        (["m|localhost|mirror|b", "a|ghcr.io"], "", ["registries[0] (\"m\"): of: names no registry among the entries; write one of a"]),
        (["m|localhost|mirror|m"], "", ["registries[0] (\"m\"): of: ", "add the entry"]),
        (["d|/srv/x|layout", "m|localhost|mirror|d"], "", ["registries[1] (\"m\"): of: "]),
        (["a|ghcr.io", "m|localhost|mirror|a"], "m", ["default_registry: \"m\" is not among the registries (a); write the name of one"]),
        (["a|ghcr.io", "m|localhost|mirror|" + SECRET], "", ["registries[1] (\"m\"): of: names no registry"]),
    ]:
        entries, error = parse_registry_strings(registries, default)
        asserts.equals(env, None, entries)
        for word in words:
            asserts.true(env, word in error, "%r in %s" % (word, error))
        asserts.false(env, SECRET in error, error)
    return unittest.end(env)

_list_test = unittest.make(_list_test_impl)

def registry_strings_test_suite(name):
    unittest.suite(name, _entries_test, _plain_http_test, _secrets_test, _list_test)
