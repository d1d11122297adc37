"""Analysis tests of images whose component is split before it is signed."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//wasm:defs.bzl", "wasm_component_oci_image", "wasm_keygen", "wasm_signing_key")
load(":subjects.bzl", "action_of", "basenames", "check_command", "wasm_file")

# Images that are split: who signs to (key, type of signature, what reads the split file).
_SPLIT = {
    "later": (":split_outside", "embedded", "Symlink"),
    "later_detached": (":split_outside", "detached", "WasmNormalise"),
    "now": (":split_dev_keys", "embedded", "WasmSign"),
    "now_detached": (":split_dev_keys", "detached", "WasmSign"),
}

def _split_test_impl(ctx):
    env = analysistest.begin(ctx)
    name = analysistest.target_under_test(env).label.name
    split = action_of(env, "WasmSplit")
    check_command(env, split, "split", [("--input-file", "split_input_0.wasm"), ("--output-file", name + "_split.wasm"), ("--split-regex=^-x", None)])
    if ctx.attr.reader == "Symlink":
        links = [action for action in analysistest.target_actions(env) if name + "_unsigned.wasm" in basenames(action.outputs)]
        asserts.equals(env, [[name + "_split.wasm"]], [basenames(action.inputs) for action in links], "the run signs what is split")
    else:
        check_command(env, action_of(env, ctx.attr.reader), ctx.attr.reader.removeprefix("Wasm").lower(), [("--input-file", name + "_split.wasm")])
    return analysistest.end(env)

_split_test = analysistest.make(_split_test_impl, attrs = {"reader": attr.string()})

def split_image_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "split_input")
    wasm_keygen(name = "split_dev_keys", tags = manual)
    write_file(name = "split_public", out = "split_public.pub", content = [], tags = manual)
    wasm_signing_key(name = "split_outside", key_source = "ssh-agent", public_key = ":split_public", tags = manual)
    for case, (key, kind, reader) in _SPLIT.items():
        wasm_component_oci_image(
            name = "split_{}_subject".format(case),
            component = ":split_input",
            package_name = "pkg",
            sign_component = True,
            signature_type = kind,
            signing_keys = key,
            split_regex = "^-x",
            tags = manual,
        )
        _split_test(
            name = "{}_{}_test".format(name, case),
            reader = reader,
            target_under_test = ":split_{}_subject".format(case),
        )
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in _SPLIT])
