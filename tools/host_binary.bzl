"""`host_binary`: a program that is built for this machine whatever `--platforms` says, under a path that does not depend on how."""

load(":host_transition.bzl", "host_transition")

visibility(["//examples/...", "//tests/...", "//tools"])

def _host_binary_impl(ctx):
    program = ctx.attr.program[0][DefaultInfo]
    executable = program.files_to_run.executable
    stem = executable.basename.removesuffix("." + executable.extension)
    links = {}
    for file in program.files.to_list():
        # On Windows a launcher, NAME.exe, starts what is beside it, NAME.zip.
        if not file.is_source and file.basename.removesuffix("." + file.extension) == stem:
            # In a folder of their own: a package may have a folder with the program's name.
            links[file] = ctx.actions.declare_file("bin/" + file.basename)
            ctx.actions.symlink(
                is_executable = file == executable,
                output = links[file],
                target_file = file,
            )
    runfiles = ctx.runfiles(ctx.files.data).merge(program.default_runfiles)
    runfiles = runfiles.merge_all([target[DefaultInfo].default_runfiles for target in ctx.attr.data])
    tree = program.files_to_run.runfiles_manifest
    return [
        DefaultInfo(
            executable = links[executable],
            files = depset(links.values()),
            runfiles = runfiles,
        ),
        # The program's own runfiles too, so that what a link leads to can be started.
        OutputGroupInfo(_hidden_top_level_INTERNAL_ = depset([tree] if tree else [])),
    ]

host_binary = rule(
    implementation = _host_binary_impl,
    doc = """Runs `program`, built for the host platform, with `data` of the target platform among its runfiles.

The program may change its own configuration, such as the version of Python. Bazel points `bazel-bin` at the configuration of the target that
is run; that is this one, the command line's, so that paths below `bazel-bin` in the program's arguments mean what was built before.
""",
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
