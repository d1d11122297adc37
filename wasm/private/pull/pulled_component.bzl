"""`pulled_component`: the target in the repository of `oci_wasm.pull`, which verifies what was downloaded."""

load("//wasm/private/common:shown.bzl", "shown", "shown_file")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/providers:pulled_info.bzl", "WasmPulledInfo")

# Loaded by the repositories that `oci_wasm.pull` makes.
visibility("public")

_DOC = """A component that was pulled: the file exists only if its digests, its signature, its statements and the policy hold.

Made by `oci_wasm.pull`; no build file needs to load it.
"""

_ATTRS = TOOL_ATTRS | {
    "digest": attr.string(doc = "Digest of the manifest."),
    "image": attr.string(doc = "`host/repository`."),
    "layout": attr.label_list(
        doc = "The files of the layout, which only this target can see.",
        allow_files = True,
    ),
    "marker": attr.label(
        doc = "The file in the folder of the layout that says that it is one.",
        allow_single_file = True,
    ),
    "policy": attr.label(
        doc = "A policy that must allow it, as a file.",
        allow_single_file = [".json", ".yaml", ".yml"],
    ),
    "public_keys": attr.label_list(
        doc = "Files of trusted public keys.",
        allow_files = True,
    ),
    "tag": attr.string(doc = "The tag that policies see."),
    "threshold": attr.int(doc = "How many different keys must have signed."),
    "trusted_keys": attr.label(
        doc = "A list of trusted keys, as a file.",
        allow_single_file = [".json", ".yaml", ".yml"],
    ),
    "verify": attr.bool(doc = "Whether anything but the digests is checked."),
}

def _source_files(ctx, attribute):
    """The files that an attribute names, to their texts in errors; fails for what a build makes, which `update` cannot read."""
    files = {}
    value = getattr(ctx.attr, attribute)
    for target in value if type(value) == "list" else [value] if value else []:
        for file in target[DefaultInfo].files.to_list():
            if not file.is_source:
                fail("oci_wasm.pull(name = \"{}\"): {} = {} makes {}, and `update` reads files without a build; name a file".format(
                    ctx.label.name,
                    attribute,
                    shown(target.label),
                    file.basename,
                ))
            files[file] = shown_file(attribute, target.label, file)
    return files

def _folder(marker):
    return "./" + marker.dirname

def _pulled_component_impl(ctx):
    public_keys = _source_files(ctx, "public_keys")
    trusted_keys = _source_files(ctx, "trusted_keys")
    policies = _source_files(ctx, "policy")
    output = ctx.actions.declare_file(ctx.label.name + ".wasm")
    reference = ctx.attr.image + (":" + ctx.attr.tag if ctx.attr.tag else "")

    args = params_file_args(ctx, "pull")
    args.add_joined([ctx.file.marker, ctx.attr.digest], join_with = "@", map_each = _layout_part)
    args.add(output, format = "--output-file=%s")
    args.add("{}@{}".format(reference, ctx.attr.digest), format = "--copy-of=%s")
    args.add_all(public_keys.keys(), format_each = "--public-key=%s")
    args.add_all(policies.keys(), format_each = "--policy=%s")
    if trusted_keys:
        args.add_all(trusted_keys.keys(), format_each = "--trusted-keys=%s")
        args.add("--ignore-time")
    if ctx.attr.threshold > 1:
        args.add(ctx.attr.threshold, format = "--threshold=%s")
    if not ctx.attr.verify:
        args.add("--allow-unsigned")

    # Errors name the folder, which is none of the files.
    args.add(reference, format = "--shown-as=%s")
    args.add_all([ctx.file.marker], format_each = "--shown-file=%s", map_each = _folder)
    run_wasm_oci(
        ctx,
        args = args,
        inputs = public_keys | trusted_keys | policies | {file: reference for file in ctx.files.layout},
        outputs = [output],
        mnemonic = "WasmPull",
        progress = "Verifying what was pulled as",
    )
    return [
        DefaultInfo(
            files = depset([output]),
            runfiles = ctx.runfiles([output]),
        ),
        WasmPulledInfo(
            digest = ctx.attr.digest,
            image = ctx.attr.image,
            public_keys = public_keys.keys(),
            tag = ctx.attr.tag,
            verified = ctx.attr.verify,
        ),
    ]

def _layout_part(part):
    return part if type(part) == "string" else "oci:" + _folder(part)

pulled_component = rule(
    implementation = _pulled_component_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmPulledInfo],
)
