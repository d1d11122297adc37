"""Tags with `{STABLE_NAME}`, the value of which is known when a target is run."""

load("//wasm/private/common:image_ref.bzl", "tag_error")

visibility([
    "//tests/...",
    "//wasm/...",
])

_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

def is_stamped(tag):
    """Whether a tag has a place for a value of the workspace status."""
    return "{" in tag

def stamped_tag_error(tag):
    """Checks a tag in which `{STABLE_NAME}` may stand for a value; returns what is wrong and how to write it, or None."""
    if not is_stamped(tag):
        return tag_error(tag)
    parts = tag.split("{")
    text = parts[0]
    for part in parts[1:]:
        name, brace, rest = part.partition("}")
        if not brace or not name.startswith("STABLE_") or name == "STABLE_" or name.strip(_NAME):
            return "{} is not a tag; write {{STABLE_NAME}} for a value that the program of --workspace_status_command prints".format(repr(tag))
        text += "x" + rest
    error = tag_error(text)
    return error.replace(repr(text), repr(tag)) if error else None
