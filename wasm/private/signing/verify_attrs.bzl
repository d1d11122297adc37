"""What `wasm_verify` and `wasm_verify_test` have in common: the file, its signature, and whom to trust."""

load("//wasm/private/common:attr_checks.bzl", "check_key_format", "check_split_regex")
load("//wasm/private/common:shown.bzl", "shown")
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
        doc = "True says that the keys are OpenSSH keys, and others are an error. False, the default, takes either format.",
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
        doc = "What `wasm_sign` or a signed image gives, or any target with one `.wasm` file. Give this or `wasm_file`.",
        allow_files = [".wasm"],
    ),
    "split_regex": attr.string(
        doc = """RE2 expression for names of custom sections. If given, a part between two delimiters may differ from what was
signed if it has no standard section and no custom one whose name matches; only parts at the end of the file can. The file must
have been split with the same expression. Danger: what matches can also be removed at the end, unnoticed, so verify all of the
file unless you must not. Empty, the default, verifies all of the file.""",
    ),
    "threshold": attr.int(
        doc = "How many different trusted keys must have signed.",
        default = 1,
    ),
    "trusted_keys": attr.label(
        doc = "A `wasm_trusted_keys` target, whose keys have names and dates, and may be revoked.",
        providers = [WasmTrustedKeysInfo],
    ),
    "wasm_file": attr.label(
        doc = "A `.wasm` file, or a target that makes one. Give this or `signed_component`.",
        allow_files = [".wasm"],
    ),
}

def _signature_of(ctx, attribute):
    target = getattr(ctx.attr, attribute)
    if attribute == "signed_component" and ctx.file.signature_file:
        fail("{}: signature_file goes with wasm_file; write wasm_file = \"{}\", or leave signature_file out".format(
            shown(ctx.label),
            shown(target.label),
        ))
    if ctx.file.signature_file:
        return ctx.file.signature_file
    return target[WasmSignatureInfo].signature_file if WasmSignatureInfo in target else None

def _public_keys_of(ctx, attribute):
    if attribute == "public_keys":
        targets = ctx.attr.public_keys
    else:
        targets = [getattr(ctx.attr, attribute)]
    files = []
    for target in targets:
        if attribute == "keys":
            check_key_target(ctx, attribute, target)
        if WasmKeyInfo in target:
            check_key_format(ctx, attribute, target[WasmKeyInfo], target.label)
        files.extend([key.file for key in public_key_files(ctx, attribute, target)])
    return files

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
        fail("{}: threshold = {} would trust anything; write 1 or more".format(shown(ctx.label), ctx.attr.threshold))
    if ctx.attr.threshold > 1 and trust == "keys":
        fail("{}: threshold = {}, but keys = {} is one key; name more with public_keys or trusted_keys".format(
            shown(ctx.label),
            ctx.attr.threshold,
            shown(ctx.attr.keys.label),
        ))
    trusted_keys = ctx.attr.trusted_keys[WasmTrustedKeysInfo].file if trust == "trusted_keys" else None
    public_keys = [] if trusted_keys else _public_keys_of(ctx, trust)
    return signed_input(
        public_keys = public_keys,
        signature_file = _signature_of(ctx, attribute),
        trusted_keys = trusted_keys,
        wasm_file = wasm_file_of(ctx, attribute),
    )
