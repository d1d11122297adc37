"""`wasm_keygen` and `ssh_keygen`: key pairs for development, made by the build."""

load("//wasm/private/common:attr_checks.bzl", "check_one_line")
load("//wasm/private/common:macro_attrs.bzl", "check_attributes")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target")
load("//wasm/private/common:shown.bzl", "shown_target")
load("//wasm/private/common:tool_action.bzl", "SECRET_REQUIREMENTS", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")

visibility(["//wasm/..."])

_DOC = """Makes an Ed25519 key pair in a build action: for development only.

The pair is random, so it differs between two output bases and changes when it is regenerated. The action runs on this
machine, and neither key reaches a remote or a disk cache. Real keys belong outside the build: `bazel run` of the target,
with `-- --output-dir DIR`, writes another pair to a folder of yours, and overwrites nothing.
"""

# Bazel makes every file that is an output readable by all, but it follows no links. So the secret is a link to a file beside
# it, which a sandbox would not keep.
_REQUIREMENTS = SECRET_REQUIREMENTS | {"no-sandbox": ""}

_ATTRS = {
    "comment": attr.string(doc = "Comment inside the key files; OpenSSH format only."),
    "key_format": attr.string(
        doc = "Format of both files: \"compact\" (wasmsign2's own) or \"openssh\" (unencrypted).",
        mandatory = True,
        values = ["compact", "openssh"],
    ),
    "key_type": attr.string(
        doc = "Kind of key; only \"ed25519\" signs WebAssembly.",
        default = "ed25519",
    ),
    "public_key": attr.output(
        doc = "The public key's file.",
        mandatory = True,
    ),
    "secret_key": attr.output(
        doc = "The secret key's file; not a default output.",
        mandatory = True,
    ),
} | TOOL_ATTRS | RUN_TARGET_ATTRS

def _key_pair_impl(ctx):
    if ctx.attr.key_type != "ed25519":
        fail("{}: key_type = \"{}\" cannot sign WebAssembly; write key_type = \"ed25519\" or leave it out".format(
            shown_target(ctx),
            ctx.attr.key_type,
        ))
    check_one_line(ctx, "comment", "write one line")
    public_key = ctx.outputs.public_key
    secret_key = ctx.outputs.secret_key

    args = params_file_args(ctx, "keygen")
    args.add(secret_key, format = "--secret-key=%s")
    args.add(public_key, format = "--public-key=%s")
    args.add(ctx.attr.key_format, format = "--format=%s")
    args.add("--behind-link")
    if ctx.attr.comment:
        args.add(ctx.attr.comment, format = "--comment=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {},
        outputs = [secret_key, public_key],
        mnemonic = "WasmKeygen",
        progress = "Making a development key pair",
        execution_requirements = _REQUIREMENTS,
        worker = False,  # a sandboxed one would lose the file behind the link too
    )
    return make_run_target(
        ctx,
        command = "keygen",
        default_files = [public_key],
        files = [],
        request = {
            "comment": ctx.attr.comment,
            "format": ctx.attr.key_format,
            "public_key": public_key.basename,
            "schema_version": 1,
            "secret_key": secret_key.basename,
        },
    ).providers + [WasmKeyInfo(
        development = True,
        key_format = ctx.attr.key_format,
        label = ctx.label,
        public_key = public_key,
        secret_key = secret_key,
    )]

_key_pair = rule(
    implementation = _key_pair_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
    provides = [WasmKeyInfo],
)

def wasm_keygen(name, public_key_name = "key.public", secret_key_name = "key.secret", openssh_format = False, **kwargs):
    """Makes an Ed25519 key pair for development: `<name>/<public_key_name>` and `<name>/<secret_key_name>`.

    Both files have labels. Only the public key is a default output. The pair is random and made once per output base, and the
    secret file can be read by its owner only. `bazel run :<name> -- --output-dir DIR` writes another pair of files of these
    names to DIR, for use outside the build; existing files are not overwritten.

    Each configuration of a build has a key pair of its own: a publish target that another rule runs as a tool (`cfg = "exec"`) or that is
    built with `-c opt` signs with another key, so the digest differs. A new version of the programs generates new keys too. Use a
    `wasm_signing_key` where all builds must sign with one key.

    The target can be run, so `$(location :<name>)` is its launcher; for a key write the file's label,
    `$(location :<name>/<public_key_name>)`. The secret file is a link to a hidden file beside it, because Bazel makes outputs
    readable by all, but follows no links. A sandbox would lose that file, so the action needs the local strategy: where only
    sandboxed or remote ones are allowed, add `--strategy=WasmKeygen=local`.

    Args:
        name: Name of the target, and of the folder of the two files.
        public_key_name: File name of the public key.
        secret_key_name: File name of the secret key.
        openssh_format: True writes unencrypted OpenSSH keys, False (the default) wasmsign2's compact format.
        **kwargs: Attributes that every rule has, such as `visibility` and `tags`.
    """
    check_attributes(name, "wasm_keygen", kwargs, ["openssh_format", "public_key_name", "secret_key_name"])
    _key_pair(
        name = name,
        key_format = "openssh" if openssh_format else "compact",
        public_key = "{}/{}".format(name, public_key_name),
        secret_key = "{}/{}".format(name, secret_key_name),
        **kwargs
    )

def ssh_keygen(
        name,
        private_key_name = "id_ed25519",
        public_key_name = "id_ed25519.pub",
        key_type = "ed25519",
        comment = "",
        **kwargs):
    """Makes an OpenSSH key pair for development: `<name>/<private_key_name>` and `<name>/<public_key_name>`.

    No program of the machine is used. Both files have labels; only the public key is a default output.
    `bazel run :<name> -- --output-dir DIR` writes another pair to DIR. What `wasm_keygen` says of `$(location)`, of the link and of
    the local strategy is true here too.

    Args:
        name: Name of the target, and of the folder of the two files.
        private_key_name: File name of the private key, which has no passphrase.
        public_key_name: File name of the public key.
        key_type: Kind of key; "ed25519" is the only one that signs WebAssembly, others are an error.
        comment: Comment inside both files; empty by default.
        **kwargs: Attributes that every rule has, such as `visibility` and `tags`.
    """
    check_attributes(name, "ssh_keygen", kwargs, ["comment", "key_type", "private_key_name", "public_key_name"])
    _key_pair(
        name = name,
        comment = comment,
        key_format = "openssh",
        key_type = key_type,
        public_key = "{}/{}".format(name, public_key_name),
        secret_key = "{}/{}".format(name, private_key_name),
        **kwargs
    )
