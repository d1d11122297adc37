"""Analysis tests of wasm_signing_key, of wasm_sign with such keys, and of several keys and parts; of images see image_later_tests.bzl."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(
    "//wasm:defs.bzl",
    "ssh_keygen",
    "wasm_component_oci_image",
    "wasm_keygen",
    "wasm_sign",
    "wasm_signature_attach",
    "wasm_signature_detach",
    "wasm_signing_key",
    "wasm_verify",
)
load("//wasm:providers.bzl", "WasmKeyInfo", "WasmSignatureInfo")
load(":subjects.bzl", "TWO_KEYS", "action_of", "basenames", "check_command", "keys_of", "values_of", "wasm_file", "written")

_REFS = {
    "command": "/usr/bin/hsm-sign --slot 1",
    "env": "RELEASE_KEY",
    "file": "~/keys/release.secret",
    "keychain": "wasm-signing/release",
    "ssh-agent": "",
    "stdin": "",
}

# Names of one public key that a wasm_keygen made.
_MADE = {
    "alias": ":made_alias",
    "file": ":key_dev_keys/key.public",
    "group": ":made_group",
    "pair": ":key_dev_keys",
}

def _key_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    key = target[WasmKeyInfo]
    asserts.equals(env, (ctx.attr.kind, _REFS[ctx.attr.kind]), (key.key_source, key.key_ref))
    asserts.equals(env, (False, None, None), (key.development, key.secret_key, key.key_format))
    asserts.equals(env, ["one.pub"], basenames([key.public_key]))
    asserts.equals(env, ["one.pub"], basenames(target[DefaultInfo].files))
    asserts.equals(env, [], analysistest.target_actions(env))
    return analysistest.end(env)

_key_test = analysistest.make(_key_test_impl, attrs = {"kind": attr.string()})

def _made_key_test_impl(ctx):
    env = analysistest.begin(ctx)
    key = analysistest.target_under_test(env)[WasmKeyInfo]
    asserts.equals(env, (True, "env", None), (key.development, key.key_source, key.secret_key), "a key that the build made")
    asserts.equals(env, ["key.public"], basenames([key.public_key]))
    return analysistest.end(env)

_made_key_test = analysistest.make(_made_key_test_impl)

def _keygen_test_impl(ctx):
    env = analysistest.begin(ctx)
    key = analysistest.target_under_test(env)[WasmKeyInfo]
    asserts.equals(env, (True, None, None), (key.development, key.key_source, key.key_ref))
    return analysistest.end(env)

_keygen_test = analysistest.make(_keygen_test_impl)

def _sign_later_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    asserts.equals(env, [name + "_unsigned.wasm"], basenames(target[DefaultInfo].files))
    asserts.false(env, WasmSignatureInfo in target, "nothing is signed")
    mnemonics = [action.mnemonic for action in analysistest.target_actions(env)]
    asserts.false(env, "WasmSign" in mnemonics, "no action signs")
    if ctx.attr.split:
        check_command(env, action_of(env, "WasmSplit"), "split", [("--input-file", "key_input_0.wasm"), ("--output-file", name + "_unsigned.wasm")])
    request = written(env, name + "_request.json")
    asserts.equals(env, TWO_KEYS if ctx.attr.split else TWO_KEYS[:1], keys_of(request))
    asserts.true(env, request["input"].endswith("/tests/analysis/{}_unsigned.wasm".format(name)), request["input"])
    asserts.equals(env, ctx.attr.openssh, request["openssh"])
    asserts.equals(env, name + "_signed.wasm", request["output"])
    asserts.equals(env, name + "_signature.sig" if ctx.attr.detached else None, request["signature"])
    runfiles = basenames(target[DefaultInfo].default_runfiles.files)
    for file in [name + "_unsigned.wasm", name + "_request.json", "one.pub"]:
        asserts.true(env, file in runfiles, file + " is among the runfiles")
    return analysistest.end(env)

_sign_later_test = analysistest.make(
    _sign_later_test_impl,
    attrs = {"detached": attr.bool(), "openssh": attr.bool(), "split": attr.bool()},
)

def _sign_now_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    signature = target[WasmSignatureInfo]
    asserts.equals(env, ["key.public", "id_ed25519.pub"], basenames(signature.public_keys))
    asserts.equals(env, (True, "mixed"), (signature.development, signature.key_format))
    sign = action_of(env, "WasmSign")
    argv = sign.argv
    keys = [argument.split("/")[-1] for argument in argv if argument.startswith(("--secret-key=", "--public-key="))]
    asserts.equals(env, ["key.secret", "key.public", "id_ed25519", "id_ed25519.pub"], keys)
    asserts.false(env, "--openssh" in argv, "keys of two formats")
    asserts.equals(env, [name + "_split.wasm"], [value.split("/")[-1] for value in values_of(sign, "--input-file")])
    split = action_of(env, "WasmSplit")
    check_command(env, split, "split", [("--input-file", "key_input_0.wasm"), ("--output-file", name + "_split.wasm")])
    asserts.true(env, "--split-regex=^-x" in split.argv, str(split.argv))
    asserts.equals(env, [], [file for file in basenames(split.inputs) if file.startswith(("key.", "id_"))])
    request = written(env, name + "_request.json")
    asserts.equals(env, [], request["keys"])
    asserts.true(env, request["signed"].endswith("/{}_signed.wasm".format(name)), request["signed"])
    asserts.true(env, request["signed_signature"].endswith("/{}_signature.sig".format(name)), str(request["signed_signature"]))
    runfiles = basenames(target[DefaultInfo].default_runfiles.files)
    asserts.true(env, name + "_signed.wasm" in runfiles and name + "_signature.sig" in runfiles, "the results are among the runfiles")
    asserts.equals(env, [], [file for file in runfiles if file in ("key.secret", "id_ed25519")], "secrets among the runfiles")
    return analysistest.end(env)

_sign_now_test = analysistest.make(_sign_now_test_impl)

def _mark_test_impl(ctx):
    env = analysistest.begin(ctx)
    signature = analysistest.target_under_test(env)[WasmSignatureInfo]
    asserts.equals(env, True, signature.development, "the mark of a development key is kept")
    asserts.equals(env, ["key.public", "id_ed25519.pub"], basenames(signature.public_keys))
    return analysistest.end(env)

_mark_test = analysistest.make(_mark_test_impl)

def _unknown_mark_test_impl(ctx):
    env = analysistest.begin(ctx)
    signature = analysistest.target_under_test(env)[WasmSignatureInfo]
    asserts.equals(env, (None, []), (signature.development, signature.public_keys))
    return analysistest.end(env)

_unknown_mark_test = analysistest.make(_unknown_mark_test_impl)

def _verify_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "WasmVerify")
    asserts.true(env, "one.pub" in basenames(action.inputs), "a wasm_signing_key says whom to trust")
    asserts.true(env, "--openssh" in action.argv, "the format is checked when the file is read")
    return analysistest.end(env)

_verify_test = analysistest.make(_verify_test_impl)

def _subjects(manual):
    wasm_file(name = "key_input")
    wasm_keygen(name = "key_dev_keys", tags = manual)
    ssh_keygen(name = "key_ssh_keys", tags = manual)
    for public in ("one", "two"):
        write_file(name = public + "_public", out = public + ".pub", content = [], tags = manual)
    for kind, ref in _REFS.items():
        wasm_signing_key(name = kind + "_key", key_ref = ref, key_source = kind, public_key = ":one_public", tags = manual)
    wasm_signing_key(name = "second_key", key_source = "ssh-agent", public_key = ":two_public", tags = manual)
    native.alias(name = "made_alias", actual = ":key_dev_keys/key.public", tags = manual)
    native.filegroup(name = "made_group", srcs = [":made_alias"], tags = manual)
    for case, public_key in _MADE.items():
        wasm_signing_key(name = "made_{}_key".format(case), key_ref = "KEY", key_source = "env", public_key = public_key, tags = manual)
    wasm_sign(name = "sign_later_subject", component = ":key_input", keys = ":env_key", tags = manual)
    wasm_sign(
        name = "sign_later_split_subject",
        additional_keys = [":second_key"],
        component = ":key_input",
        detached = True,
        keys = ":env_key",
        openssh_format = True,
        split_regex = "x",
        tags = manual,
    )
    wasm_sign(
        name = "sign_two_subject",
        additional_keys = [":key_ssh_keys"],
        component = ":key_input",
        detached = True,
        keys = ":key_dev_keys",
        split_regex = "^-x",
        tags = manual,
    )
    wasm_signature_attach(name = "mark_attached_subject", component = ":sign_two_subject", tags = manual)
    wasm_signature_detach(name = "mark_detached_subject", signed_component = ":mark_attached_subject", tags = manual)
    wasm_component_oci_image(name = "mark_image_subject", component = ":sign_two_subject", package_name = "pkg", tags = manual)
    wasm_component_oci_image(
        name = "mark_signed_image_subject",
        additional_signing_keys = [":key_ssh_keys"],
        component = ":key_input",
        package_name = "pkg",
        sign_component = True,
        signing_keys = ":key_dev_keys",
        tags = manual,
    )
    wasm_signature_detach(name = "mark_unknown_subject", tags = manual, wasm_file = ":key_input")
    wasm_verify(name = "verify_outside_subject", keys = ":env_key", openssh_format = True, tags = manual, wasm_file = ":key_input")

def signing_key_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    _subjects(["manual"])
    tests = []

    def add(test, case, subject, **attributes):
        test(name = "{}_{}_test".format(name, case), target_under_test = ":" + subject, **attributes)
        tests.append(":{}_{}_test".format(name, case))

    for kind in _REFS:
        add(_key_test, kind, kind + "_key", kind = kind)
    for case in _MADE:
        add(_made_key_test, "made_" + case, "made_{}_key".format(case))
    add(_keygen_test, "keygen", "key_dev_keys")
    add(_sign_later_test, "sign_later", "sign_later_subject")
    add(_sign_later_test, "sign_later_split", "sign_later_split_subject", detached = True, openssh = True, split = True)
    add(_sign_now_test, "sign_now", "sign_two_subject")
    for case in ("attached", "detached", "image", "signed_image"):
        add(_mark_test, "mark_" + case, "mark_{}_subject".format(case))
    add(_unknown_mark_test, "mark_unknown", "mark_unknown_subject")
    add(_verify_test, "verify", "verify_outside_subject")
    native.test_suite(name = name, tests = tests)
