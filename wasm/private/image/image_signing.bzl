"""How the component of an image is signed: by the build, before it, or by the run that publishes it."""

load("//wasm/private/common:attr_checks.bzl", "check_split_regex")
load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/keys:signing_keys.bzl", "is_deferred", "key_names", "signing_keys_of")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo", "moved_signature")
load("//wasm/private/signing:sign_action.bzl", "normalise_wasm", "sign_wasm", "split_wasm")

visibility(["//wasm/..."])

def check_image_signing(ctx, plan):
    """Fails where the attributes that are about signing do not fit together; `plan` is what signing_of says."""
    by_policy = "signing" in ctx.attr.decided_by_policy
    if plan.signs and not ctx.attr.signing_keys:
        fail("{}: {} = True needs signing_keys; name a wasm_keygen, ssh_keygen or wasm_signing_key target".format(
            shown_target(ctx),
            "force_signing" if by_policy else "sign_component",
        ))
    if ctx.attr.signing_keys and not ctx.attr.sign_component and not by_policy:
        fail("{}: signing_keys is given, but sign_component is False and the image would be unsigned; ".format(shown_target(ctx)) +
             "add sign_component = True, or remove signing_keys")
    if ctx.attr.additional_signing_keys and not ctx.attr.signing_keys:
        fail("{}: additional_signing_keys is given without signing_keys; name the first key with signing_keys".format(shown_target(ctx)))
    if ctx.attr.split_regex and not ctx.attr.sign_component:
        fail("{}: split_regex is given, but nothing is signed; add sign_component = True and signing_keys, or remove it".format(shown_target(ctx)))
    check_split_regex(ctx)
    if plan.type == "detached" and not plan.signs and not by_policy:
        fail("{}: signature_type is \"detached\", but nothing is signed; add sign_component = True, or remove it".format(shown_target(ctx)))
    if plan.signs and WasmSignatureInfo in ctx.attr.component:
        fail("{}: component = {} is signed already; remove sign_component and signing_keys, or name the unsigned one".format(
            shown_target(ctx),
            shown(ctx.attr.component.label),
        ))

def component_name(ctx, source):
    """The text of the image's component in errors of actions; `source` is the File that the attribute names."""
    return shown_file("component", ctx.attr.component.label, source)

def sign_image(ctx, source, plan):
    """Makes `<name>_oci.wasm`, or `<name>_unsigned.wasm` where the run that publishes embeds the signature.

    Args:
        ctx: context of the image rule.
        source: File, the component.
        plan: struct(signs, type), as signing_of gives it.

    Returns:
        struct(wasm_file File, signature WasmSignatureInfo or None, type "embedded", "detached" or "none", signers list of
        WasmKeyInfo without secret keys: those that signed, or that sign when the image is published).
    """
    name = ctx.label.name
    source_name = component_name(ctx, source)
    keys = signing_keys_of(ctx, "signing_keys", "additional_signing_keys") if plan.signs else []
    detached = plan.type == "detached"
    if ctx.attr.split_regex:
        split = ctx.actions.declare_file(name + "_split.wasm")
        split_wasm(ctx, name = source_name, output = split, wasm_file = source)
        source = split
    if keys and is_deferred(keys):
        wasm_file = ctx.actions.declare_file(name + ("_oci.wasm" if detached else "_unsigned.wasm"))
        if detached:
            normalise_wasm(ctx, name = source_name, output = wasm_file, wasm_file = source)
        else:
            ctx.actions.symlink(output = wasm_file, target_file = source)
        return struct(signature = None, signers = keys, type = plan.type, wasm_file = wasm_file)
    wasm_file = ctx.actions.declare_file(name + "_oci.wasm")
    if keys:
        signature = sign_wasm(
            ctx,
            keys = keys,
            names = key_names(ctx, "signing_keys", "additional_signing_keys") | {source: source_name},
            output = wasm_file,
            signature_file = ctx.actions.declare_file(name + "_signature.sig") if detached else None,
            wasm_file = source,
        )
    else:
        ctx.actions.symlink(output = wasm_file, target_file = source)
        signature = _given_signature(ctx, wasm_file)
    return struct(
        signature = signature,
        signers = _signers(keys, signature),
        type = signature.signature_type if signature else "none",
        wasm_file = wasm_file,
    )

def _signers(keys, signature):
    """The public halves of keys that signed here, or else those that a signature came with; of these the first has the format of all."""
    if keys or not signature:
        return [WasmKeyInfo(development = key.development, key_format = key.key_format, label = key.label, public_key = key.public_key) for key in keys]
    return [
        WasmKeyInfo(
            development = signature.development,
            key_format = signature.key_format if file == signature.public_keys[0] else None,
            public_key = file,
        )
        for file in signature.public_keys
    ]

def _given_signature(ctx, wasm_file):
    """The signature that the component came with, under the image's names; None where it had none."""
    if WasmSignatureInfo not in ctx.attr.component:
        return None
    given = ctx.attr.component[WasmSignatureInfo]
    signature_file = None
    if given.signature_file:
        signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig")
        ctx.actions.symlink(output = signature_file, target_file = given.signature_file)
    return moved_signature(given, signature_file = signature_file, wasm_file = wasm_file)
