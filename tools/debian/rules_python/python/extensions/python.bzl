"""`python.toolchain(…)`: says which version is the default, as in rules_python; the interpreter is Debian's for all of them."""

# What rules_python has where the root module names none.
_DEFAULT_VERSION = "3.11"

def _versions_impl(ctx):
    ctx.file("BUILD.bazel")
    ctx.file("versions.bzl", "DEFAULT_PYTHON_VERSION = \"{}\"\n".format(ctx.attr.default_version))

_versions = repository_rule(implementation = _versions_impl, attrs = {"default_version": attr.string()})

_toolchain = tag_class(attrs = {
    "is_default": attr.bool(),
    "python_version": attr.string(mandatory = True),
})

def _python_impl(ctx):
    tags = [tag for module in ctx.modules if module.is_root for tag in module.tags.toolchain]
    default = [tag for tag in tags if tag.is_default or len(tags) == 1]
    _versions(name = "pythons_hub", default_version = default[0].python_version if default else _DEFAULT_VERSION)

python = module_extension(implementation = _python_impl, tag_classes = {"toolchain": _toolchain})
