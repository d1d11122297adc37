"""`wasm_sign`: adds a wasmsign2 signature to a module or component."""

load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":sign_action.bzl", "secret_key_of", "sign_wasm")
load(":tool_action.bzl", "TOOL_ATTRS")
load(":wasm_input.bzl", "INPUT_ATTRS", "exactly_one", "wasm_file_of")

visibility(["//wasm/..."])

_KeyOriginInfo = provider(
    doc = "The key pair whose rule made a file.",
    fields = {"key": "WasmKeyInfo of the rule."},
)

def _key_origin_impl(target, _ctx):
    return [_KeyOriginInfo(key = target[WasmKeyInfo])] if WasmKeyInfo in target else []

# A file does not say which rule made it; the aspect visits that rule.
_key_origin = aspect(
    implementation = _key_origin_impl,
    apply_to_generating_rules = True,
)

_DOC = """Signs a WebAssembly module or component with a key pair that the build made.

Outputs are `<name>_signed.wasm` and, if `detached`, `<name>_signature.sig`. A file that is signed already gets one
signature more, but not a detached one: that is an error. What a detached signature covers is the output, not the input.
"""

_ATTRS = INPUT_ATTRS | {
    "detached": attr.bool(
        doc = "True writes the signature to a file of its own; False, the default, embeds it.",
    ),
    "keys": attr.label(
        doc = "Target of the key pair, such as a `wasm_keygen` or `ssh_keygen`. Give this, or `secret_key` and `public_key`.",
        providers = [WasmKeyInfo],
    ),
    "openssh_format": attr.bool(
        doc = "True says that the keys are OpenSSH keys, and others are an error. False, the default, takes either format.",
    ),
    "public_key": attr.label(
        doc = "Public half of `secret_key`; the pair is checked before signing.",
        allow_single_file = True,
    ),
    "secret_key": attr.label(
        doc = "Secret key that a `wasm_keygen` or `ssh_keygen` made, by its file's label. Any other file is an error.",
        allow_single_file = True,
        aspects = [_key_origin],
    ),
} | TOOL_ATTRS

def _check_pair(ctx):
    """Fails unless secret_key and public_key may be used."""
    if not (ctx.file.secret_key and ctx.file.public_key):
        missing, given = ("public_key", "secret_key") if ctx.file.secret_key else ("secret_key", "public_key")
        fail("{}: {} is given without {}; name both, or name the key pair's target with keys".format(ctx.label, given, missing))
    origin = ctx.attr.secret_key[_KeyOriginInfo].key if _KeyOriginInfo in ctx.attr.secret_key else None
    if not origin or origin.secret_key != ctx.file.secret_key:
        fail(("{}: secret_key = {} is {}, which may not sign in a build; use the secret file of a wasm_keygen or " +
              "ssh_keygen target for development, and keep real keys outside the build: sign with `wasm_oci sign`").format(
            ctx.label,
            ctx.attr.secret_key.label,
            "a source file" if ctx.file.secret_key.is_source else "not a secret key that a keygen target made",
        ))
    return origin

def _check_format(ctx, attribute, key):
    if ctx.attr.openssh_format and key.key_format != "openssh":
        fail("{}: openssh_format = True, but {} = {} is a {} key; remove openssh_format or name an OpenSSH key".format(
            ctx.label,
            attribute,
            getattr(ctx.attr, attribute).label,
            key.key_format,
        ))

def _key_pair_of(ctx):
    """Returns struct(secret_key, public_key, key_format)."""
    if ctx.attr.keys and (ctx.attr.secret_key or ctx.attr.public_key):
        fail("{}: keys and {} are both given; remove one of them".format(
            ctx.label,
            "secret_key" if ctx.attr.secret_key else "public_key",
        ))
    if not ctx.attr.keys:
        if not (ctx.attr.secret_key or ctx.attr.public_key):
            fail("{}: no key is given; name a wasm_keygen or ssh_keygen target with keys".format(ctx.label))
        key = _check_pair(ctx)
        _check_format(ctx, "secret_key", key)
        return struct(key_format = key.key_format, public_key = ctx.file.public_key, secret_key = ctx.file.secret_key)
    key = ctx.attr.keys[WasmKeyInfo]
    _check_format(ctx, "keys", key)
    return struct(key_format = key.key_format, public_key = key.public_key, secret_key = secret_key_of(ctx, "keys", key))

def _wasm_sign_impl(ctx):
    wasm_file = wasm_file_of(ctx, exactly_one(ctx, ["component", "wasm_file"]))
    pair = _key_pair_of(ctx)
    signature = sign_wasm(
        ctx,
        key_format = pair.key_format,
        output = ctx.actions.declare_file(ctx.label.name + "_signed.wasm"),
        public_key = pair.public_key,
        secret_key = pair.secret_key,
        signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig") if ctx.attr.detached else None,
        wasm_file = wasm_file,
    )
    files = [signature.wasm_file] + ([signature.signature_file] if ctx.attr.detached else [])
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files)), signature]

wasm_sign = rule(
    implementation = _wasm_sign_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmSignatureInfo],
)
