"""`wasm_verify_test`: a test that fails unless a trusted key signed the file."""

load(":run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load(":verify_attrs.bzl", "VERIFY_ATTRS", "verify_inputs")

visibility(["//wasm/..."])

_DOC = """Verifies a signature when the tests run; passes only if a trusted key signed all of the file.

The same check as `wasm_verify`, for signatures that should be watched by tests and not stop a build.
"""

_ATTRS = VERIFY_ATTRS | RUN_TARGET_ATTRS

def _wasm_verify_test_impl(ctx):
    inputs = verify_inputs(ctx)
    signature = inputs.signature_file
    return make_run_target(
        ctx,
        command = "verify",
        files = [inputs.wasm_file] + inputs.public_keys + ([signature] if signature else []),
        request = {
            "input": rlocation_path(ctx, inputs.wasm_file),
            "openssh": ctx.attr.openssh_format,
            "publicKeys": [rlocation_path(ctx, file) for file in inputs.public_keys],
            "schemaVersion": 1,
            "signature": rlocation_path(ctx, signature) if signature else None,
        },
    )

wasm_verify_test = rule(
    implementation = _wasm_verify_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)
