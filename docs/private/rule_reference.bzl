"""`rule_reference`: Markdown pages from the documentation in .bzl files."""

visibility(["//docs"])

_RENDER = {
    "_render": attr.label(
        cfg = "exec",
        default = Label("//docs/private:render"),
        executable = True,
    ),
}

def _named_files(targets):
    return [(name.replace("%", "%%") + "=%s", target[DefaultInfo].files.to_list()[0]) for target, name in targets.items()]

def _page_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add_all(["page", ctx.attr.title, output])
    for form, file in _named_files(ctx.attr.modules):
        args.add(file, format = form)
    if ctx.file.example:
        args.add("--example", ctx.file.example)
    return _run(ctx, args, output)

def _index_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add_all(["index", output])
    for form, file in _named_files(ctx.attr.modules):
        args.add("--module", file, format = form)
    for form, file in _named_files(ctx.attr.pages):
        args.add("--page", file, format = form)
    return _run(ctx, args, output)

def _run(ctx, args, output):
    ctx.actions.run(
        executable = ctx.executable._render,
        arguments = [args],
        inputs = ctx.files.modules + getattr(ctx.files, "pages", []) + getattr(ctx.files, "example", []),
        outputs = [output],
        mnemonic = "RenderRuleDocs",
        progress_message = "Writing the rule reference %{label}",
    )
    return [DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output]))]

_page = rule(
    implementation = _page_impl,
    attrs = _RENDER | {
        "example": attr.label(allow_single_file = True),
        "modules": attr.label_keyed_string_dict(allow_files = True),
        "title": attr.string(mandatory = True),
    },
)

_index = rule(
    implementation = _index_impl,
    attrs = _RENDER | {
        "modules": attr.label_keyed_string_dict(allow_files = True),
        "pages": attr.label_keyed_string_dict(allow_files = True),
    },
)

def _extract(name, label, deps, symbols = []):
    native.starlark_doc_extract(
        name = name,
        src = label,
        render_main_repo_name = True,
        symbol_names = symbols,
        deps = deps,
    )
    return "@rules_wasm_oci" + label

def rule_reference(name, modules, pages, deps, examples = {}, without_example = []):
    """Makes `<name>/<page>.md` for every page, and `<name>/README.md` with all public symbols.

    Args:
        name: Folder below this package for the committed files.
        modules: Labels of the public .bzl files; each of their symbols must be on a page.
        pages: Dict from the name of a page to a dict from the label of a .bzl file to its symbols for this page; none means all.
        deps: Labels of the libraries of all these files.
        examples: Dict from the name of a page to the name of its example in //docs/examples/<page>, where that is not BUILD.bazel.
        without_example: Names of pages without an example.

    Returns:
        Dict from the name of a generated file to its committed copy, for `synced_files`.
    """
    all_modules = {}
    for label in modules:
        extract = label.removeprefix("//").replace(":", "_").replace("/", "_").removesuffix(".bzl")
        all_modules[extract] = _extract(extract, label, deps)

    page_of = {}
    for page, parts in pages.items():
        extracts = {}
        for label, symbols in parts.items():
            extract = "{}.extract{}".format(page, len(extracts))
            extracts[extract] = _extract(extract, label, deps, symbols)
            page_of[extract] = page
        _page(
            name = "generated/%s.md" % page,
            example = None if page in without_example else "//docs/examples/{}:{}".format(page, examples.get(page, "BUILD.bazel")),
            modules = extracts,
            title = page,
        )

    _index(
        name = "generated/README.md",
        modules = all_modules,
        pages = page_of,
    )
    return {"generated/%s.md" % page: "%s/%s.md" % (name, page) for page in pages.keys() + ["README"]}
