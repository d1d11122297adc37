"""Which target a user wrote, where a macro made another one of it."""

visibility(["//wasm/private/..."])

WasmWrittenAsInfo = provider(
    doc = "The target under whose name the user wrote the attributes of this one.",
    fields = {"label": "string: its label as users write it."},
)
