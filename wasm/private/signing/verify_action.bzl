"""The action that verifies a file; used by `wasm_verify` and `wasm_validate`."""

load("//wasm/private/common:tool_action.bzl", "params_file_args", "run_wasm_oci")

visibility(["//wasm/..."])

def signed_input(*, wasm_file, public_keys, signature_file, names, trusted_keys = None):
    """What is verified, and by whom it must be signed.

    Args:
        wasm_file: File with the module or component.
        public_keys: list of File, of which one or more must have signed; empty with `trusted_keys`.
        signature_file: File with the detached signature, None if it is embedded.
        names: dict from each of these files to its text in errors.
        trusted_keys: File of a `wasm_trusted_keys` target, or None.

    Returns:
        struct of these
    """
    return struct(
        names = names,
        public_keys = public_keys,
        signature_file = signature_file,
        trusted_keys = trusted_keys,
        wasm_file = wasm_file,
    )

def verify_wasm(ctx, inputs, *, openssh_format = False, threshold = 1, split_regex = ""):
    """Registers the action WasmVerify.

    Args:
        ctx: context of a rule with TOOL_ATTRS.
        inputs: struct made by signed_input.
        openssh_format: bool, whether keys of another form are refused.
        threshold: int, how many keys must have signed.
        split_regex: string, which parts are verified; empty verifies the whole file.

    Returns:
        File, `<name>_verification.json`, which exists only if the file verifies.
    """
    report = ctx.actions.declare_file(ctx.label.name + "_verification.json")

    args = params_file_args(ctx, "verify")
    args.add(inputs.wasm_file, format = "--input-file=%s")
    args.add_all(inputs.public_keys, format_each = "--public-key=%s")
    if inputs.trusted_keys:
        args.add(inputs.trusted_keys, format = "--trusted-keys=%s")
        args.add("--ignore-time")
    if inputs.signature_file:
        args.add(inputs.signature_file, format = "--signature-file=%s")
    if openssh_format:
        args.add("--openssh")
    if threshold > 1:
        args.add(threshold, format = "--threshold=%s")
    if split_regex:
        args.add(split_regex, format = "--split-regex=%s")
    args.add(report, format = "--report=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = inputs.names,
        outputs = [report],
        mnemonic = "WasmVerify",
        progress = "Verifying the signature of",
    )
    return report
