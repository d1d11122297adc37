"""What `wasm_verify` and `wasm_verify_test` have in common: the file, its signature, and whom to trust."""

load("//wasm/private/common:attr_checks.bzl", "check_key_format", "check_split_regex")
load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:wasm_input.bzl", "exactly_one", "wasm_file_of")
load("//wasm/private/keys:key_origin.bzl", "check_key_target", "key_origin", "public_key_files")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load("//wasm/private/providers:trusted_keys_info.bzl", "WasmTrustedKeysInfo")
load(":verify_action.bzl", "signed_input")

visibility(["//wasm/..."])

VERIFY_ATTRS = {
    "keys": attr.label(
        doc = "Target of a key whose public half is trusted. " +
              "Give exactly one of `keys`, `public_key`, `public_keys` and `trusted_keys`.",
        allow_files = True,
    ),
    "openssh_format": attr.bool(
        doc = "True requires OpenSSH keys: other formats are an error. False, the default, accepts all formats.",
    ),
    "public_key": attr.label(
        doc = "File of the trusted public key, or a key pair's target.",
        allow_single_file = True,
        aspects = [key_origin],
    ),
    "public_keys": attr.label_list(
        doc = "Files of trusted public keys; the signature of one of them is enough, or of `threshold` of them.",
        allow_files = True,
        aspects = [key_origin],
    ),
    "signature_file": attr.label(
        doc = "Detached signature of `wasm_file`. Without one the signature is in the file. " +
              "A `signed_component` brings its own.",
        allow_single_file = True,
    ),
    "signed_component": attr.label(
        doc = "A `wasm_sign` target, a signed image, or any target with exactly one `.wasm` file. Give this or `wasm_file`.",
        allow_files = [".wasm"],
    ),
    "split_regex": attr.string(
        doc = """RE2 expression for names of custom sections. If given, a part between two delimiters may differ from what was
signed if it has no standard section and no custom one whose name matches; only parts at the end of the file can. The file must
have been split with the same expression. Danger: what matches can also be removed at the end, unnoticed, so verify all of the
file unless you must not. Empty, the default, verifies all of the file.""",
    ),
    "threshold": attr.int(
        doc = "How many different trusted keys must have signed; 1 or more.",
        default = 1,
    ),
    "trusted_keys": attr.label(
        doc = "A `wasm_trusted_keys` target, whose keys have names and dates, and may be revoked.",
        providers = [WasmTrustedKeysInfo],
    ),
    "wasm_file": attr.label(
        doc = "A `.wasm` file, or a target with exactly one. Give this or `signed_component`.",
        allow_files = [".wasm"],
    ),
}

def _signature_of(ctx, attribute):
    target = getattr(ctx.attr, attribute)
    if attribute == "signed_component" and ctx.file.signature_file:
        fail("{}: signature_file goes with wasm_file; write wasm_file = \"{}\", or leave signature_file out".format(
            shown_target(ctx),
            shown(target.label),
        ))
    if ctx.file.signature_file:
        return ctx.file.signature_file
    return target[WasmSignatureInfo].signature_file if WasmSignatureInfo in target else None

def _public_keys_of(ctx, attribute):
    """The key files that are trusted, to their texts in errors."""
    if attribute == "public_keys":
        targets = ctx.attr.public_keys
    else:
        targets = [getattr(ctx.attr, attribute)]
    names = {}
    for target in targets:
        if attribute == "keys":
            check_key_target(ctx, attribute, target)
        if WasmKeyInfo in target:
            check_key_format(ctx, attribute, target[WasmKeyInfo], target.label)
        names |= {key.file: shown_file(attribute, target.label, key.file) for key in public_key_files(ctx, attribute, target)}
    return names

def verify_inputs(ctx):
    """Checks the attributes of VERIFY_ATTRS.

    Args:
        ctx: context of a rule with VERIFY_ATTRS.

    Returns:
        struct made by signed_input
    """
    attribute = exactly_one(ctx, ["signed_component", "wasm_file"])
    trust = exactly_one(ctx, ["keys", "public_key", "public_keys", "trusted_keys"])
    check_split_regex(ctx)
    if ctx.attr.threshold < 1:
        fail("{}: threshold = {} would trust anything; write 1 or more".format(shown_target(ctx), ctx.attr.threshold))
    if ctx.attr.threshold > 1 and trust == "keys":
        fail("{}: threshold = {}, but keys = {} is one key; name more with public_keys or trusted_keys".format(
            shown_target(ctx),
            ctx.attr.threshold,
            shown(ctx.attr.keys.label),
        ))
    trusted_keys = ctx.attr.trusted_keys[WasmTrustedKeysInfo].file if trust == "trusted_keys" else None
    keys = {} if trusted_keys else _public_keys_of(ctx, trust)
    names = dict(keys)
    if trusted_keys:
        names[trusted_keys] = shown_file("trusted_keys", ctx.attr.trusted_keys.label, trusted_keys)
    wasm_file = wasm_file_of(ctx, attribute)
    names[wasm_file] = shown_file(attribute, getattr(ctx.attr, attribute).label, wasm_file)
    signature_file = _signature_of(ctx, attribute)
    if signature_file:
        target = ctx.attr.signature_file or getattr(ctx.attr, attribute)
        names[signature_file] = shown_file("signature_file" if ctx.attr.signature_file else attribute, target.label, signature_file)
    return signed_input(
        names = names,
        public_keys = keys.keys(),
        signature_file = signature_file,
        trusted_keys = trusted_keys,
        wasm_file = wasm_file,
    )
