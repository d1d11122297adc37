"""Analysis tests of wasm_sign, wasm_verify, wasm_verify_test and wasm_validate."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "ssh_keygen", "wasm_keygen", "wasm_sign", "wasm_validate", "wasm_verify", "wasm_verify_test")
load("//wasm:providers.bzl", "WasmSignatureInfo")
load(":subjects.bzl", "action_of", "basenames", "check_command", "check_names", "wasm_file", "written")

def _sign_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    signature = target[WasmSignatureInfo]
    detached = ctx.attr.detached
    asserts.equals(
        env,
        [name + "_signed.wasm"] + ([name + "_signature.sig"] if detached else []),
        basenames(target[DefaultInfo].files),
    )
    asserts.equals(env, "detached" if detached else "embedded", signature.signature_type)
    asserts.equals(env, detached, signature.signature_file != None)
    asserts.equals(env, ctx.attr.format, signature.key_format)
    asserts.equals(env, 1, len(signature.public_keys))
    asserts.equals(env, True, signature.development, "keys that the build makes are marked")
    openssh = ctx.attr.format == "openssh"
    action = action_of(env, "WasmSign")
    check_command(
        env,
        action,
        "sign",
        [
            ("--input-file", "sign_input_0.wasm"),
            ("--output-file", name + "_signed.wasm"),
            ("--secret-key", "id_ed25519" if openssh else "key.secret"),
            ("--public-key", "id_ed25519.pub" if openssh else "key.public"),
        ] + ([("--signature-file", name + "_signature.sig")] if detached else []) + ([("--openssh", None)] if openssh else []),
        absent = ([] if detached else ["--signature-file"]) + ([] if openssh else ["--openssh"]),
    )
    attribute = "wasm_file" if detached else "component"
    check_names(env, action, [attribute + " = //tests/analysis:sign_input (sign_input_0.wasm)"])
    return analysistest.end(env)

_sign_test = analysistest.make(_sign_test_impl, attrs = {"detached": attr.bool(), "format": attr.string()})

def _verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, [target.label.name + "_verification.json"], basenames(target[DefaultInfo].files))
    check_command(env, action_of(env, "WasmVerify"), "verify", [
        ("--input-file", "detached_subject_signed.wasm"),
        ("--public-key", "key.public"),
        ("--signature-file", "detached_subject_signature.sig"),
        ("--report", target.label.name + "_verification.json"),
    ])
    check_names(env, action_of(env, "WasmVerify"), ["signed_component = //tests/analysis:detached_subject (detached_subject_signature.sig)"])
    inputs = basenames(action_of(env, "WasmVerify").inputs)
    asserts.false(env, "key.secret" in inputs, "verification reads no secret")
    return analysistest.end(env)

_verify_test = analysistest.make(_verify_test_impl)

def _deferred_verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")
    asserts.equals(env, 1.0, float(request["schema_version"]))
    asserts.true(env, request["input"].endswith("/tests/analysis/detached_subject_signed.wasm"), request["input"])
    asserts.true(env, request["signature"].endswith("/detached_subject_signature.sig"), str(request["signature"]))
    asserts.equals(env, ["key.public", "id_ed25519.pub"], [key.split("/")[-1] for key in request["trust"]["public_keys"]])
    asserts.equals(env, False, request["trust"]["openssh"])
    return analysistest.end(env)

_deferred_verify_test = analysistest.make(_deferred_verify_test_impl)

def _validate_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["sign_input_0.wasm"], basenames(target[DefaultInfo].files))
    asserts.equals(env, [target.label.name + "_validation.txt"], basenames(target[OutputGroupInfo]._validation))
    check_command(env, action_of(env, "WasmValidate"), "validate", [
        ("--input-file", "sign_input_0.wasm"),
        ("--output-file", target.label.name + "_validation.txt"),
        ("--program", "wasm-tools"),
    ])
    return analysistest.end(env)

_validate_test = analysistest.make(_validate_test_impl)

def _validate_signature_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    asserts.equals(env, [name + "_validation.txt", name + "_verification.json"], basenames(target[OutputGroupInfo]._validation))
    signature = ctx.attr.signature
    check_command(env, action_of(env, "WasmVerify"), "verify", [
        ("--input-file", ctx.attr.input),
        ("--public-key", "key.public"),
        ("--report", name + "_verification.json"),
    ] + ([("--signature-file", signature)] if signature else []), absent = [] if signature else ["--signature-file"])
    asserts.false(env, "key.secret" in basenames(action_of(env, "WasmVerify").inputs), "verification reads no secret")
    return analysistest.end(env)

_validate_signature_test = analysistest.make(
    _validate_signature_test_impl,
    attrs = {"input": attr.string(), "signature": attr.string()},
)

def sign_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "sign_input")
    wasm_keygen(name = "sign_keys", tags = manual)
    ssh_keygen(name = "sign_ssh_keys", tags = manual)
    wasm_sign(name = "embedded_subject", component = ":sign_input", keys = ":sign_keys", tags = manual)
    wasm_sign(name = "detached_subject", detached = True, keys = ":sign_keys", tags = manual, wasm_file = ":sign_input")
    wasm_sign(
        name = "openssh_subject",
        component = ":sign_input",
        keys = ":sign_ssh_keys",
        openssh_format = True,
        tags = manual,
    )
    wasm_sign(
        name = "pair_subject",
        component = ":sign_input",
        public_key = ":sign_keys/key.public",
        secret_key = ":sign_keys/key.secret",
        tags = manual,
    )
    wasm_sign(
        name = "ssh_pair_subject",
        component = ":sign_input",
        public_key = ":sign_ssh_keys/id_ed25519.pub",
        secret_key = ":sign_ssh_keys/id_ed25519",
        tags = manual,
    )
    for case, (detached, key_format) in {
        "detached": (True, "compact"),
        "embedded": (False, "compact"),
        "openssh": (False, "openssh"),
        "pair": (False, "compact"),
        "ssh_pair": (False, "openssh"),
    }.items():
        _sign_test(
            name = "{}_{}_test".format(name, case),
            detached = detached,
            format = key_format,
            target_under_test = ":{}_subject".format(case),
        )
    wasm_verify(name = "verify_subject", keys = ":sign_keys", signed_component = ":detached_subject", tags = manual)
    _verify_test(name = name + "_verify_test", target_under_test = ":verify_subject")
    wasm_verify_test(
        name = "verify_test_subject",
        public_keys = [":sign_keys", ":sign_ssh_keys/id_ed25519.pub"],
        signed_component = ":detached_subject",
        tags = manual,
    )
    _deferred_verify_test(name = name + "_deferred_verify_test", target_under_test = ":verify_test_subject")
    wasm_validate(name = "validate_subject", component = ":sign_input", tags = manual)
    _validate_test(name = name + "_validate_test", target_under_test = ":validate_subject")
    for case, attributes, input, signature in [
        ("own", {"component": ":detached_subject", "signing_keys": ":sign_keys"}, "detached_subject_signed.wasm", "detached_subject_signature.sig"),
        ("inside", {"public_key": ":sign_keys/key.public", "wasm_file": ":embedded_subject"}, "embedded_subject_signed.wasm", ""),
        (
            "given",
            {"public_key": ":sign_keys", "signature_file": "BUILD.bazel", "wasm_file": ":sign_input"},
            "sign_input_0.wasm",
            "BUILD.bazel",
        ),
    ]:
        wasm_validate(name = "validate_{}_subject".format(case), tags = manual, verify_signature = True, **attributes)
        _validate_signature_test(
            name = "{}_validate_{}_test".format(name, case),
            input = input,
            signature = signature,
            target_under_test = ":validate_{}_subject".format(case),
        )
    cases = ["validate_own", "validate_inside", "validate_given"]
    cases += ["detached", "embedded", "openssh", "pair", "ssh_pair", "verify", "deferred_verify", "validate"]
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in cases])
