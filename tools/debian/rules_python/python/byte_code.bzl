"""Byte-code of a library's files, which no other library has: without it every start of a program in a sandbox compiles them."""

load("@debian_host//:python.bzl", "CACHE_TAG")

_COMPILE = """
import py_compile, sys
for source, target, name in zip(*[iter(sys.argv[1:])] * 3):
    py_compile.compile(source, cfile=target, dfile=name, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""

def _byte_code_impl(ctx):
    args = ctx.actions.args()
    args.add_all(["-I", "-c", _COMPILE])
    outputs = []
    for source in ctx.files.srcs:
        name = "__pycache__/{}.{}.pyc".format(source.basename.removesuffix(".py"), CACHE_TAG)
        outputs.append(ctx.actions.declare_file(name, sibling = source))
        args.add_all([source, outputs[-1], source.short_path])
    if outputs:
        ctx.actions.run(
            executable = "/usr/bin/python3",
            arguments = [args],
            inputs = ctx.files.srcs,
            outputs = outputs,
            mnemonic = "PyCompile",
            progress_message = "Compiling %{label}",
        )
    return [DefaultInfo(files = depset(outputs), runfiles = ctx.runfiles(outputs))]

byte_code = rule(
    implementation = _byte_code_impl,
    attrs = {"srcs": attr.label_list(allow_files = [".py"])},
    # As in rules_python, a library for a platform that no Python runs on is an error.
    toolchains = ["@bazel_tools//tools/python:toolchain_type"],
)
