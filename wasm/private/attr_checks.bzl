"""Checks of attributes that several rules have."""

visibility(["//wasm/..."])

def check_key_format(ctx, attribute, key, label):
    """Fails if `openssh_format` is True and a key is known to be another one.

    Args:
        ctx: context of a rule with `openssh_format`.
        attribute: string, which names the key.
        key: WasmKeyInfo.
        label: Label that the attribute names.
    """
    if ctx.attr.openssh_format and key.key_format not in ("openssh", None):
        fail("{}: openssh_format = True, but {} = {} is a {} key; remove openssh_format or name an OpenSSH key".format(
            ctx.label,
            attribute,
            label,
            key.key_format,
        ))

def check_split_regex(ctx):
    """Fails for a `split_regex` that would be several lines of a params file, where each line is an argument."""
    if "\n" in ctx.attr.split_regex:
        fail("{}: split_regex = {} has a line break; write \\n for one in a name".format(ctx.label, repr(ctx.attr.split_regex)))
