"""The actions that sign, or prepare for it; used by `wasm_sign` and by images."""

load("//wasm/private/common:attr_checks.bzl", "check_split_regex")
load("//wasm/private/common:tool_action.bzl", "SECRET_REQUIREMENTS", "params_file_args", "run_wasm_oci")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo", "common_key_format")

visibility(["//wasm/..."])

def sign_wasm(ctx, *, wasm_file, keys, names, output, signature_file = None):
    """Registers the action WasmSign.

    Args:
        ctx: context of a rule with TOOL_ATTRS.
        wasm_file: File to sign.
        keys: list of WasmKeyInfo or alike, with their secret keys; each gives a signature, in this order.
        names: dict from the files that are read, those of the keys among them, to their texts in errors.
        output: File, where the signed file goes; with a detached signature that is what the signature covers.
        signature_file: File or None, where a detached signature goes; None embeds it.

    Returns:
        WasmSignatureInfo
    """
    args = params_file_args(ctx, "sign")
    args.add(wasm_file, format = "--input-file=%s")
    args.add(output, format = "--output-file=%s")
    for key in keys:
        args.add(key.secret_key, format = "--secret-key=%s")
        args.add(key.public_key, format = "--public-key=%s")
    if signature_file:
        args.add(signature_file, format = "--signature-file=%s")
    if all([key.key_format == "openssh" for key in keys]):
        args.add("--openssh")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {file: names[file] for file in [wasm_file] + [file for key in keys for file in (key.secret_key, key.public_key)]},
        outputs = [output] + ([signature_file] if signature_file else []),
        mnemonic = "WasmSign",
        progress = "Signing",
        execution_requirements = SECRET_REQUIREMENTS,
    )
    return WasmSignatureInfo(
        development = any([key.development for key in keys]),
        key_format = common_key_format([key.key_format for key in keys]),
        public_keys = [key.public_key for key in keys],
        signature_file = signature_file,
        signature_type = "detached" if signature_file else "embedded",
        wasm_file = output,
    )

def split_wasm(ctx, *, wasm_file, output, name):
    """Registers the action WasmSplit: delimiters between what matches split_regex and what does not; `name` is the input's text in errors."""
    check_split_regex(ctx)
    args = params_file_args(ctx, "split")
    args.add(wasm_file, format = "--input-file=%s")
    args.add(output, format = "--output-file=%s")
    args.add(ctx.attr.split_regex, format = "--split-regex=%s")
    _prepare(ctx, args, {wasm_file: name}, output, "WasmSplit", "Splitting")

def normalise_wasm(ctx, *, wasm_file, output, name):
    """Registers the action WasmNormalise: the file that a detached signature of `wasm_file` will cover; `name` is the input's text in errors."""
    args = params_file_args(ctx, "normalise")
    args.add(wasm_file, format = "--input-file=%s")
    args.add(output, format = "--output-file=%s")
    _prepare(ctx, args, {wasm_file: name}, output, "WasmNormalise", "Preparing for a detached signature")

def _prepare(ctx, args, inputs, output, mnemonic, progress):
    run_wasm_oci(
        ctx,
        args = args,
        inputs = inputs,
        outputs = [output],
        mnemonic = mnemonic,
        progress = progress,
    )
