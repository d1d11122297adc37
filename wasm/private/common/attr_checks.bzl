"""Checks of attributes that several rules have."""

load(":shown.bzl", "shown", "shown_target")

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
            shown_target(ctx),
            attribute,
            shown(label),
            key.key_format,
        ))

def check_one_line(ctx, attribute, advice):
    """Fails if an attribute has a line break: each line of a params file is an argument, without its carriage return.

    Args:
        ctx: context of a rule.
        attribute: string, the name of a string attribute.
        advice: string, what to write.
    """
    value = getattr(ctx.attr, attribute)
    if "\n" in value or "\r" in value:
        fail("{}: {} = {} has a line break; {}".format(shown_target(ctx), attribute, repr(value), advice))

def check_split_regex(ctx):
    """Fails for a `split_regex` that is more than one argument."""
    check_one_line(ctx, "split_regex", "write \\n or \\r for one in a name")
