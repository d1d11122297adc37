"""Tests of what is wrong with tags `oci_wasm.pull`, their entries in lock files and their manifests."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load(
    "//wasm/private/pull:pull_checks.bzl",
    "blobs_of",
    "component_of",
    "content_error",
    "image_error",
    "is_digest",
    "lock_error",
    "pull_error",
    "same_name_error",
    "split_reference",
    "unpinned_error",
)

_DIGEST = "sha256:" + "0a" * 32
_OTHER = "sha256:" + "1b" * 32

_IMAGES = ["ghcr.io/my-org/hello", "localhost:5000/hello", "localhost/a", "[::1]:5000/a/b", "docker.io/library/a"]
_NOT_IMAGES = {
    "": "names no repository",
    "docker.io/a": "write \"docker.io/NAMESPACE/a\"",
    "ghcr.io": "names no repository",
    "ghcr.io/Hello": "\"hello\"",
    "ghcr.io/hello:1": "in attributes of their own",
    "ghcr.io/hello@sha256:1": "in attributes of their own",
    "https://ghcr.io/hello": "has a scheme",
    "my-org/hello": "has no registry host",
    "user:pw@ghcr.io/hello": "credentials",
}

def _pull(**attributes):
    return struct(**({
        "digest": _DIGEST,
        "image": "ghcr.io/my-org/hello",
        "name": "hello",
        "policy": None,
        "public_keys": ["//:a.pub"],
        "tag": "1.0.0",
        "threshold": 1,
        "trusted_keys": None,
        "verify": True,
    } | attributes))

_GOOD_TAGS = [
    {},
    {"tag": ""},
    {"digest": ""},
    {"public_keys": [], "trusted_keys": "//:t.yaml"},
    {"policy": "//:p.yaml", "threshold": 2},
    {"public_keys": [], "verify": False},
]

_BAD_TAGS = {
    "digest = \"sha256:1\" is not a digest": {"digest": "sha256:1"},
    "digest = \"sha512:": {"digest": "sha512:" + "0" * 128},
    "give a tag": {"digest": "", "tag": ""},
    "give public_keys or trusted_keys, and not both": {"public_keys": []},
    "image = \"hello\"": {"image": "hello"},
    "nothing, but policy is given": {"policy": "//:p.yaml", "public_keys": [], "verify": False},
    "nothing, but public_keys and threshold is given": {"threshold": 2, "verify": False},
    "only verify = False accepts": {"trusted_keys": "//:t.yaml"},
    "tag = \"a b\" is not a tag": {"tag": "a b"},
    "threshold = 0 would trust anything": {"threshold": 0},
}

_ENTRY = {"component": _OTHER, "image": "ghcr.io/my-org/hello", "manifest": _DIGEST, "referrers": [_OTHER]}

def _lock(entry, **members):
    return {"components": {"hello": entry}, "version": 1} | members

_GOOD_LOCKS = [
    _lock(_ENTRY),
    _lock(_ENTRY | {"referrers": []}),
    _lock(_ENTRY | {"token_service": "https://ghcr.io/token?service=ghcr.io"}),
    _lock(_ENTRY | {"token_service": "http://localhost:5001/token"}),
]

_BAD_LOCKS = {
    "has an entry for it that is malformed": _lock(_ENTRY | {"referrers": ["sha256:../../x"]}),
    "has no entry for it": _lock(None),
    "has version 2": _lock(_ENTRY, version = 2),
    "is not there, or not a lock file": None,
    "is of another image: ghcr.io/other, not ghcr.io/my-org/hello": _lock(_ENTRY | {"image": "ghcr.io/other"}),
    "is of another manifest": _lock(_ENTRY | {"manifest": _OTHER}),
    "names a token service that is not https": _lock(_ENTRY | {"token_service": "http://tokens.example.com"}),
}

_MANIFEST = {"config": {"digest": _DIGEST}, "layers": [{"digest": _OTHER, "mediaType": "application/wasm"}]}

def _tags_test_impl(ctx):
    env = unittest.begin(ctx)
    for image in _IMAGES:
        asserts.equals(env, None, image_error(image), image)
    for image, words in _NOT_IMAGES.items():
        asserts.true(env, words in (image_error(image) or ""), "{}: {}".format(image, image_error(image)))
    for attributes in _GOOD_TAGS:
        asserts.equals(env, None, pull_error(_pull(**attributes)))
    for words, attributes in _BAD_TAGS.items():
        error = pull_error(_pull(**attributes)) or ""
        asserts.true(env, words in error, "{}: {}".format(words, error))
        asserts.true(env, error.startswith("oci_wasm.pull(name = \"hello\"): "), error)
    asserts.equals(env, None, same_name_error("hello", [""]))
    asserts.equals(
        env,
        "oci_wasm.pull(name = \"hello\"): 2 tags have this name, of the root module and other; give each another name",
        same_name_error("hello", ["", "other"]),
    )
    asserts.true(env, is_digest(_DIGEST))
    for text in ["sha256:" + "0A" * 32, "sha256:" + "0" * 63, "0" * 64, "sha256:" + "/" * 64]:
        asserts.false(env, is_digest(text), text)
    for reference, parts in {
        "h.io/a": ("h.io/a", "", ""),
        "h.io/a:1": ("h.io/a", "1", ""),
        "h.io/a:1@" + _DIGEST: ("h.io/a", "1", _DIGEST),
        "h:80/a": ("h:80/a", "", ""),
        "h:80/a@" + _DIGEST: ("h:80/a", "", _DIGEST),
    }.items():
        found = split_reference(reference)
        asserts.equals(env, parts, (found.image, found.tag, found.digest))
    return unittest.end(env)

def _pins_test_impl(ctx):
    env = unittest.begin(ctx)
    for lock in _GOOD_LOCKS:
        asserts.equals(env, None, lock_error(_pull(), lock, "//:lock.json"))
    for words, lock in _BAD_LOCKS.items():
        error = lock_error(_pull(), lock, "//:lock.json") or ""
        asserts.true(env, words in error and error.endswith("; run `bazel run @rules_wasm_oci//tools:update`"), error)
    for lock in [[], {}, {"components": [], "version": 1}]:
        asserts.true(env, "not a lock file" in lock_error(_pull(), lock, "//:lock.json"))
    for entry in [{"referrers": {}}, {"referrers": [1]}, {"component": None}, {"component": "sha256:1"}]:
        asserts.true(env, "malformed" in lock_error(_pull(), _lock(_ENTRY | entry), "//:lock.json"), str(entry))
    asserts.equals(env, None, content_error(_pull(), _OTHER, _OTHER))
    asserts.equals(env, None, content_error(_pull(), _OTHER, ""))
    asserts.true(env, "and the lock file" in content_error(_pull(), _OTHER, _DIGEST))
    asserts.true(env, "    digest = \"{}\",".format(_DIGEST) in unpinned_error(_pull(), _DIGEST))
    asserts.true(env, "cannot be read here" in unpinned_error(_pull(), ""))
    return unittest.end(env)

def _manifests_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, [_DIGEST, _OTHER], blobs_of(_MANIFEST).digests)
    asserts.equals(env, _OTHER, component_of(_MANIFEST).digest)
    for document in [None, [], {}, {"layers": []}, {"config": {}, "layers": {}}, _MANIFEST | {"config": 1}, _MANIFEST | {"layers": [1]}]:
        asserts.true(env, "not an image manifest" in blobs_of(document).error, str(document))
    for digest in [None, "sha256:../../x", "sha512:" + "0" * 128]:
        asserts.true(env, "is not a digest that can be downloaded" in blobs_of(_MANIFEST | {"config": {"digest": digest}}).error)
    for layers, count in [([], 0), (_MANIFEST["layers"] * 2, 2)]:
        asserts.true(env, "it has {} layers".format(count) in component_of(_MANIFEST | {"layers": layers}).error)
    return unittest.end(env)

_tags_test = unittest.make(_tags_test_impl)
_pins_test = unittest.make(_pins_test_impl)
_manifests_test = unittest.make(_manifests_test_impl)

def pull_checks_test_suite(name):
    unittest.suite(name, _tags_test, _pins_test, _manifests_test)
