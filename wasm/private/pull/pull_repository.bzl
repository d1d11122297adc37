"""The repository of a pulled component: what was downloaded, as an OCI layout, and the target that verifies it.

Distribution specification 1.1, "Pulling manifests" and "Pulling blobs"; token authentication as Docker's registry describes it.
"""

load("//wasm/private/common:image_ref.bzl", "is_loopback")
load(":pull_checks.bzl", "api_host", "blobs_of", "component_of", "content_error", "split_image", "unpinned_error")

visibility(["//wasm/private/pull"])

_ACCEPT = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]

_BUILD = """load("{defs}", "pulled_component")

pulled_component(
    name = {name},
    digest = {digest},
    image = {image},
    layout = glob(["layout/**"]),
    marker = "layout/oci-layout",
    policy = {policy},
    public_keys = {public_keys},
    tag = {tag},
    threshold = {threshold},
    trusted_keys = {trusted_keys},
    verify = {verify},
    visibility = ["//visibility:public"],
)
"""

_ATTRS = {
    "component": attr.string(doc = "Digest of the component that the lock file names; empty without one.", default = ""),
    "digest": attr.string(doc = "Digest of the manifest."),
    "image": attr.string(doc = "`host/repository`.", mandatory = True),
    "policy": attr.string(doc = "Canonical label, or empty."),
    "public_keys": attr.string_list(doc = "Canonical labels."),
    "pulled_name": attr.string(doc = "Name of the repository as the module wrote it, and of the target.", mandatory = True),
    "referrers": attr.string_list(doc = "Digests of the manifests that refer to it and belong to the pin."),
    "tag": attr.string(doc = "What the user calls the digest."),
    "threshold": attr.int(doc = "How many keys must have signed."),
    "token_service": attr.string(doc = "Where the registry has tokens issued, without the scope; empty where it needs none."),
    "trusted_keys": attr.string(doc = "Canonical label, or empty."),
    "verify": attr.bool(doc = "Whether signatures and policy are checked."),
}

def _token(rctx, host):
    """Has a token issued to nobody in particular; Bazel's credential helper knows who somebody is."""
    service = rctx.attr.token_service
    _, repository = split_image(rctx.attr.image)
    url = "{}{}scope=repository:{}:pull".format(service, "&" if "?" in service else "?", repository)
    done = rctx.download(url, output = "token.json", allow_fail = True)
    document = json.decode(rctx.read("token.json"), default = {}) if done.success else {}
    rctx.delete("token.json")
    token = document.get("token") or document.get("access_token") if type(document) == "dict" else None
    if not token:
        fail("oci_wasm.pull(name = {}): {} issued no token for {}; give Bazel a --credential_helper for {}".format(
            repr(rctx.attr.pulled_name),
            service,
            rctx.attr.image,
            host,
        ))
    return token

def _download(rctx, session, path, output, **options):
    """Downloads from the registry: first as Bazel does by itself, with its cache and credential helper, then with a token.

    Args:
        rctx: context of the repository rule.
        session: dict, which keeps the token.
        path: string, what follows the repository in the URL.
        output: string, path of the file.
        **options: further arguments of `rctx.download`.

    Returns:
        What `rctx.download` returns.
    """
    host, repository = split_image(rctx.attr.image)
    host = api_host(host)
    url = "{}://{}/v2/{}/{}".format("http" if is_loopback(host) else "https", host, repository, path)
    headers = {"Accept": _ACCEPT}
    if rctx.attr.token_service and not session.get("token"):
        done = rctx.download(url, output = output, headers = headers, **(options | {"allow_fail": True}))
        if done.success:
            return done
        session["token"] = _token(rctx, host)
    auth = {}
    if session.get("token"):
        auth = {url: {"password": session["token"], "pattern": "Bearer <password>", "type": "pattern"}}
    return rctx.download(url, output = output, headers = headers, auth = auth, **options)

def _fetch(rctx, session, kind, digest):
    """Downloads a manifest or blob into the layout, once, and returns its path."""
    path = "layout/blobs/" + digest.replace(":", "/")
    if not rctx.path(path).exists:
        _download(rctx, session, "{}/{}".format(kind, digest), path, sha256 = digest.removeprefix("sha256:"))
    return path

def _fetch_manifest(rctx, session, digest):
    """Downloads a manifest with what it is made of.

    Args:
        rctx: context of the repository rule.
        session: dict, which keeps the token.
        digest: string, of the manifest.

    Returns:
        struct(document, entry): entry is what the index of the layout says of it
    """
    data = rctx.read(_fetch(rctx, session, "manifests", digest))
    document = json.decode(data, default = None)
    blobs = blobs_of(document)
    if blobs.error:
        _fail_at(rctx, digest, blobs.error)
    return struct(
        blobs = blobs.digests,
        document = document,
        entry = {"digest": digest, "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": len(data)},
    )

def _fail_at(rctx, digest, error):
    fail("oci_wasm.pull(name = {}): {}@{}: {}".format(repr(rctx.attr.pulled_name), rctx.attr.image, digest, error))

def _fetch_blobs(rctx, session, manifest):
    for digest in manifest.blobs:
        _fetch(rctx, session, "blobs", digest)

def _fail_unpinned(rctx, session):
    done = _download(rctx, session, "manifests/" + rctx.attr.tag, "unpinned.json", allow_fail = True)
    rctx.delete("unpinned.json")
    fail(unpinned_error(struct(image = rctx.attr.image, name = rctx.attr.pulled_name, tag = rctx.attr.tag), "sha256:" + done.sha256 if done.success else ""))

def _pull_repository_impl(rctx):
    session = {}
    if not rctx.attr.digest:
        _fail_unpinned(rctx, session)
    manifest = _fetch_manifest(rctx, session, rctx.attr.digest)
    component = component_of(manifest.document)
    if component.error:
        _fail_at(rctx, rctx.attr.digest, component.error)
    error = content_error(struct(name = rctx.attr.pulled_name), component.digest, rctx.attr.component)
    if error:
        fail(error)
    _fetch_blobs(rctx, session, manifest)
    entries = [manifest.entry]
    for digest in rctx.attr.referrers:
        referrer = _fetch_manifest(rctx, session, digest)
        _fetch_blobs(rctx, session, referrer)
        entries.append(referrer.entry)
    rctx.file("layout/index.json", json.encode({
        "manifests": entries,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "schemaVersion": 2,
    }))
    rctx.file("layout/oci-layout", json.encode({"imageLayoutVersion": "1.0.0"}))
    rctx.file("BUILD.bazel", _BUILD.format(
        name = repr(rctx.attr.pulled_name),
        defs = str(Label(":pulled_component.bzl")),
        digest = repr(rctx.attr.digest),
        image = repr(rctx.attr.image),
        policy = repr(rctx.attr.policy or None),
        public_keys = repr(rctx.attr.public_keys),
        tag = repr(rctx.attr.tag),
        threshold = rctx.attr.threshold,
        trusted_keys = repr(rctx.attr.trusted_keys or None),
        verify = rctx.attr.verify,
    ))

    # What is named by its digest is the same tomorrow: newer Bazel may share it between workspaces.
    return rctx.repo_metadata(reproducible = True) if hasattr(rctx, "repo_metadata") else None

pull_repository = repository_rule(
    implementation = _pull_repository_impl,
    doc = "Downloads a component and what refers to it, each by its digest.",
    attrs = _ATTRS,
)
