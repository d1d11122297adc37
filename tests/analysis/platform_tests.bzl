"""With WebAssembly as target platform, where no Python can run, every kind of target still finds its tools."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(
    "//wasm:defs.bzl",
    "wasm_component_oci_image",
    "wasm_component_publish",
    "wasm_keygen",
    "wasm_sign",
    "wasm_validate",
    "wasm_verify",
    "wasm_verify_test",
)
load(":subjects.bzl", "action_of", "basenames", "wasm_file")

# Not wasm32: a tool in the target configuration would be incompatible with it, and the test skipped where it must fail.
_WASM = {"//command_line_option:platforms": str(Label("//tests/analysis:wasm64"))}

def _build_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, ctx.attr.action)
    asserts.true(env, ctx.attr.tool in basenames(action.inputs), "%s runs %s" % (ctx.attr.action, ctx.attr.tool))
    return analysistest.end(env)

_build_test = analysistest.make(
    _build_test_impl,
    attrs = {"action": attr.string(), "tool": attr.string()},
    config_settings = _WASM,
)

def _run_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    action = action_of(env, "TemplateExpand")
    asserts.true(env, "wasm_oci" in basenames(target[DefaultInfo].default_runfiles.files), "the program is among the runfiles")
    asserts.true(env, action.substitutions["{{program}}"].endswith("/wasm_oci'"), action.substitutions["{{program}}"])
    asserts.equals(env, "'%s'" % ctx.attr.command, action.substitutions["{{command}}"])
    request = "/%s_request.json'" % target.label.name
    asserts.true(env, action.substitutions["{{request}}"].endswith(request), action.substitutions["{{request}}"])
    return analysistest.end(env)

_run_test = analysistest.make(_run_test_impl, attrs = {"command": attr.string()}, config_settings = _WASM)

def _program_test_impl(ctx):
    env = analysistest.begin(ctx)
    program = analysistest.target_under_test(env)[DefaultInfo].files_to_run.executable
    folder = analysistest.target_bin_dir_path(env)
    asserts.equals(env, folder, program.root.path, "the program is in the configuration that bazel-bin is for")
    sources = action_of(env, "ExecutableSymlink").inputs.to_list()
    asserts.true(env, folder not in [source.root.path for source in sources], "it leads to the program of the host: %s" % sources)
    return analysistest.end(env)

_program_test = analysistest.make(_program_test_impl, config_settings = _WASM)

def platform_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "platform_input")
    wasm_keygen(name = "platform_keys", tags = manual)
    wasm_sign(name = "platform_sign", component = ":platform_input", keys = ":platform_keys", tags = manual)
    wasm_verify(name = "platform_verify", keys = ":platform_keys", signed_component = ":platform_sign", tags = manual)
    wasm_verify_test(name = "platform_verify_test", keys = ":platform_keys", signed_component = ":platform_sign", tags = manual)
    wasm_validate(name = "platform_validate", component = ":platform_input", tags = manual)
    wasm_component_oci_image(name = "platform_image", component = ":platform_input", package_name = "pkg", tags = manual)
    wasm_component_publish(name = "platform_publish", oci_image = ":platform_image", tags = manual)
    builds = {
        "image": ("WasmOciLayout", "wasm_oci"),
        "keys": ("WasmKeygen", "wasm_oci"),
        "sign": ("WasmSign", "wasm_oci"),
        "validate": ("WasmValidate", "wasm_oci"),
        "verify": ("WasmVerify", "wasm_oci"),
    }
    runs = {"publish": "push", "sign": "sign", "verify_test": "verify"}
    for case, (action, tool) in builds.items():
        _build_test(
            name = "{}_{}_test".format(name, case),
            action = action,
            target_under_test = ":platform_" + case,
            tool = tool,
        )
    for case, command in runs.items():
        _run_test(
            name = "{}_run_{}_test".format(name, case),
            command = command,
            target_under_test = ":platform_" + case,
        )
    programs = ["local_registry", "wasm_oci", "wasmsign2"]
    for program in programs:
        _program_test(name = "{}_{}_program_test".format(name, program), target_under_test = "//tools:" + program)
    cases = builds.keys() + ["run_" + case for case in runs] + [program + "_program" for program in programs]
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in cases])
