"""Tests of the parser of registry strings: every form, every refusal, and that no refusal repeats a secret."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//wasm/private/publish:registry_strings.bzl", "parse_registry_string", "parse_registry_strings")

# Text to the fields that it must give.
_GOOD = {
    "docker|docker.io|oci|basic|me|${DOCKER_TOKEN}": {"kind": "basic", "password_variable": "DOCKER_TOKEN", "username": "me"},
    "env|ghcr.io|oci|env|GITHUB_TOKEN": {"kind": "env", "variable": "GITHUB_TOKEN"},
    "env|ghcr.io|oci|env|GITHUB_TOKEN|me": {"kind": "env", "username": "me", "variable": "GITHUB_TOKEN"},
    "gh|ghcr.io/my-org|oci|token|${GITHUB_TOKEN}": {"host": "ghcr.io", "kind": "token", "prefix": "my-org", "variable": "GITHUB_TOKEN"},
    "local|localhost:5000|oci": {"host": "localhost:5000", "kind": "default", "name": "local", "prefix": "", "type": "oci"},
    "short|ghcr.io/my-org": {"host": "ghcr.io", "kind": "default", "name": "short", "prefix": "my-org", "type": "oci"},
    "local|localhost:5000|oci|anonymous": {"kind": "anonymous"},
    "local|localhost:5000|oci|docker": {"kind": "docker"},
    "o|example.com|oci|oauth|${ID}|${SECRET}": {"id_variable": "ID", "kind": "oauth", "secret_variable": "SECRET"},
    "https|https://localhost:5000|oci": {"host": "https://localhost:5000"},
    "http|http://localhost:5000/p|oci": {"host": "http://localhost:5000", "prefix": "p"},
    "out|/var/out|layout": {"host": "", "path": "/var/out", "type": "layout"},
    "out|C:\\out|layout": {"path": "C:\\out", "type": "layout"},
}

# Text to the field that the error must name.
_BAD = {
    "": "name: ",
    "a b|localhost|oci": "name: ",
    "n": "host: missing",
    "n|/x": "host: \"/x\" is a folder; write \"n|/x|layout\"",
    "n|/x|layout|docker": "auth: ",
    "n|HOST!|oci": "host: ",
    "n|ghcr.io/Upper|oci": "host: ",
    "n|ghcr.io/|oci": "host: \"ghcr.io/\" ends with '/'; write \"ghcr.io\"",
    "n|https://ghcr.io/my-org/|oci": "host: \"https://ghcr.io/my-org/\" ends with '/'; write \"https://ghcr.io/my-org\"",
    "n|https://ghcr.io/|oci": "host: \"https://ghcr.io/\" ends with '/'; write \"https://ghcr.io\"",
    "n|ftp://ghcr.io|oci": "host: ",
    "n|myregistry|oci": "host: ",
    "n|http://ghcr.io|oci": "host: ",
    "n|localhost|oci|": "auth: ",
    "n|localhost|oci|basic|u": "auth: ",
    "n|localhost|oci|docker|x": "auth: ",
    "n|localhost|oci|env|${NAME}": "auth: ",
    "n|localhost|oci|magic": "auth: unknown kind \"magic\"; use one of anonymous",
    "n|localhost|oci|oauth|${A}": "auth: ",
    "n|localhost|oci|token": "auth: ",
    "n|localhost|oci|token|abc": "auth: token is a literal value (not shown); ",
    "n|localhost|oci|token|${A B}": "auth: token: the text in ${} is not the name of a variable, or looks like a secret (not shown); ",
    "n|localhost|docker": "type: unknown type \"docker\"; use one of oci, layout",
    "n|localhost|s3": "type: unknown type \"s3\"; use one of oci, layout",
    "n|localhost |oci": "host: ",
    "n|relative|layout": "host: ",
    "n||oci": "host: ",
}
_SECRET = "hunter2secret"
_LITERALS = [
    "n|ghcr.io|oci|token|" + _SECRET,
    "n|ghcr.io|oci|basic|me|" + _SECRET,
    "n|ghcr.io|oci|oauth|${ID}|" + _SECRET,
    "n|ghcr.io|oci|oauth|" + _SECRET + "|${S}",
    "n|ghcr.io|oci|env|ghp_" + _SECRET,
    "n|ghcr.io|oci|env|npm_" + _SECRET,
    "n|ghcr.io|oci|env|" + _SECRET + "0a1b2c3d4e5f6a7b8c9d",
    "n|ghcr.io|oci|token|${dop_v1_" + _SECRET + "}",
    "n|ghcr.io|oci|basic|me|${AKCp8" + _SECRET + "}",
    "n|ghcr.io|oci|basic|ghp_" + _SECRET + "|${PASSWORD}",
    "n|ghcr.io|oci|oauth|${ID}|${sk_live_" + _SECRET + "}",
    "n|ghcr.io|oci|" + _SECRET,
    "n|ghcr.io|oci|token|${" + _SECRET + "-}",
    "n|ghcr.io|" + _SECRET,
    "n|ghcr.io|oci|" + _SECRET.upper(),
    "n|ftp://me:" + _SECRET + "@ghcr.io|oci",
    "n|https://me:" + _SECRET + "@ghcr.io|oci",
    "n|me:" + _SECRET + "@ghcr.io|oci",
    _SECRET,
    _SECRET + "!",
]

def _value_of(entry, field):
    return getattr(entry, field) if hasattr(entry, field) else getattr(entry.auth, field)

def _entries_test_impl(ctx):
    env = unittest.begin(ctx)
    for text, fields in _GOOD.items():
        entry, error = parse_registry_string(text)
        asserts.equals(env, None, error, text)
        for field, value in fields.items():
            asserts.equals(env, value, _value_of(entry, field), "%s of %s" % (field, text))
    for text, start in _BAD.items():
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
    for text in _LITERALS:
        entry, error = parse_registry_string(text)
        asserts.equals(env, None, entry, text)
        asserts.false(env, _SECRET in error, "the error does not repeat the secret: " + error)
        _entries, error = parse_registry_strings([text])
        asserts.true(env, error.startswith("registries[0]"), error)
        asserts.false(env, _SECRET in error, "the error of the list does not repeat the secret: " + error)
    _entry, error = parse_registry_string(_LITERALS[0])
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
    ]:
        entries, error = parse_registry_strings(registries, default)
        asserts.equals(env, None, entries)
        for word in words:
            asserts.true(env, word in error, "%r in %s" % (word, error))
    return unittest.end(env)

_list_test = unittest.make(_list_test_impl)

def registry_strings_test_suite(name):
    unittest.suite(name, _entries_test, _plain_http_test, _secrets_test, _list_test)
