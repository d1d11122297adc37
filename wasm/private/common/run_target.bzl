"""The only way to make a target for `bazel run`: a request in JSON, and a launcher that starts the program with it."""

load("@bazel_skylib//lib:shell.bzl", "shell")
load("//tools:host_transition.bzl", "host_transition")

visibility(["//wasm/..."])

RUN_TARGET_ATTRS = {
    "_allowlist_function_transition": attr.label(
        default = Label("@bazel_tools//tools/allowlists/function_transition_allowlist"),
    ),
    "_launcher": attr.label(
        allow_single_file = True,
        cfg = host_transition,
        default = Label("//wasm/private/common:launcher"),
    ),
    "_program": attr.label(
        cfg = host_transition,
        default = Label("//tools/programs:wasm_oci"),
        executable = True,
    ),
}

def rlocation_path(ctx, file):
    """Path by which runfiles libraries find a file."""
    if file.short_path.startswith("../"):
        return file.short_path.removeprefix("../")
    return ctx.workspace_name + "/" + file.short_path

def _substitutions(values, template):
    # In a batch file a percent sign stands for itself only when doubled.
    quote = (lambda text: text.replace("%", "%%")) if template.extension == "bat" else shell.quote
    return {"{{%s}}" % name: quote(value) for name, value in values.items()}

def make_run_target(ctx, *, command, request, files, default_files = None):
    """Writes the request and the launcher of a run target.

    Args:
        ctx: context of an executable rule with RUN_TARGET_ATTRS.
        command: string, command of `wasm_oci` that reads the request.
        request: dict, written as JSON; paths of files in it are rlocation paths.
        files: list of File that the request names.
        default_files: list of File, the default outputs if they are not the launcher.

    Returns:
        struct(providers list, of the rule; request File).
    """
    template = ctx.file._launcher
    program = ctx.attr._program[0][DefaultInfo]

    request_file = ctx.actions.declare_file(ctx.label.name + "_request.json")
    ctx.actions.write(request_file, json.encode_indent(request, indent = "  ") + "\n")

    launcher = ctx.actions.declare_file("{}_launcher.{}".format(ctx.label.name, template.extension))
    ctx.actions.expand_template(
        is_executable = True,
        output = launcher,
        substitutions = _substitutions({
            "command": command,
            "program": rlocation_path(ctx, program.files_to_run.executable),
            "request": rlocation_path(ctx, request_file),
        }, template),
        template = template,
    )
    runfiles = ctx.runfiles([request_file] + files).merge(program.default_runfiles)
    return struct(
        providers = [DefaultInfo(
            executable = launcher,
            files = depset([launcher] if default_files == None else default_files),
            runfiles = runfiles,
        )],
        request = request_file,
    )
