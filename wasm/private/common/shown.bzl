"""Labels in messages, as users write them."""

visibility(["//rust/...", "//wasm/..."])

# For a rule whose targets a macro makes under other names: the name that the user wrote. Without `doc`, since only macros set it.
WRITTEN_AS_ATTR = {"written_as": attr.string()}

def shown(label):
    """The text of a label without the `@@` of the main repository."""
    text = str(label)
    return text.removeprefix("@@") if text.startswith("@@//") else text

def shown_file(attribute, label, file):
    """The text for a file that an attribute names, for errors of build actions.

    Args:
        attribute: string, name of the attribute.
        label: Label that the attribute has.
        file: File of that target.

    Returns:
        string, with the file's name where the label does not end with it
    """
    text = "{} = {}".format(attribute, shown(label))
    return text if label.name.split("/")[-1] == file.basename else "{} ({})".format(text, file.basename)

def shown_target(ctx):
    """The text of the label of the target that the user wrote, which is where an error is mended.

    Args:
        ctx: context of a rule, with WRITTEN_AS_ATTR or without.

    Returns:
        string
    """
    name = getattr(ctx.attr, "written_as", "")
    return shown(ctx.label.same_package_label(name) if name else ctx.label)
