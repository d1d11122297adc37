"""`json_schema`: the JSON Schema of a configuration file, from the class that reads it."""

visibility(["//docs"])

def _json_schema_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add_all([ctx.attr.file, output])
    ctx.actions.run(
        executable = ctx.executable._schema,
        arguments = [args],
        outputs = [output],
        mnemonic = "WriteJsonSchema",
        progress_message = "Writing the schema %{label}",
    )
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]))]

_json_schema = rule(
    implementation = _json_schema_impl,
    attrs = {
        "file": attr.string(mandatory = True),
        "_schema": attr.label(
            cfg = "exec",
            default = Label("//docs/private:schema"),
            executable = True,
        ),
    },
)

def json_schemas(name, files):
    """Makes `<name>/<file>.schema.json` for every file that docs/private/schema.py knows by that name.

    Args:
        name: Folder below this package for the committed files.
        files: Names of the files.

    Returns:
        Dict from the name of a generated file to its committed copy, for `synced_files`.
    """
    for file in files:
        _json_schema(name = "generated/%s.schema.json" % file, file = file)
    return {"generated/%s.schema.json" % file: "%s/%s.schema.json" % (name, file) for file in files}

def member_page(name, file):
    """Makes the page of the members of a file.

    Args:
        name: Name of the page, which ends with `.md`.
        file: Name of the file.

    Returns:
        Dict from the name of the generated page to its committed copy, for `synced_files`.
    """
    _json_schema(name = "generated/" + name, file = file)
    return {"generated/" + name: name}
