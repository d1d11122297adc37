"""The transition for what runs on this machine: the target platform may be WebAssembly, and `exec` is a worker's."""

visibility(["//tools", "//wasm/..."])

def _host_transition_impl(settings, _attr):
    return {"//command_line_option:platforms": str(settings["//command_line_option:host_platform"])}

host_transition = transition(
    implementation = _host_transition_impl,
    inputs = ["//command_line_option:host_platform"],
    outputs = ["//command_line_option:platforms"],
)
