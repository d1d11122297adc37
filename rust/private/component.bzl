"""`rust_wasm_component`: compile with rules_rust, then make a component of the core module."""

load("@rules_rust//rust:defs.bzl", "rust_binary", "rust_shared_library")
load("//wasm/private/common:macro_attrs.bzl", "check_attributes")
load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")

visibility(["//rust/..."])

_PLATFORM = Label("//rust:wasm32_wasip2")
_TOOLCHAIN = Label("//wasm:wasm_tools_toolchain_type")

_DOC = """Makes a WebAssembly component of a core module that `rustc --target wasm32-wasip2` linked.

A toolchain whose linker emits components already (rustup's does) is left as it is; for others (Debian's)
`wasm-tools component new` makes the component from the type information that the module carries.
"""

_ATTRS = {
    "module": attr.label(
        doc = "The linked WebAssembly module: a target with exactly one `.wasm` file.",
        mandatory = True,
        providers = [DefaultInfo],
    ),
    "wit": attr.label(
        doc = "A `.wit` file or a folder of them, embedded before the component is made.",
        allow_single_file = True,
    ),
    "world": attr.string(doc = "The world of `wit` that the module implements; needed where `wit` has several."),
} | TOOL_ATTRS

def _wasm_of(ctx, target):
    files = [file for file in target[DefaultInfo].files.to_list() if file.extension == "wasm"]
    if len(files) != 1:
        fail("{}: module = {} has {} .wasm files, one is needed; register a Rust toolchain for wasm32-wasip2".format(
            shown_target(ctx),
            shown(target.label),
            len(files),
        ))
    return files[0]

def _component_impl(ctx):
    if ctx.attr.world and not ctx.attr.wit:
        fail("{}: world = \"{}\" is given without wit; add the .wit file that defines it".format(shown_target(ctx), ctx.attr.world))
    module = _wasm_of(ctx, ctx.attr.module)
    wasm_tools = ctx.toolchains[_TOOLCHAIN].wasm_tools
    component = ctx.actions.declare_file(ctx.label.name + ".wasm")

    args = params_file_args(ctx, "wasm-tools")
    args.add("component")
    args.add(wasm_tools, format = "--program=%s")
    args.add(module, format = "--input-file=%s")
    args.add(component, format = "--output-file=%s")
    if ctx.file.wit:
        args.add(ctx.file.wit, format = "--wit=%s")
    if ctx.attr.world:
        args.add(ctx.attr.world, format = "--world=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {
            module: shown_file("module", ctx.attr.module.label, module),
            wasm_tools: shown(wasm_tools.owner),
        } | {file: shown_file("wit", ctx.attr.wit.label, file) for file in ctx.files.wit},
        outputs = [component],
        mnemonic = "WasmComponent",
        progress = "Making a WebAssembly component",
        toolchain = _TOOLCHAIN,
    )
    return [DefaultInfo(files = depset([component]))]

_wasm_component = rule(
    implementation = _component_impl,
    doc = _DOC,
    attrs = _ATTRS,
    toolchains = [_TOOLCHAIN],
)

_PARAMETERS = ["crate_features", "deps", "edition", "rustc_flags", "srcs", "wit", "world"]

def rust_wasm_component(
        name,
        srcs,
        wit = None,
        world = "",
        deps = [],
        edition = "2021",
        crate_features = [],
        rustc_flags = [],
        **kwargs):
    """Builds a WebAssembly component, `<name>.wasm`, from Rust sources.

    A `main.rs` (or any single file but `lib.rs`) is a command: `fn main()` becomes `wasi:cli/run`. A `lib.rs` is a
    library whose exports are those of `world`; its bindings come through `deps`. The platform is wasm32-wasip2
    whatever `--platforms` says; `<name>.module` is the target of the linked core module.

    Args:
        name: Name of the component.
        srcs: List of labels of Rust sources, one of them `main.rs` or `lib.rs` unless there is only one.
        wit: Label of a `.wit` file or folder that describes the component's world; none by default.
        world: Name of the world in `wit`; needed where `wit` has several.
        deps: Labels of Rust libraries.
        edition: Edition of Rust, "2021" by default.
        crate_features: List of features of the crate to turn on.
        rustc_flags: List of flags for rustc, such as `-Copt-level=s`.
        **kwargs: Attributes that every rule has, such as `visibility` and `tags`.
    """
    check_attributes(name, "rust_wasm_component", kwargs, _PARAMETERS)
    tags = kwargs.pop("tags", None) or []
    library = any([src.split(":")[-1].split("/")[-1] == "lib.rs" for src in srcs])
    compile = rust_shared_library if library else rust_binary
    compile(
        name = name + ".module",
        srcs = srcs,
        crate_features = crate_features,
        crate_name = name.replace("-", "_").replace(".", "_").replace("/", "_"),
        deps = deps,
        edition = edition,
        platform = _PLATFORM,
        rustc_flags = rustc_flags,
        tags = tags + ["manual"],
        testonly = kwargs.get("testonly"),
        visibility = ["//visibility:private"],
    )
    _wasm_component(
        name = name,
        module = name + ".module",
        wit = wit,
        world = world,
        tags = tags,
        **kwargs
    )
