"""`wasm_sign`: adds a wasmsign2 signature to a module or component."""

load("//wasm/private/common:attr_checks.bzl", "check_key_format")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load("//wasm/private/common:wasm_input.bzl", "INPUT_ATTRS", "exactly_one", "wasm_file_of")
load("//wasm/private/keys:key_origin.bzl", "key_of_secret", "key_origin", "public_key_files")
load("//wasm/private/keys:signing_keys.bzl", "is_deferred", "key_requests", "signing_keys_of")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:unsigned_info.bzl", "WasmUnsignedInfo")
load(":sign_action.bzl", "sign_wasm", "split_wasm")

visibility(["//wasm/..."])

_DOC = """Signs a WebAssembly module or component with one key or several.

With keys that the build made (`wasm_keygen`, `ssh_keygen`) the outputs are `<name>_signed.wasm` and, if `detached`,
`<name>_signature.sig`, and `bazel run` copies them to the current directory. With keys outside the build (`wasm_signing_key`) the
output is `<name>_unsigned.wasm`, and `bazel run :<name> -- [-o FILE] [-S FILE]` signs it and writes the same files to the
current directory. A file that is signed already gets one signature more for each key, but not a detached one: that is an error. What
a detached signature covers is the output, not the input. Signing again with the same key changes nothing. The target can be
run, so `$(location)` of it is its launcher; a `filegroup` of it has its outputs.
"""

_ATTRS = INPUT_ATTRS | {
    "additional_keys": attr.label_list(
        doc = "Further keys that sign the same file, in this order; of the same kind as `keys`: made by the build, or outside of it.",
        allow_files = True,
    ),
    "detached": attr.bool(
        doc = "True writes the signature to a file of its own; False, the default, embeds it.",
    ),
    "keys": attr.label(
        doc = "Target of the key: a `wasm_keygen`, `ssh_keygen` or `wasm_signing_key`. Give this, or `secret_key` and `public_key`.",
        allow_files = True,
    ),
    "openssh_format": attr.bool(
        doc = "True says that the keys are OpenSSH keys, and others are an error. False, the default, takes either format.",
    ),
    "public_key": attr.label(
        doc = "Public half of `secret_key`; the pair is checked before signing.",
        allow_single_file = True,
        aspects = [key_origin],
    ),
    "secret_key": attr.label(
        doc = "Secret key that a `wasm_keygen` or `ssh_keygen` made, by its file's label. Any other file is an error.",
        allow_single_file = True,
        aspects = [key_origin],
    ),
    "split_regex": attr.string(
        doc = """RE2 expression for names of custom sections. If given, delimiters are put wherever what matches begins or
ends (standard sections match), so that `wasm_verify` with the same `split_regex` verifies only what matches. Their bytes
follow from the content. Empty, the default, puts none.""",
    ),
} | TOOL_ATTRS | RUN_TARGET_ATTRS

def _check_pair(ctx):
    """Fails unless secret_key and public_key may be used."""
    if not (ctx.file.secret_key and ctx.file.public_key):
        missing, given = ("public_key", "secret_key") if ctx.file.secret_key else ("secret_key", "public_key")
        fail("{}: {} is given without {}; name both, or name the key pair's target with keys".format(shown(ctx.label), given, missing))
    origin = key_of_secret(ctx.attr.secret_key, ctx.file.secret_key)
    if not origin:
        fail(("{}: secret_key = {} is {}, which may not sign in a build; use the secret file of a wasm_keygen or " +
              "ssh_keygen target for development, and name a real key, which stays outside the build, with wasm_signing_key").format(
            shown(ctx.label),
            shown(ctx.attr.secret_key.label),
            "a source file" if ctx.file.secret_key.is_source else "not a secret key that a keygen target made",
        ))
    return origin

def _keys_of(ctx):
    """Returns a list of WasmKeyInfo, or of structs with its fields."""
    if ctx.attr.keys and (ctx.attr.secret_key or ctx.attr.public_key):
        fail("{}: keys and {} are both given; remove one of them".format(
            shown(ctx.label),
            "secret_key" if ctx.attr.secret_key else "public_key",
        ))
    if ctx.attr.keys:
        keys = signing_keys_of(ctx, "keys", "additional_keys")
        for attribute, target in [("keys", ctx.attr.keys)] + [("additional_keys", target) for target in ctx.attr.additional_keys]:
            check_key_format(ctx, attribute, target[WasmKeyInfo], target.label)
        return keys
    if not (ctx.attr.secret_key or ctx.attr.public_key):
        fail("{}: no key is given; name a wasm_keygen, ssh_keygen or wasm_signing_key target with keys".format(shown(ctx.label)))
    if ctx.attr.additional_keys:
        fail("{}: additional_keys is given without keys; name the first key with keys, not with secret_key".format(shown(ctx.label)))
    key = _check_pair(ctx)
    public_key = public_key_files(ctx, "public_key", ctx.attr.public_key)[0].file
    check_key_format(ctx, "secret_key", key, ctx.attr.secret_key.label)
    return [WasmKeyInfo(
        development = key.development,
        key_format = key.key_format,
        public_key = public_key,
        secret_key = ctx.file.secret_key,
    )]

def _run_target(ctx, keys, source, signature, files):
    """The target's launcher: signs with keys outside of the build, or copies what the build signed."""
    name = ctx.label.name
    signature_file = signature.signature_file if signature else None
    return make_run_target(
        ctx,
        command = "sign",
        default_files = files,
        files = files + [source] + [key.public_key for key in keys if not signature],
        request = {
            "input": rlocation_path(ctx, source),
            "keys": [] if signature else key_requests(ctx, keys),
            "openssh": ctx.attr.openssh_format,
            "output": name + "_signed.wasm",
            "schema_version": 1,
            "signature": name + "_signature.sig" if ctx.attr.detached else None,
            "signed": rlocation_path(ctx, signature.wasm_file) if signature else None,
            "signed_signature": rlocation_path(ctx, signature_file) if signature_file else None,
        },
    ).providers

def _wasm_sign_impl(ctx):
    name = ctx.label.name
    source = wasm_file_of(ctx, exactly_one(ctx, ["component", "wasm_file"]))
    keys = _keys_of(ctx)
    deferred = is_deferred(keys)
    if ctx.attr.split_regex:
        split = ctx.actions.declare_file(name + ("_unsigned.wasm" if deferred else "_split.wasm"))
        split_wasm(ctx, wasm_file = source, output = split)
        source = split
    elif deferred:
        unsigned = ctx.actions.declare_file(name + "_unsigned.wasm")
        ctx.actions.symlink(output = unsigned, target_file = source)
        source = unsigned
    if deferred:
        return _run_target(ctx, keys, source, None, [source]) + [WasmUnsignedInfo(wasm_file = source)]
    signature = sign_wasm(
        ctx,
        keys = keys,
        output = ctx.actions.declare_file(name + "_signed.wasm"),
        signature_file = ctx.actions.declare_file(name + "_signature.sig") if ctx.attr.detached else None,
        wasm_file = source,
    )
    files = [signature.wasm_file] + ([signature.signature_file] if ctx.attr.detached else [])
    return _run_target(ctx, keys, source, signature, files) + [signature]

wasm_sign = rule(
    implementation = _wasm_sign_impl,
    doc = _DOC,
    attrs = _ATTRS,
    executable = True,
)
