"""Analysis tests of images, and of their publish targets, whose keys are outside the build: they are signed when they are published."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "wasm_component_oci_image", "wasm_component_oci_publish", "wasm_component_publish", "wasm_signing_key")
load("//wasm:providers.bzl", "WasmOciImageInfo", "WasmSignatureInfo")
load(":subjects.bzl", "TWO_KEYS", "action_of", "basenames", "check_command", "image_facts_of", "keys_of", "values_of", "wasm_file", "written")

def _image_later_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name, detached = target.label.name, ctx.attr.kind == "detached"
    wasm = name + ("_oci.wasm" if detached else "_unsigned.wasm")
    facts = [name + "_metadata.json"] + ([name + "_digest.txt", name + "_reference.txt"] if detached else [])
    asserts.equals(env, [wasm] + facts, basenames(target[DefaultInfo].files))
    asserts.equals(env, [name + "_layout"], basenames(target[OutputGroupInfo].layout))
    image = target[WasmOciImageInfo]
    asserts.equals(env, (detached, detached), (image.digest_file != None, image.reference_file != None))
    asserts.equals(env, (ctx.attr.kind, None), (image.signature_type, image.signature_file))
    asserts.equals(env, wasm, image.wasm_file.basename)
    asserts.false(env, WasmSignatureInfo in target, "nothing is signed")
    asserts.equals(env, ["one.pub", "two.pub"], basenames([key.public_key for key in image.signers]))
    asserts.equals(env, ["env", "ssh-agent"], [key.key_source for key in image.signers])
    mnemonics = [action.mnemonic for action in analysistest.target_actions(env)]
    asserts.equals(env, (False, detached), ("WasmSign" in mnemonics, "WasmNormalise" in mnemonics))
    if detached:
        check_command(env, action_of(env, "WasmNormalise"), "normalise", [("--input-file", "later_image_input_0.wasm"), ("--output-file", wasm)])
    action = action_of(env, "WasmOciLayout")
    options = [("--input", wasm), ("--public-key", "one.pub"), ("--metadata", name + "_metadata.json")]
    digests = [("--digest", name + "_digest.txt"), ("--reference", name + "_reference.txt")]
    check_command(
        env,
        action,
        "image",
        options + (digests if detached else []),
        absent = ["--signature-file"] + ([] if detached else ["--digest", "--reference"]),
    )
    asserts.true(env, "one.pub" in basenames(action.inputs) and "two.pub" in basenames(action.inputs), "the public keys are inputs")
    keys = [value.split("/")[-1] for value in values_of(action, "--public-key")]
    asserts.equals(env, ["one.pub", "two.pub"], keys)
    facts = image_facts_of(action)
    asserts.equals(env, (ctx.attr.kind, "none"), (facts["signature_type"], facts["key_format"]))
    return analysistest.end(env)

_image_later_test = analysistest.make(_image_later_test_impl, attrs = {"kind": attr.string()})

def _publish_later_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")
    signing = request["signing"]
    asserts.equals(env, (ctx.attr.kind == "embedded", None), (bool(signing["image"]), request["signature"]))
    asserts.equals(env, TWO_KEYS, keys_of(signing))
    runfiles = basenames(target[DefaultInfo].default_runfiles.files)
    content = signing["image"]["component"] if ctx.attr.kind == "embedded" else request["layout"]
    for file in [content.split("/")[-1], "one.pub", "two.pub"]:
        asserts.true(env, file in runfiles, file + " is among the runfiles")
    if ctx.attr.kind == "detached":
        asserts.equals(env, None, signing["image"], "a detached signature leaves the image alone")
        return analysistest.end(env)
    image = signing["image"]
    asserts.equals(env, ("embedded", "pkg"), (image["signature_type"], image["package_name"]))
    asserts.equals(env, None, request["layout"], "the layout is made when the component is signed")
    asserts.false(env, "bazel-out" in json.encode(request), "paths of the request are those of runfiles")
    return analysistest.end(env)

_publish_later_test = analysistest.make(_publish_later_test_impl, attrs = {"kind": attr.string()})

def _digest_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, ["detached_later_subject_digest.txt"], basenames(analysistest.target_under_test(env)[DefaultInfo].files))
    return analysistest.end(env)

_digest_test = analysistest.make(_digest_test_impl)

def image_later_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "later_image_input")
    wasm_signing_key(name = "image_env_key", key_ref = "RELEASE_KEY", key_source = "env", public_key = ":one_public", tags = manual)
    wasm_signing_key(name = "image_agent_key", key_source = "ssh-agent", public_key = ":two_public", tags = manual)
    for kind in ("detached", "embedded"):
        wasm_component_oci_image(
            name = kind + "_later_subject",
            additional_signing_keys = [":image_agent_key"],
            component = ":later_image_input",
            package_name = "pkg",
            sign_component = True,
            signature_type = kind,
            signing_keys = ":image_env_key",
            tags = manual,
        )
        wasm_component_publish(name = kind + "_publish_later_subject", oci_image = kind + "_later_subject", tags = manual)
    wasm_component_oci_publish(
        name = "macro_later_subject",
        additional_signing_keys = [":image_agent_key"],
        component = ":later_image_input",
        package_name = "pkg",
        sign_component = True,
        signing_keys = ":image_env_key",
        tags = manual,
    )
    tests = []

    def add(test, case, subject, **attributes):
        test(name = "{}_{}_test".format(name, case), target_under_test = ":" + subject, **attributes)
        tests.append(":{}_{}_test".format(name, case))

    for kind in ("detached", "embedded"):
        add(_image_later_test, kind + "_image", kind + "_later_subject", kind = kind)
        add(_publish_later_test, kind + "_publish", kind + "_publish_later_subject", kind = kind)
    add(_publish_later_test, "macro", "macro_later_subject", kind = "embedded")
    add(_digest_test, "digest", "detached_later_subject.digest")
    native.test_suite(name = name, tests = tests)
