"""`python.toolchain(…)`: accepted and without effect, the interpreter is Debian's."""

_toolchain = tag_class(attrs = {
    "is_default": attr.bool(),
    "python_version": attr.string(mandatory = True),
})

python = module_extension(implementation = lambda _: None, tag_classes = {"toolchain": _toolchain})
