"""`host_binary`: a program that is built for this machine whatever `--platforms` says, beside data that is not."""

load("//wasm/private/common:host_transition.bzl", "host_transition")

visibility(["//examples/..."])

def _host_binary_impl(ctx):
    program = ctx.attr.program[0][DefaultInfo]
    executable = program.files_to_run.executable
    extension = "." + executable.extension if executable.extension else ""
    output = ctx.actions.declare_file(ctx.label.name + extension)
    ctx.actions.symlink(
        is_executable = True,
        output = output,
        target_file = executable,
    )
    runfiles = ctx.runfiles(ctx.files.data).merge(program.default_runfiles)
    runfiles = runfiles.merge_all([target[DefaultInfo].default_runfiles for target in ctx.attr.data])
    return [DefaultInfo(
        executable = output,
        files = depset([output]),
        runfiles = runfiles,
    )]

host_binary = rule(
    implementation = _host_binary_impl,
    doc = "Runs `program`, built for the host platform, with `data` of the target platform among its runfiles.",
    attrs = {
        "data": attr.label_list(
            doc = "What the program needs of the target platform; `args` may name it by `$(rootpath …)`.",
            allow_files = True,
        ),
        "program": attr.label(
            doc = "The program: an executable target.",
            cfg = host_transition,
            executable = True,
            mandatory = True,
        ),
        "_allowlist_function_transition": attr.label(
            default = Label("@bazel_tools//tools/allowlists/function_transition_allowlist"),
        ),
    },
    executable = True,
)
