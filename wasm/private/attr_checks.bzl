"""Checks of attributes that several rules have."""

visibility(["//wasm/..."])

def check_split_regex(ctx):
    """Fails for a `split_regex` that would be several lines of a params file, where each line is an argument."""
    if "\n" in ctx.attr.split_regex:
        fail("{}: split_regex = {} has a line break; write \\n for one in a name".format(ctx.label, repr(ctx.attr.split_regex)))
