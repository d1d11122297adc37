"""The WebAssembly file that a rule works on, and the choices between attributes that name one."""

load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load("//wasm/private/providers:unsigned_info.bzl", "WasmUnsignedInfo")
load(":shown.bzl", "shown", "shown_target")

visibility(["//wasm/..."])

INPUT_ATTRS = {
    "component": attr.label(
        doc = "Component to work on: any target with exactly one `.wasm` file, or such a file. " +
              "Give this or `wasm_file`; they mean the same.",
        allow_files = [".wasm"],
    ),
    "wasm_file": attr.label(
        doc = "Module or component to work on: a `.wasm` file, or a target with exactly one. Give this or `component`.",
        allow_files = [".wasm"],
    ),
}

def exactly_one(ctx, names):
    """Fails unless exactly one of the attributes is given; returns its name."""
    given = [name for name in names if getattr(ctx.attr, name)]
    if len(given) != 1:
        fail("{}: give exactly one of {}; {}".format(
            shown_target(ctx),
            ", ".join(names),
            " and ".join(given) + " are set" if given else "none is set",
        ))
    return given[0]

def wasm_file_of(ctx, attribute):
    """The one WebAssembly file of the target that an attribute names; for a signed target the signed file."""
    target = getattr(ctx.attr, attribute)
    if WasmUnsignedInfo in target:
        fail("{}: {} = {} is not signed in the build, because its key is outside; {}".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
            "name the component that is in it, or publish it and pull what is published" if WasmOciImageInfo in target else (
                "sign in the image (sign_component = True, signing_keys and, to split it, split_regex), or `bazel run {}` and name the file that it writes"
            ).format(shown(target.label)),
        ))
    if WasmSignatureInfo in target:
        return target[WasmSignatureInfo].wasm_file
    files = [file for file in target[DefaultInfo].files.to_list() if file.extension == "wasm"]
    if len(files) != 1:
        fail("{}: {} = {} has {} .wasm files; name a target that has exactly one".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
            len(files),
        ))
    if files[0].is_directory:
        fail("{}: {} = {} gives {}, which is a folder; name a file".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
            files[0].basename,
        ))
    return files[0]
