"""`pip.parse(…)`: one hub repository for each lock file, installed with its hashes by Debian's pip; a library for each package."""

_LIBRARY = """
py_library(
    name = "{name}",
    compiled = True,
    srcs = {srcs},
    data = {data},
    imports = ["site-packages"],
    visibility = ["//visibility:public"],
    deps = {deps},
)
"""

_ALIAS = """alias(
    name = "{name}",
    actual = "//:{name}",
    visibility = ["//visibility:public"],
)
"""

# One folder for all: each folder on Python's path costs every import a look.
_FOLDER = "site-packages"

def _hub_impl(ctx):
    lock = ctx.path(ctx.attr.requirements_lock)
    ctx.watch(lock)
    python = ctx.which("python3")
    pip = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    flags = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--target", _FOLDER, "-r", str(lock)]
    result = ctx.execute(pip + flags, timeout = 600)
    if result.return_code:
        fail("pip could not install {}:\n{}".format(ctx.attr.requirements_lock, result.stderr))
    result = ctx.execute([python, "-I", ctx.path(Label("//debian:split_hub.py")), _FOLDER])
    if result.return_code:
        fail("the installed packages could not be told apart:\n" + result.stderr)
    build = "load(\"@rules_python//python:py_library.bzl\", \"py_library\")\n"
    for name, found in json.decode(result.stdout).items():
        build += _LIBRARY.format(
            name = name,
            data = json.encode(found["data"]),
            deps = json.encode([":" + dep for dep in found["deps"]]),
            srcs = json.encode(found["srcs"]),
        )
        ctx.file(name + "/BUILD.bazel", _ALIAS.format(name = name))
    ctx.file("BUILD.bazel", build)

_hub = repository_rule(
    implementation = _hub_impl,
    attrs = {"requirements_lock": attr.label(mandatory = True)},
    environ = ["PIP_CERT", "PIP_INDEX_URL"],
)

_parse = tag_class(attrs = {
    "hub_name": attr.string(mandatory = True),
    "python_version": attr.string(),
    "requirements_lock": attr.label(mandatory = True),
})

def _pip_impl(ctx):
    for module in ctx.modules:
        for tag in module.tags.parse:
            _hub(name = tag.hub_name, requirements_lock = tag.requirements_lock)

pip = module_extension(implementation = _pip_impl, tag_classes = {"parse": _parse})
