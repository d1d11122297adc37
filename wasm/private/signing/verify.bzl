"""`wasm_verify`: a build step that fails unless a trusted key signed the file."""

load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load(":verify_attrs.bzl", "VERIFY_ATTRS", "verify_inputs")

visibility(["//wasm/..."])

_DOC = """Verifies a signature in the build; the build of this target fails unless a trusted key signed all of the file.

The default output is `<name>_verification.json`, which says what was verified and with which keys. A revoked key of
`trusted_keys` does not count; the time does not matter here, so that the result does not change by itself. `wasm_verify_test` and
the programs refuse expired keys too.
"""

_ATTRS = VERIFY_ATTRS | TOOL_ATTRS

def _wasm_verify_impl(ctx):
    inputs = verify_inputs(ctx)
    report = ctx.actions.declare_file(ctx.label.name + "_verification.json")

    args = params_file_args(ctx, "verify")
    args.add(inputs.wasm_file, format = "--input-file=%s")
    args.add_all(inputs.public_keys, format_each = "--public-key=%s")
    if inputs.trusted_keys:
        args.add(inputs.trusted_keys, format = "--trusted-keys=%s")
        args.add("--ignore-time")
    if inputs.signature_file:
        args.add(inputs.signature_file, format = "--signature-file=%s")
    if ctx.attr.openssh_format:
        args.add("--openssh")
    if ctx.attr.threshold > 1:
        args.add(ctx.attr.threshold, format = "--threshold=%s")
    if ctx.attr.split_regex:
        args.add(ctx.attr.split_regex, format = "--split-regex=%s")
    args.add(report, format = "--report=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = inputs.files,
        outputs = [report],
        mnemonic = "WasmVerify",
        progress = "Verifying the signature of",
    )
    return [DefaultInfo(files = depset([report]), runfiles = ctx.runfiles([report]))]

wasm_verify = rule(
    implementation = _wasm_verify_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
