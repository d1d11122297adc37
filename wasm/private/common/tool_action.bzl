"""How build actions run the program `wasm_oci`: one way, so that all of them look alike, and one process serves them all."""

visibility(["//rust/...", "//wasm/..."])

TOOL_ATTRS = {
    "_tool": attr.label(
        cfg = "exec",
        default = Label("//tools/programs:wasm_oci"),
        executable = True,
    ),
}

# For actions that read or make a secret key: it does not leave this machine and is in no cache.
SECRET_REQUIREMENTS = {
    "no-cache": "",
    "no-remote": "",
    "no-remote-cache": "",
}

# One persistent worker runs the actions of all mnemonics. It forks a process for each, so that none of them leaves anything in it.
_WORKER_REQUIREMENTS = {
    "requires-worker-protocol": "json",
    "supports-multiplex-sandboxing": "1",
    "supports-multiplex-workers": "1",
    "supports-worker-cancellation": "1",
    "supports-workers": "1",
    "worker-key-mnemonic": "WasmOci",
}

def params_file_args(ctx, command):
    """Starts the command line of an action.

    All of it is in a params file, one argument a line, because a worker is started without it. Bazel leaves empty lines
    out for a worker, and reads a line that begins with `@` as the name of a file. So text and files go behind an option,
    with `format = "--option=%s"`: a file of the root package may be in a folder `@scope`.

    Args:
        ctx: context of a rule.
        command: string, name of a command of `wasm_oci`.

    Returns:
        Args
    """
    args = ctx.actions.args()
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    args.add(command)
    args.add("--quiet")
    return args

def run_wasm_oci(ctx, *, args, inputs, outputs, mnemonic, progress, execution_requirements = {}, worker = True, toolchain = None):
    """Registers an action that runs one command of `wasm_oci`.

    Args:
        ctx: context of a rule with TOOL_ATTRS.
        args: Args made by params_file_args.
        inputs: dict from each File to its text in errors, such as shown_file gives: users know no path of an execution root.
        outputs: list of File.
        mnemonic: string.
        progress: string, the progress message up to the label.
        execution_requirements: dict, such as SECRET_REQUIREMENTS.
        worker: bool, False for an action that must be a process of its own.
        toolchain: Label of the toolchain type whose program the command starts, or None.
    """
    for file, text in inputs.items():
        args.add(text, format = "--shown-as=%s")
        args.add_all([file], expand_directories = False, format_each = "--shown-file=%s")
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        inputs = inputs.keys(),
        outputs = outputs,
        mnemonic = mnemonic,
        progress_message = progress + " %{label}",
        execution_requirements = (_WORKER_REQUIREMENTS if worker else {}) | execution_requirements,
        toolchain = toolchain,
    )
