"""`pip.parse(…)`: one hub repository for each lock file, installed with its hashes by Debian's pip."""

_BUILD = """load("@rules_python//python:py_library.bzl", "py_library")

py_library(
    name = "{name}",
    compiled = True,
    srcs = glob(["site-packages/**/*.py"], allow_empty = True),
    data = glob(["site-packages/**"], exclude = ["site-packages/**/*.py"], allow_empty = True),
    imports = ["site-packages"],
    visibility = ["//visibility:public"],
    deps = {deps},
)
"""

def _hub_impl(ctx):
    lock = ctx.path(ctx.attr.requirements_lock)
    ctx.watch(lock)
    python = ctx.which("python3")
    pip = [python, "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location"]
    flags = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--no-compile", "--target", "all", "-r", str(lock)]
    result = ctx.execute(pip + flags, timeout = 600)
    if result.return_code:
        fail("pip could not install {}:\n{}".format(ctx.attr.requirements_lock, result.stderr))
    result = ctx.execute([python, "-I", ctx.path(Label("//debian:split_hub.py")), "all"])
    if result.return_code:
        fail("the installed packages could not be told apart:\n" + result.stderr)
    for name, deps in json.decode(result.stdout).items():
        ctx.file(name + "/BUILD.bazel", _BUILD.format(name = name, deps = json.encode(["//" + dep for dep in deps])))
    ctx.delete("all")
    ctx.file("BUILD.bazel", "")

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
