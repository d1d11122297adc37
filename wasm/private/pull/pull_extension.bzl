"""The module extension `wasm`: components that are pulled from registries, each pinned by its digest."""

load("//wasm/private/common:shown.bzl", "shown")
load(":pull_checks.bzl", "lock_error", "pull_error", "same_name_error")
load(":pull_repository.bzl", "pull_repository")

visibility(["//wasm"])

_DOC = """Makes a repository for each component that is pulled from a registry. In MODULE.bazel:

```starlark
oci_wasm = use_extension("@rules_wasm_oci//wasm:extensions.bzl", "wasm")
oci_wasm.pull(
    name = "hello",
    image = "ghcr.io/my-org/hello",
    lock = "//:wasm_oci.lock.json",
    public_keys = ["//:release.pub"],
    tag = "1.2.3",
)
use_repo(oci_wasm, "hello")
```

`bazel run @rules_wasm_oci//tools:update` then adds `digest`, once it has verified what the tag names, and writes the lock file. In BUILD
files `@hello//:hello` is the component: a file that exists only if its digests, its signature and the policy hold. Files that a tag names
must be visible, with `exports_files(["release.pub"])` in their package. See [pulling in Bazel](../pulling-in-bazel.md).
"""

_pull_tag = tag_class(
    doc = "Pulls one component. Give it a variable whose name begins with `oci`, as above: Renovate reads no others.",
    attrs = {
        "name": attr.string(
            doc = "Name of the repository, and of the target in it.",
            mandatory = True,
        ),
        "digest": attr.string(
            doc = "Digest of the manifest, `sha256:…`. It decides what is downloaded; without it the build fails, and shows what to write.",
        ),
        "image": attr.string(
            doc = "Where it is: `host/repository`. A host of this machine, such as `localhost:5000`, is reached over plain HTTP.",
            mandatory = True,
        ),
        "lock": attr.label(
            doc = "File, usually `//:wasm_oci.lock.json`, that `update` writes: the digests of the component and of what refers to it, and where " +
                  "its registry has tokens issued. Without it only an embedded signature is there to be verified, from a registry that asks for no " +
                  "token. Several tags may name one file.",
        ),
        "policy": attr.label(
            doc = "A policy in YAML or JSON that must allow it too, as `wasm_oci pull --policy` takes it. A file, not a target that makes one: " +
                  "`update` reads it without a build.",
        ),
        "public_keys": attr.label_list(
            doc = "Files of trusted public keys; the signature of one of them is enough, or of `threshold` of them. Give this or `trusted_keys`.",
        ),
        "tag": attr.string(
            doc = "The tag that `update` resolves, and that policies see. It decides nothing else.",
        ),
        "threshold": attr.int(
            doc = "How many different trusted keys must have signed; 1 or more.",
            default = 1,
        ),
        "trusted_keys": attr.label(
            doc = "A file that lists trusted keys, with names and dates, and revokes them, as `wasm_oci --trusted-keys` takes it, with the keys themselves: `public_key`, not `public_key_file`. A build lets no " +
                  "revoked key count, and ignores the dates, so that it does not fail by itself; `update` checks them.",
        ),
        "verify": attr.bool(
            doc = "False accepts whatever has the digest, whoever signed it. True, the default, needs `public_keys` or `trusted_keys`.",
            default = True,
        ),
    },
)

def _lock_entry(module_ctx, tag):
    """The entry of a tag in its lock file, {} without one; fails where it is of something else."""
    if not tag.lock or not tag.digest:
        return {}
    path = module_ctx.path(tag.lock)
    lock = json.decode(module_ctx.read(path), default = None) if path.exists else None
    error = lock_error(tag, lock, shown(tag.lock))
    if error:
        fail(error)
    return lock["components"][tag.name]

def _wasm_impl(module_ctx):
    modules = {}
    for module in module_ctx.modules:
        for tag in module.tags.pull:
            modules.setdefault(tag.name, []).append("" if module.is_root else module.name)
            error = pull_error(tag) or same_name_error(tag.name, modules[tag.name])
            if error:
                fail(error)
            entry = _lock_entry(module_ctx, tag)
            pull_repository(
                name = tag.name,
                component = entry.get("component", ""),
                digest = tag.digest,
                image = tag.image,
                policy = str(tag.policy) if tag.policy else "",
                public_keys = [str(key) for key in tag.public_keys],
                pulled_name = tag.name,
                referrers = entry.get("referrers", []),
                tag = tag.tag,
                threshold = tag.threshold,
                token_service = entry.get("token_service", ""),
                trusted_keys = str(tag.trusted_keys) if tag.trusted_keys else "",
                verify = tag.verify,
            )
    return module_ctx.extension_metadata(reproducible = True)

wasm = module_extension(
    implementation = _wasm_impl,
    doc = _DOC,
    tag_classes = {"pull": _pull_tag},
)
