"""Byte-code of a library's files: without it every start of a program in a sandbox compiles all of them again."""

load("@debian_host//:python.bzl", "CACHE_TAG")

_COMPILE = """
import py_compile, sys
source, target, name = sys.argv[1:]
py_compile.compile(source, cfile=target, dfile=name, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""

def _compile(ctx, source):
    name = "__pycache__/{}.{}.pyc".format(source.basename.removesuffix(".py"), CACHE_TAG)
    output = ctx.actions.declare_file(name, sibling = source)

    # Two libraries may have one file: their actions are then the same to the letter, which Bazel allows.
    ctx.actions.run(
        executable = "/usr/bin/python3",
        arguments = ["-I", "-c", _COMPILE, source.path, output.path, source.short_path],
        inputs = [source],
        outputs = [output],
        mnemonic = "PyCompile",
        progress_message = "Compiling %{input}",
    )
    return output

def _byte_code_impl(ctx):
    outputs = [_compile(ctx, source) for source in ctx.files.srcs]
    return [DefaultInfo(files = depset(outputs), runfiles = ctx.runfiles(outputs))]

byte_code = rule(
    implementation = _byte_code_impl,
    attrs = {"srcs": attr.label_list(allow_files = [".py"])},
)
