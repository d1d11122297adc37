"""Labels in messages, as users write them."""

visibility(["//rust/...", "//wasm/..."])

def shown(label):
    """The text of a label without the `@@` of the main repository."""
    text = str(label)
    return text.removeprefix("@@") if text.startswith("@@//") else text
