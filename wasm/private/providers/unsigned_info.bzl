"""What a target says that is signed only when it is run."""

visibility(["//wasm/private/..."])

WasmUnsignedInfo = provider(
    doc = "A module or component whose signature is made by `bazel run`: no rule may take it for a signed one.",
    fields = {"wasm_file": "File: what will be signed."},
)
