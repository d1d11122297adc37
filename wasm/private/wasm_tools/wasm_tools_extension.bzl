"""Fetches wasm-tools for the platform that needs it, or takes the program that the root module names."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")

visibility(["//wasm"])

_VERSION = "1.246.2"
_URL = "https://github.com/bytecodealliance/wasm-tools/releases/download/v{version}/{folder}.{archive}"

# Platform of the release to the sha256 of its archive.
_SHA256 = {
    "aarch64-linux": "cd28f8086297b491d857a5a8118d0de3b910f785d0b465defb4ca4d3826937dc",
    "aarch64-macos": "0ff7b4594d6ef643df282f8672ee2af6cec85d006bb83fa9d69c805b8cc6eabf",
    "x86_64-linux": "f0df9428792225322e9b4344ca581f03b1740d509d6bdad33d14a810009be9ec",
    "x86_64-macos": "fd89fb34457e7d2f7e221f3971b023674fa1ca5ac650b9685320a3324082ddb6",
    "x86_64-windows": "1be1934e9a630ff95ab869eba85bba30d652b61b0e6bfb88aac76d0ee3892035",
}

_PROGRAM_BUILD = """load("{defs}", "wasm_tools_toolchain")

wasm_tools_toolchain(
    name = "wasm_tools",
    wasm_tools = "{program}",
    visibility = ["//visibility:public"],
)
"""

_TOOLCHAIN_BUILD = """
toolchain(
    name = "{name}",
    exec_compatible_with = {constraints},
    toolchain = "{toolchain}",
    toolchain_type = "{toolchain_type}",
)
"""

_DOC = """Makes `@wasm_tools_toolchains`: wasm-tools {} for each platform that has a release.

These toolchains are registered by rules_wasm_oci itself, and only the release for the execution platform is fetched. So most
modules need nothing of this. To use a wasm-tools of your own, write in MODULE.bazel:

```starlark
wasm_tools = use_extension("@rules_wasm_oci//wasm:extensions.bzl", "wasm_tools")
wasm_tools.toolchain(wasm_tools = "//third_party:wasm-tools")
```
"""

_toolchain_tag = tag_class(
    doc = "Replaces the official release with a wasm-tools of your own. Only the tag of the root module is read; in others it has no effect.",
    attrs = {
        "wasm_tools": attr.label(
            doc = "Label of the program: a single executable file, or a target with one file, that runs on the execution platform.",
            mandatory = True,
        ),
    },
)

def _constraints(platform):
    cpu, os = platform.split("-")
    return ["@platforms//cpu:" + cpu, "@platforms//os:" + os]

def _toolchains_impl(ctx):
    build = ""
    if ctx.attr.wasm_tools:
        build = _PROGRAM_BUILD.format(defs = Label("//wasm:defs.bzl"), program = ctx.attr.wasm_tools)
    for name, toolchain in ctx.attr.toolchains.items():
        build += _TOOLCHAIN_BUILD.format(
            constraints = json.encode(ctx.attr.constraints.get(name, [])),
            name = name,
            toolchain = toolchain,
            toolchain_type = Label("//wasm:wasm_tools_toolchain_type"),
        )
    ctx.file("BUILD.bazel", build)

_toolchains = repository_rule(
    implementation = _toolchains_impl,
    doc = "Holds the toolchains that MODULE.bazel registers; nothing is fetched before one is chosen.",
    attrs = {
        "constraints": attr.string_list_dict(doc = "Name of a toolchain to the constraints of its execution platform."),
        "toolchains": attr.string_dict(doc = "Name of a toolchain to the label of its implementation."),
        "wasm_tools": attr.string(doc = "Canonical label of the user's own program, if there is one."),
    },
)

def _own_program(module_ctx):
    for module in module_ctx.modules:
        for tag in module.tags.toolchain:
            if module.is_root:
                return str(tag.wasm_tools)
    return None

def _wasm_tools_impl(module_ctx):
    program = _own_program(module_ctx)
    if program:
        _toolchains(
            name = "wasm_tools_toolchains",
            toolchains = {"own": ":wasm_tools"},
            wasm_tools = program,
        )
        return module_ctx.extension_metadata(reproducible = True)

    for platform, sha256 in _SHA256.items():
        windows = platform.endswith("windows")
        folder = "wasm-tools-{}-{}".format(_VERSION, platform)
        http_archive(
            name = "wasm_tools_" + platform.replace("-", "_"),
            build_file_content = _PROGRAM_BUILD.format(
                defs = Label("//wasm:defs.bzl"),
                program = "wasm-tools.exe" if windows else "wasm-tools",
            ),
            sha256 = sha256,
            strip_prefix = folder,
            url = _URL.format(archive = "zip" if windows else "tar.gz", folder = folder, version = _VERSION),
        )
    _toolchains(
        name = "wasm_tools_toolchains",
        constraints = {platform: _constraints(platform) for platform in _SHA256},
        toolchains = {
            platform: "@wasm_tools_{}//:wasm_tools".format(platform.replace("-", "_"))
            for platform in _SHA256
        },
    )
    return module_ctx.extension_metadata(reproducible = True)

wasm_tools = module_extension(
    implementation = _wasm_tools_impl,
    doc = _DOC.format(_VERSION),
    tag_classes = {"toolchain": _toolchain_tag},
)
