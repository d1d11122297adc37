"""Pure functions that check a tag `oci_wasm.pull` and its entry in the lock file; each returns the text of an error, or None."""

load("//wasm/private/common:image_ref.bzl", "host_error", "repository_error", "tag_error")

visibility([
    "//tests/starlark",
    "//wasm/private/pull",
])

LOCK_VERSION = 1

UPDATE = "bazel run @rules_wasm_oci//tools:update"

_ALGORITHM = "sha256:"
_HEX = "0123456789abcdef"
_DOCKER_HUB = ["docker.io", "index.docker.io", "registry-1.docker.io"]

def is_digest(text):
    """Whether a text is a SHA-256 digest, so that what follows the colon can be the name of a file."""
    digits = text.removeprefix(_ALGORITHM)
    return text.startswith(_ALGORITHM) and len(digits) == 64 and not digits.strip(_HEX)

def split_image(image):
    """The host and the repository of an image."""
    host, _, repository = image.partition("/")
    return host, repository

def split_reference(reference):
    """The parts of `host/repository:tag@digest`: struct(image, tag, digest), each empty where it is missing."""
    name, _, digest = reference.partition("@")
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        return struct(digest = digest, image = name, tag = "")
    return struct(digest = digest, image = path, tag = tag)

def api_host(host):
    """The host that answers for a registry; Docker Hub's differs from its name."""
    return "registry-1.docker.io" if host in _DOCKER_HUB else host

def image_error(image):
    """Checks `image`.

    Args:
        image: string, `host/repository`.

    Returns:
        What is wrong and how to write it, or None.
    """
    host, repository = split_image(image)
    if not repository:
        return "{} names no repository; write host/repository, such as \"ghcr.io/my-org/hello\"".format(repr(image))
    if "://" in image:
        return "{} has a scheme; write host/repository, such as \"ghcr.io/my-org/hello\"".format(repr(image))
    if ("." not in host and ":" not in host and host != "localhost") or host_error(host):
        return host_error(host) or "{} has no registry host; Docker Hub's is docker.io".format(repr(image))
    if "@" in repository or ":" in repository:
        return "{} has a tag or digest; write them in attributes of their own, tag and digest".format(repr(image))
    if host in _DOCKER_HUB and "/" not in repository:
        return "{} has no namespace; write \"docker.io/NAMESPACE/{}\"".format(repr(image), repository)
    return repository_error(repository)

def _trust_error(pull):
    keys = [name for name in ["public_keys", "trusted_keys"] if getattr(pull, name)]
    if pull.verify:
        if len(keys) != 1:
            return "give public_keys or trusted_keys, and not both; only verify = False accepts a component that nobody verified"
        if pull.threshold < 1:
            return "threshold = {} would trust anything; write 1 or more".format(pull.threshold)
        return None
    given = keys + (["policy"] if pull.policy else []) + (["threshold"] if pull.threshold != 1 else [])
    if given:
        return "verify = False verifies nothing, but {} is given; remove one of them".format(" and ".join(given))
    return None

def pull_error(pull):
    """Checks the attributes of a tag.

    Args:
        pull: struct with the attributes of the tag class.

    Returns:
        `oci_wasm.pull: attribute: what is wrong and how to write it`, or None.
    """
    error = image_error(pull.image)
    if error:
        return _of(pull, "image = " + error)
    error = tag_error(pull.tag) if pull.tag else None
    if error:
        return _of(pull, "tag = " + error)
    if pull.digest and not is_digest(pull.digest):
        return _of(pull, "digest = {} is not a digest; write sha256: and 64 hexadecimal digits".format(repr(pull.digest)))
    if not pull.tag and not pull.digest:
        return _of(pull, "give a tag, and run `{}`, which writes the digest".format(UPDATE))
    error = _trust_error(pull)
    return _of(pull, error) if error else None

def same_name_error(name, modules):
    """The error for tags of one name.

    Args:
        name: string, the name of a repository.
        modules: list of string, names of the modules that have such a tag.

    Returns:
        What is wrong, or None.
    """
    if len(modules) < 2:
        return None
    return "oci_wasm.pull(name = {}): {} tags have this name, of {}; give each another name".format(
        repr(name),
        len(modules),
        " and ".join([module or "the root module" for module in modules]),
    )

def lock_error(pull, lock, where):
    """Checks that the lock file is of what the tag pins.

    Args:
        pull: struct with `name`, `image` and `digest`.
        lock: the document, or None where the file is absent or not JSON.
        where: string, the label of the file.

    Returns:
        What is wrong and what to do, or None.
    """
    remedy = "; run `{}`".format(UPDATE)
    if type(lock) != "dict" or type(lock.get("components")) != "dict":
        return _of(pull, "lock = {} is not there, or not a lock file{}".format(where, remedy))
    if lock.get("version") != LOCK_VERSION:
        return _of(pull, "lock = {} has version {}, and this release reads {}{}".format(where, lock.get("version"), LOCK_VERSION, remedy))
    entry = lock["components"].get(pull.name)
    if type(entry) != "dict":
        return _of(pull, "lock = {} has no entry for it{}".format(where, remedy))
    for member, value in {"image": pull.image, "manifest": pull.digest}.items():
        if entry.get(member) != value:
            return _of(pull, "lock = {} is of another {}: {}, not {}{}".format(where, member, entry.get(member), value, remedy))
    digests = entry.get("referrers")
    if type(digests) != "list" or [each for each in digests + [entry.get("component")] if type(each) != "string" or not is_digest(each)]:
        return _of(pull, "lock = {} has an entry for it that is malformed{}".format(where, remedy))
    service = entry.get("token_service", "")
    if type(service) != "string" or (service and not service.startswith(("https://", "http://localhost:", "http://127.", "http://[::1]:"))):
        return _of(pull, "lock = {} names a token service that is not https{}".format(where, remedy))
    return None

def content_error(pull, content, expected):
    """The error for a component that is not the one of the lock file, or None; `expected` is empty without one."""
    if expected in ("", content):
        return None
    return _of(pull, "its manifest has component {}, and the lock file {}; run `{}`".format(content, expected, UPDATE))

def unpinned_error(pull, digest):
    """What to write for a tag without a digest.

    Args:
        pull: struct with `name`, `image` and `tag`.
        digest: string, what the tag names now; empty where the registry did not say.

    Returns:
        string
    """
    text = "{}:{} has no digest, and a tag may move".format(pull.image, pull.tag)
    if digest:
        return _of(pull, text + "; the tag names this now, which nobody verified yet. Add it:\n    digest = \"{}\",\nor run `{}`, which verifies it first".format(digest, UPDATE))
    return _of(pull, text + "; what it names cannot be read here. Run `{}`, which adds\n    digest = \"sha256:…\",".format(UPDATE))

_NOT_A_MANIFEST = "it is not an image manifest; name the manifest of one component by its digest"

def blobs_of(manifest):
    """Finds what an image manifest is made of.

    Args:
        manifest: the document, or None for what is not JSON.

    Returns:
        struct(digests, error): the digests of the config and of the layers, or what is wrong
    """
    if type(manifest) != "dict" or type(manifest.get("layers")) != "list":
        return struct(digests = [], error = _NOT_A_MANIFEST)
    parts = [manifest.get("config")] + manifest["layers"]
    if [each for each in parts if type(each) != "dict"]:
        return struct(digests = [], error = _NOT_A_MANIFEST)
    digests = [each.get("digest") for each in parts]
    for digest in digests:
        if type(digest) != "string" or not is_digest(digest):
            return struct(digests = [], error = "{} is not a digest that can be downloaded; publish it with SHA-256 digests".format(repr(digest)))
    return struct(digests = digests, error = None)

def component_of(manifest):
    """Finds the component of a manifest that `blobs_of` takes; returns struct(digest, error)."""
    found = [layer["digest"] for layer in manifest["layers"] if layer.get("mediaType") == "application/wasm"]
    if len(found) != 1:
        what = "it has {} layers of type application/wasm, not one; name an artifact with one component".format(len(found))
        return struct(digest = "", error = what)
    return struct(digest = found[0], error = None)

def _of(pull, text):
    """The text with the tag that it is about."""
    return "oci_wasm.pull(name = {}): {}".format(repr(pull.name), text)
