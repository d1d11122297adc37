"""`wasm_verify`: a build step that fails unless a trusted key signed the file."""

load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load(":verify_action.bzl", "verify_wasm")
load(":verify_attrs.bzl", "VERIFY_ATTRS", "verify_inputs")

visibility(["//wasm/..."])

_DOC = """Verifies a signature in the build; the build of this target fails unless a trusted key signed all of the file.

The default output is `<name>_verification.json`, which says what was verified and with which keys. A revoked key of
`trusted_keys` does not count; the time does not matter here, so that the result does not change by itself. `wasm_verify_test` and
the programs refuse expired keys too.
"""

_ATTRS = VERIFY_ATTRS | TOOL_ATTRS

def _wasm_verify_impl(ctx):
    report = verify_wasm(
        ctx,
        verify_inputs(ctx),
        openssh_format = ctx.attr.openssh_format,
        split_regex = ctx.attr.split_regex,
        threshold = ctx.attr.threshold,
    )
    return [DefaultInfo(files = depset([report]), runfiles = ctx.runfiles([report]))]

wasm_verify = rule(
    implementation = _wasm_verify_impl,
    doc = _DOC,
    attrs = _ATTRS,
)
