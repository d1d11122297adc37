"""Tests of the grammar of references: tables of what is taken and what is refused, with a word of each error."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//tests/testdata:hosts.bzl", "HOSTS")
load("//tests/testdata:package_names.bzl", "NOT_PACKAGES", "PACKAGE_PATHS")
load(
    "//wasm/private/common:image_ref.bzl",
    "entry_name_error",
    "host_error",
    "is_loopback",
    "is_named",
    "looks_like_host",
    "package_path",
    "reference_error",
    "registry_error",
    "repository_error",
    "repository_of",
    "tag_error",
)

_HOSTS = ["localhost", "localhost:5000", "ghcr.io", "127.0.0.1:80", "[::1]:5000", "[fe80::1]", "my-registry.example:65535"]
_NOT_HOSTS = {
    "": "not a host",
    "-a.io": "not a host",
    "[::1": "not a host",
    "[:::1]": "not a host",
    "a..b": "not a host",
    "host:0": "not a host",
    "host:65536": "not a host",
    "host:port": "not a host",
    "https://ghcr.io/v2": "scheme",
    "user:pw@ghcr.io": "credentials",
}
_REPOSITORIES = ["a", "library/hello", "a/b/c", "a.b_c__d-e---f/1"]
_NOT_REPOSITORIES = {
    "": "not a repository",
    "Hello": "\"hello\"",
    "a" * 256: "255 is the most",
    "a ": "not a repository",
    "a..b": "not a repository",
    "a.-b": "not a repository",
    "a//b": "not a repository",
    "/a": "begins or ends with '/'; write \"a\"",
    "a/": "begins or ends with '/'; write \"a\"",
    "a___b": "not a repository",
    "a_": "not a repository",
}
_TAGS = ["latest", "v1.0.0", "1", "_x", "A-b.c_d", "a" * 128]
_NOT_TAGS = {
    "": "not a tag",
    "-a": "not a tag",
    ".a": "not a tag",
    "1.0.0+build": "'+'",
    "a b": "not a tag",
    "a" * 129: "128 is the most",
    "a/b": "not a tag",
}

def _table_test_impl(ctx):
    env = unittest.begin(ctx)
    for check, good, bad in [
        (host_error, _HOSTS, _NOT_HOSTS),
        (repository_error, _REPOSITORIES, _NOT_REPOSITORIES),
        (tag_error, _TAGS, _NOT_TAGS),
        (entry_name_error, ["github", "a.b-c_d", "1"], {"": "not a name", "-a": "not a name", "a b": "not a name"}),
        (registry_error, ["github", "localhost:5000", "ghcr.io"], {"ghcr.io/my-org": "holds a path", "x y": "not a host"}),
    ]:
        for text in good:
            asserts.equals(env, None, check(text), "%r is taken" % text)
        for text, word in bad.items():
            asserts.true(env, word in (check(text) or ""), "%r is refused with %r: %s" % (text, word, check(text)))
    return unittest.end(env)

_table_test = unittest.make(_table_test_impl)

def _reference_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, None, reference_error("localhost:5000", "", "hello", "latest"))
    for parts, attribute in [
        (("x y", "n", "p", "t"), "registry: "),
        (("ghcr.io", "N", "p", "t"), "namespace: "),
        (("ghcr.io", "n", "P", "t"), "package_name: "),
        (("ghcr.io", "n", "p", "+"), "tag: "),
        (("ghcr.io", "n" * 200, "p" * 100, "t"), "namespace: "),
    ]:
        error = reference_error(*parts)
        asserts.true(env, (error or "").startswith(attribute), "%s names %s: %s" % (parts, attribute, error))
    for check in (host_error, registry_error):
        error = check("https://me:hunter2secret@ghcr.io")
        asserts.true(env, "credentials" in error and "hunter2secret" not in error, error)
    asserts.equals(env, "a/b", repository_of("a", "b"))
    asserts.equals(env, "b", repository_of("", "b"))
    for package, path in PACKAGE_PATHS.items():
        asserts.equals(env, path, package_path(package))
        asserts.equals(env, None, repository_error(path))
    for package in NOT_PACKAGES:
        asserts.true(env, repository_error(package_path(package)) != None, package)
    asserts.true(env, looks_like_host("localhost"))
    asserts.true(env, looks_like_host("host:5000"))
    asserts.false(env, looks_like_host("github"))
    return unittest.end(env)

_reference_test = unittest.make(_reference_test_impl)

def _hosts_test_impl(ctx):
    env = unittest.begin(ctx)
    for host in HOSTS["loopback"] + HOSTS["elsewhere"]:
        asserts.equals(env, None, host_error(host), host)
        asserts.equals(env, host in HOSTS["loopback"], is_loopback(host), host)
    for host in HOSTS["not_hosts"]:
        asserts.true(env, host_error(host) != None, host)
    for host in ["[::1:0]", "[::2]:1", "[0:0:0:0:0:0:1:1]:80"]:
        asserts.false(env, is_loopback(host), host)
    for host in ["registry:5000", "REGISTRY:5000", "other:1", "[::2]:80"]:
        asserts.true(env, is_named(host, ["Registry:5000", "other", "[::2]"]), host)
    for host in ["registry", "registry:5001", "a.other", "[::3]:80"]:
        asserts.false(env, is_named(host, ["registry:5000", "other", "[::2]"]), host)
    return unittest.end(env)

_hosts_test = unittest.make(_hosts_test_impl)

def image_ref_test_suite(name):
    unittest.suite(name, _table_test, _reference_test, _hosts_test)
