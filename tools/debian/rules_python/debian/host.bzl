"""`@debian_host`: Debian's Rust compiler, seen as the files that rules_rust wants, and what its Python calls byte-code."""

_BUILD = """load("@rules_rust//rust:toolchain.bzl", "rust_stdlib_filegroup")

package(default_visibility = ["//visibility:public"])

filegroup(name = "rustc", srcs = ["bin/rustc"])

filegroup(name = "rustdoc", srcs = ["bin/rustdoc"])

filegroup(name = "rustc_lib", srcs = glob(["lib/*.so"], allow_empty = True))

rust_stdlib_filegroup(
    name = "std_host",
    srcs = glob(["lib/rustlib/{host}/lib/*.rlib", "lib/rustlib/{host}/lib/*.rmeta", "lib/rustlib/{host}/lib/*.so"], allow_empty = True),
)

rust_stdlib_filegroup(
    name = "std_wasm",
    srcs = glob(["lib/rustlib/wasm32-wasip2/lib/*.rlib", "lib/rustlib/wasm32-wasip2/lib/*.rmeta", "lib/rustlib/wasm32-wasip2/lib/self-contained/**"]),
)

filegroup(name = "wasm_tools", srcs = ["bin/wasm-tools"])
"""

def _debian_host_impl(ctx):
    host = {"amd64": "x86_64", "x86_64": "x86_64", "aarch64": "aarch64"}[ctx.os.arch] + "-unknown-linux-gnu"
    for tool in ["rustc", "rustdoc", "wasm-tools"]:
        ctx.symlink("/usr/bin/" + tool, "bin/" + tool)
    for triple in [host, "wasm32-wasip2"]:
        ctx.symlink("/usr/lib/rustlib/" + triple, "lib/rustlib/" + triple)
    ctx.file("BUILD.bazel", _BUILD.format(host = host))
    tag = ctx.execute(["/usr/bin/python3", "-I", "-c", "import sys; print(sys.implementation.cache_tag, end='')"]).stdout
    ctx.file("python.bzl", "CACHE_TAG = \"{}\"\n".format(tag))
    ctx.file("triple.bzl", "HOST_TRIPLE = \"{}\"\n".format(host))

_debian_host = repository_rule(implementation = _debian_host_impl, local = True)

def _host_impl(_ctx):
    _debian_host(name = "debian_host")

host = module_extension(implementation = _host_impl)
