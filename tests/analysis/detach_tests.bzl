"""Analysis tests of wasm_signature_detach and wasm_signature_attach."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//wasm:defs.bzl", "ssh_keygen", "wasm_sign", "wasm_signature_attach", "wasm_signature_detach")
load("//wasm:providers.bzl", "WasmSignatureInfo")
load(":subjects.bzl", "action_of", "basenames", "check_command", "wasm_file")

def _detach_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    signature = target[WasmSignatureInfo]
    asserts.equals(env, [name + "_detached.wasm", name + "_signature.sig"], basenames(target[DefaultInfo].files))
    asserts.equals(env, "detached", signature.signature_type)
    asserts.equals(env, name + "_detached.wasm", signature.wasm_file.basename)
    asserts.equals(env, name + "_signature.sig", signature.signature_file.basename)
    asserts.equals(env, "openssh" if ctx.attr.known else "none", signature.key_format)
    asserts.equals(env, ctx.attr.known, signature.public_keys != [])
    check_command(env, action_of(env, "WasmDetach"), "detach", [
        ("--input-file", ctx.attr.input),
        ("--output-file", name + "_detached.wasm"),
        ("--signature-file", name + "_signature.sig"),
    ])
    return analysistest.end(env)

_detach_test = analysistest.make(_detach_test_impl, attrs = {"input": attr.string(), "known": attr.bool()})

def _attach_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    signature = target[WasmSignatureInfo]
    asserts.equals(env, [name + "_signed.wasm"], basenames(target[DefaultInfo].files))
    asserts.equals(env, "embedded", signature.signature_type)
    asserts.equals(env, None, signature.signature_file)
    asserts.equals(env, "openssh" if ctx.attr.known else "none", signature.key_format)
    asserts.equals(env, ctx.attr.known, signature.public_keys != [])
    check_command(env, action_of(env, "WasmAttach"), "attach", [
        ("--input-file", ctx.attr.input),
        ("--output-file", name + "_signed.wasm"),
        ("--signature-file", ctx.attr.signature),
    ])
    return analysistest.end(env)

_attach_test = analysistest.make(_attach_test_impl, attrs = {
    "input": attr.string(),
    "known": attr.bool(),
    "signature": attr.string(),
})

def detach_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "detach_input")
    ssh_keygen(name = "detach_keys", tags = manual)
    wasm_sign(name = "detach_signed_subject", component = ":detach_input", keys = ":detach_keys", tags = manual)
    wasm_sign(
        name = "detach_by_hand_subject",
        component = ":detach_input",
        detached = True,
        keys = ":detach_keys",
        tags = manual,
    )
    write_file(name = "detach_loose", out = "detach_loose.sig", content = [], tags = manual)
    wasm_signature_detach(name = "detach_component_subject", signed_component = ":detach_signed_subject", tags = manual)
    wasm_signature_detach(name = "detach_file_subject", tags = manual, wasm_file = ":detach_input")
    wasm_signature_attach(name = "attach_component_subject", component = ":detach_by_hand_subject", tags = manual)
    wasm_signature_attach(
        name = "attach_file_subject",
        signature_file = "detach_loose.sig",
        tags = manual,
        wasm_file = ":detach_input",
    )
    tests = []
    for subject, source, known in [
        ("detach_component", "detach_signed_subject_signed.wasm", True),
        ("detach_file", "detach_input_0.wasm", False),
    ]:
        tests.append("{}_{}_test".format(name, subject))
        _detach_test(name = tests[-1], input = source, known = known, target_under_test = ":{}_subject".format(subject))
    for subject, source, signature, known in [
        ("attach_component", "detach_by_hand_subject_signed.wasm", "detach_by_hand_subject_signature.sig", True),
        ("attach_file", "detach_input_0.wasm", "detach_loose.sig", False),
    ]:
        tests.append("{}_{}_test".format(name, subject))
        _attach_test(
            name = tests[-1],
            input = source,
            known = known,
            signature = signature,
            target_under_test = ":{}_subject".format(subject),
        )
    native.test_suite(name = name, tests = tests)
