"""The action that signs; used by `wasm_sign` and by images."""

load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":tool_action.bzl", "SECRET_REQUIREMENTS", "params_file_args", "run_wasm_oci")

visibility(["//wasm/..."])

def sign_wasm(ctx, *, wasm_file, secret_key, public_key, key_format, output, signature_file = None):
    """Registers the action WasmSign.

    Args:
        ctx: context of a rule with TOOL_ATTRS.
        wasm_file: File to sign.
        secret_key: File.
        public_key: File, its other half.
        key_format: string, "compact" or "openssh"; keys of another format are refused if it is "openssh".
        output: File, where the signed file goes; with a detached signature that is what the signature covers.
        signature_file: File or None, where a detached signature goes; None embeds it.

    Returns:
        WasmSignatureInfo
    """
    args = params_file_args(ctx)
    args.add("-i", wasm_file)
    args.add("-o", output)
    args.add("-k", secret_key)
    args.add("-K", public_key)
    if signature_file:
        args.add("-S", signature_file)
    if key_format == "openssh":
        args.add("--openssh")
    run_wasm_oci(
        ctx,
        command = "sign",
        args = args,
        inputs = [wasm_file, secret_key, public_key],
        outputs = [output] + ([signature_file] if signature_file else []),
        mnemonic = "WasmSign",
        progress = "Signing",
        execution_requirements = SECRET_REQUIREMENTS,
    )
    return WasmSignatureInfo(
        key_format = key_format,
        public_key = public_key,
        signature_file = signature_file,
        signature_type = "detached" if signature_file else "embedded",
        wasm_file = output,
    )

def secret_key_of(ctx, attribute, key):
    """The secret key of a WasmKeyInfo; fails where the key pair has only its public half in the build."""
    if not key.secret_key:
        fail("{}: {} = {} has no secret key in the build; name a wasm_keygen or ssh_keygen target".format(
            ctx.label,
            attribute,
            getattr(ctx.attr, attribute).label,
        ))
    return key.secret_key
