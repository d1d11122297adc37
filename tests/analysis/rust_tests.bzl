"""Analysis tests of rust_wasm_component: each attribute reaches the action that it is for."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("@rules_rust//rust:defs.bzl", "rust_library")
load("//rust:defs.bzl", "rust_wasm_component")
load("//wasm:defs.bzl", "wasm_tools_toolchain")
load(":subjects.bzl", "action_of", "basenames", "check_command", "check_names", "values_of")

def _component_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    asserts.equals(env, [name + ".wasm"], basenames(target[DefaultInfo].files))
    action = action_of(env, "WasmComponent")
    check_command(env, action, "wasm-tools", [("--output-file", name + ".wasm"), ("--wit", "rust_world.wit"), ("component", None)])
    asserts.equals(env, ["runs"], values_of(action, "--world"))
    check_names(env, action, ["wit = //tests/analysis:rust_world.wit"])
    return analysistest.end(env)

_component_test = analysistest.make(_component_test_impl)

def _module_test_impl(ctx):
    env = analysistest.begin(ctx)
    action = action_of(env, "Rustc")
    for argument in ["--edition=2018", "--cfg", "feature=\"loud\"", "-Copt-level=s", "--target=wasm32-wasip2"]:
        asserts.true(env, argument in action.argv, "%s in %s" % (argument, action.argv))
    inputs = basenames(action.inputs)
    asserts.true(env, "rust_main.rs" in inputs, "the sources are inputs")
    asserts.true(env, any([file.startswith("librust_dep") for file in inputs]), "so are the libraries of deps")
    return analysistest.end(env)

_module_test = analysistest.make(_module_test_impl)

def _toolchain_test_impl(ctx):
    env = analysistest.begin(ctx)
    toolchain = analysistest.target_under_test(env)[platform_common.ToolchainInfo]
    asserts.equals(env, "rust_main.rs", toolchain.wasm_tools.basename)
    return analysistest.end(env)

_toolchain_test = analysistest.make(_toolchain_test_impl)

def rust_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    write_file(name = "rust_main", out = "rust_main.rs", content = [], tags = manual)
    write_file(name = "rust_dep_source", out = "rust_dep.rs", content = [], tags = manual)
    write_file(name = "rust_world", out = "rust_world.wit", content = [], tags = manual)
    rust_library(name = "rust_dep", srcs = ["rust_dep.rs"], edition = "2021", tags = manual)
    rust_wasm_component(
        name = "rust_subject",
        srcs = ["rust_main.rs"],
        crate_features = ["loud"],
        edition = "2018",
        rustc_flags = ["-Copt-level=s"],
        tags = manual,
        wit = "rust_world.wit",
        world = "runs",
        deps = [":rust_dep"],
    )
    wasm_tools_toolchain(name = "rust_toolchain_subject", tags = manual, wasm_tools = "rust_main.rs")
    tests = {"component": _component_test, "module": _module_test, "toolchain": _toolchain_test}
    subjects = {"component": ":rust_subject", "module": ":rust_subject.module", "toolchain": ":rust_toolchain_subject"}
    for case, test in tests.items():
        test(name = "{}_{}_test".format(name, case), target_under_test = subjects[case])
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in tests])
