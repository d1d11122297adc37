"""What `wasm_verify` and `wasm_verify_test` have in common: the file, its signature, and whom to trust."""

load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":wasm_input.bzl", "exactly_one", "wasm_file_of")

visibility(["//wasm/..."])

VERIFY_ATTRS = {
    "keys": attr.label(
        doc = "Key pair whose public half is trusted. Give exactly one of `keys`, `public_key` and `public_keys`.",
        providers = [WasmKeyInfo],
    ),
    "openssh_format": attr.bool(
        doc = "True says that the keys are OpenSSH keys, and others are an error. False, the default, takes either format.",
    ),
    "public_key": attr.label(
        doc = "File of the trusted public key, or a key pair's target.",
        allow_single_file = True,
    ),
    "public_keys": attr.label_list(
        doc = "Files of trusted public keys; the signature of one of them is enough.",
        allow_files = True,
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
    "wasm_file": attr.label(
        doc = "A `.wasm` file, or a target that makes one. Give this or `signed_component`.",
        allow_files = [".wasm"],
    ),
}

def _signature_of(ctx, attribute):
    target = getattr(ctx.attr, attribute)
    if attribute == "signed_component" and ctx.file.signature_file:
        fail("{}: signature_file goes with wasm_file; write wasm_file = \"{}\", or leave signature_file out".format(
            ctx.label,
            target.label,
        ))
    if ctx.file.signature_file:
        return ctx.file.signature_file
    return target[WasmSignatureInfo].signature_file if WasmSignatureInfo in target else None

def _public_keys_of(ctx):
    attribute = exactly_one(ctx, ["keys", "public_key", "public_keys"])
    if attribute == "public_keys":
        targets = ctx.attr.public_keys
    else:
        targets = [getattr(ctx.attr, attribute)]
    files = []
    for target in targets:
        if WasmKeyInfo not in target:
            files.extend(target[DefaultInfo].files.to_list())
            continue
        key = target[WasmKeyInfo]
        if ctx.attr.openssh_format and key.key_format != "openssh":
            fail("{}: openssh_format = True, but {} = {} is a {} key; remove openssh_format or name OpenSSH keys".format(
                ctx.label,
                attribute,
                target.label,
                key.key_format,
            ))
        files.append(key.public_key)
    return files

def verify_inputs(ctx):
    """Checks the attributes of VERIFY_ATTRS.

    Args:
        ctx: context of a rule with VERIFY_ATTRS.

    Returns:
        struct(wasm_file File, signature_file File or None, public_keys list of File)
    """
    attribute = exactly_one(ctx, ["signed_component", "wasm_file"])
    return struct(
        public_keys = _public_keys_of(ctx),
        signature_file = _signature_of(ctx, attribute),
        wasm_file = wasm_file_of(ctx, attribute),
    )
