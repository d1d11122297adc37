"""`wasm_validate`: has wasm-tools check a module or component, and its signature verified."""

load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS")
load("//wasm/private/common:wasm_input.bzl", "INPUT_ATTRS", "exactly_one", "wasm_file_of")
load("//wasm/private/keys:key_origin.bzl", "check_key_target", "key_origin", "public_key_files")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load("//wasm/private/signing:verify_action.bzl", "signed_input", "verify_wasm")
load(":validate_action.bzl", "WASM_TOOLS_TOOLCHAIN", "validate_wasm")

visibility(["//wasm/..."])

_DOC = """Passes a WebAssembly file on, and fails the build of everything that uses it if wasm-tools refuses it.

With `verify_signature` the build also fails unless the key signed all of the file. The checks run as validation actions, beside
what depends on the file: `--norun_validations` switches them off. Output group `_validation` holds their markers,
`<name>_validation.txt` and `<name>_verification.json`.
"""

_ATTRS = INPUT_ATTRS | {
    "public_key": attr.label(
        doc = "File of the public key that must have signed, or a key pair's target. Goes with `verify_signature`; give this or `signing_keys`.",
        allow_single_file = True,
        aspects = [key_origin],
    ),
    "signature_file": attr.label(
        doc = "Detached signature, which goes with `verify_signature`. By default that of the component, else " +
              "the one in the file.",
        allow_single_file = True,
    ),
    "signing_keys": attr.label(
        doc = "Target of the key that must have signed, whose public half is used. Goes with `verify_signature`; give this or `public_key`.",
        allow_files = True,
    ),
    "verify_signature": attr.bool(
        doc = "True also verifies the signature, with `signing_keys` or `public_key`. False, the default, does not.",
    ),
} | TOOL_ATTRS
_OF_SIGNATURES = ["public_key", "signature_file", "signing_keys"]

def _check_unused(ctx):
    for attribute in _OF_SIGNATURES:
        if getattr(ctx.attr, attribute):
            fail("{}: {} is given, but verify_signature is False and no signature would be verified; {}".format(
                shown_target(ctx),
                attribute,
                "add verify_signature = True, or remove " + attribute,
            ))

def _public_keys(ctx):
    """The key files that are trusted, to their texts in errors."""
    attribute = exactly_one(ctx, ["public_key", "signing_keys"])
    target = getattr(ctx.attr, attribute)
    if attribute == "signing_keys":
        check_key_target(ctx, attribute, target)
    return {key.file: shown_file(attribute, target.label, key.file) for key in public_key_files(ctx, attribute, target)}

def _signature_of(ctx, attribute, target):
    """The detached signature, None where it is in the file."""
    own = target[WasmSignatureInfo].signature_file if WasmSignatureInfo in target else None
    if own and ctx.file.signature_file and ctx.file.signature_file != own:
        fail("{}: signature_file = {} is not the signature that {} = {} brings along; leave one of them out".format(
            shown_target(ctx),
            shown(ctx.attr.signature_file.label),
            attribute,
            shown(target.label),
        ))
    return ctx.file.signature_file or own

def _verified(ctx, attribute, target, wasm_file, name):
    keys = _public_keys(ctx)
    signature_file = _signature_of(ctx, attribute, target)
    signature_name = shown_file("signature_file", ctx.attr.signature_file.label, signature_file) if ctx.attr.signature_file else name
    return verify_wasm(ctx, signed_input(
        names = keys | {wasm_file: name} | ({signature_file: signature_name} if signature_file else {}),
        public_keys = keys.keys(),
        signature_file = signature_file,
        wasm_file = wasm_file,
    ))

def _wasm_validate_impl(ctx):
    attribute = exactly_one(ctx, ["component", "wasm_file"])
    target = getattr(ctx.attr, attribute)
    wasm_file = wasm_file_of(ctx, attribute)
    name = shown_file(attribute, target.label, wasm_file)
    markers = [validate_wasm(ctx, wasm_file, name)]
    if ctx.attr.verify_signature:
        markers.append(_verified(ctx, attribute, target, wasm_file, name))
    else:
        _check_unused(ctx)
    return [
        DefaultInfo(files = depset([wasm_file]), runfiles = ctx.runfiles([wasm_file])),
        OutputGroupInfo(_validation = depset(markers)),
    ] + ([target[WasmSignatureInfo]] if WasmSignatureInfo in target else [])

wasm_validate = rule(
    implementation = _wasm_validate_impl,
    doc = _DOC,
    attrs = _ATTRS,
    toolchains = [WASM_TOOLS_TOOLCHAIN],
)
