"""`wasm_verify_test`: a test that fails unless a trusted key signed the file."""

load("//wasm/private/common:macro_attrs.bzl", "check_attributes", "public_attributes")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load(":verify_attrs.bzl", "VERIFY_ATTRS", "verify_inputs")

visibility(["//docs/...", "//wasm/..."])

_DOC = """Verifies a signature when the tests run; passes only if a trusted key signed all of the file.

The same check as `wasm_verify`, for signatures that should fail a test and not a build. The dates of `trusted_keys` are
checked against the time of the test run, or the time in `--test_arg=--at=2027-01-01`.
"""

_ATTRS = VERIFY_ATTRS | RUN_TARGET_ATTRS

def _verify_test_impl(ctx):
    inputs = verify_inputs(ctx)
    signature = inputs.signature_file
    return make_run_target(
        ctx,
        command = "verify",
        files = inputs.names.keys(),
        request = {
            "input": rlocation_path(ctx, inputs.wasm_file),
            "schema_version": 1,
            "signature": rlocation_path(ctx, signature) if signature else None,
            "trust": {
                "at": None,
                "ignore_time": False,
                "openssh": ctx.attr.openssh_format,
                "public_keys": [rlocation_path(ctx, file) for file in inputs.public_keys],
                "split_regex": ctx.attr.split_regex or None,
                "threshold": ctx.attr.threshold,
                "trusted_keys": rlocation_path(ctx, inputs.trusted_keys) if inputs.trusted_keys else None,
            },
        },
    ).providers

verify_test = rule(
    implementation = _verify_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)

def wasm_verify_test(name, **kwargs):
    """Verifies a signature when the tests run. See [`verify_test`](#verify_test) for attributes.

    Bazel keeps the result of a test that passed, and would keep it after a key has expired. So a test with `trusted_keys` is
    tagged `external`: it runs each time, whatever `--cache_test_results` says.

    Args:
        name: Name of the test.
        **kwargs: Attributes of [`verify_test`](#verify_test), and those that every test has.
    """
    check_attributes(name, "wasm_verify_test", kwargs, public_attributes(_ATTRS))
    if kwargs.get("trusted_keys"):
        kwargs["tags"] = (kwargs.get("tags") or []) + ["external"]
    verify_test(name = name, **kwargs)
