"""How build actions run the program `wasm_oci`: one way, so that all of them look alike."""

visibility(["//wasm/..."])

TOOL_ATTRS = {
    "_tool": attr.label(
        cfg = "exec",
        default = Label("//tools:wasm_oci"),
        executable = True,
    ),
}

# For actions that read or make a secret key: it does not leave this machine and is in no cache.
SECRET_REQUIREMENTS = {
    "no-cache": "",
    "no-remote": "",
    "no-remote-cache": "",
}

def params_file_args(ctx):
    """Returns Args that reach the tool in a params file, one argument a line."""
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    return args

def run_wasm_oci(ctx, *, command, args, inputs, outputs, mnemonic, progress, execution_requirements = {}):
    """Registers an action that runs one command of `wasm_oci`.

    Args:
        ctx: context of a rule with TOOL_ATTRS.
        command: string, name of the command.
        args: Args made by params_file_args.
        inputs: list of File.
        outputs: list of File.
        mnemonic: string.
        progress: string, the progress message up to the label.
        execution_requirements: dict, such as SECRET_REQUIREMENTS.
    """
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [command, "--quiet", args],
        inputs = inputs,
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = progress + " %{label}",
        execution_requirements = execution_requirements,
    )
