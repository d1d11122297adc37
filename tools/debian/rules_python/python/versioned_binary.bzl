"""What `python_version` of a program does in rules_python: it changes the configuration, and so the folder of the outputs."""

_FLAG = "//python/config_settings:python_version"

python_version_flag = rule(
    implementation = lambda _: [],
    build_setting = config.string(flag = True),
)

_with_version = transition(
    implementation = lambda _, attr: {_FLAG: attr.python_version},
    inputs = [],
    outputs = [_FLAG],
)

def _versioned_binary_impl(ctx):
    program = ctx.attr.program[DefaultInfo]
    output = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(is_executable = True, output = output, target_file = program.files_to_run.executable)
    return [DefaultInfo(executable = output, runfiles = program.default_runfiles)]

versioned_binary = rule(
    implementation = _versioned_binary_impl,
    attrs = {
        "program": attr.label(cfg = "target", executable = True, mandatory = True),
        "python_version": attr.string(mandatory = True),
        "_allowlist_function_transition": attr.label(default = Label("@bazel_tools//tools/allowlists/function_transition_allowlist")),
    },
    cfg = _with_version,
    executable = True,
)
