"""Which key pair's rule made a file, and the public keys that attributes name."""

load("//wasm/private/common:shown.bzl", "shown", "shown_target")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")

visibility(["//wasm/..."])

KeyOriginInfo = provider(
    doc = "The keys whose rules made files of a target.",
    fields = {"keys": "list of WasmKeyInfo of those rules."},
)

# The attributes through which rules pass on files of others: filegroup, select_file, copy_file, directory rules and alike.
_PASSED_ON = ["actual", "artifact", "artifacts", "data", "dep", "deps", "file", "files", "input", "inputs", "src", "srcs", "target", "targets"]

def _targets_of(value):
    """The targets that an attribute of any label type names."""
    if type(value) == "dict":
        return [each for each in value.keys() + value.values() if type(each) == "Target"]
    return [each for each in (value if type(value) == "list" else [value]) if type(each) == "Target"]

def _key_origin_impl(target, ctx):
    keys = [target[WasmKeyInfo]] if WasmKeyInfo in target else []
    for attribute in _PASSED_ON:
        for source in _targets_of(getattr(ctx.rule.attr, attribute, None)):
            if KeyOriginInfo in source:
                keys.extend(source[KeyOriginInfo].keys)
    return [KeyOriginInfo(keys = keys)] if keys else []

# A file does not say which rule made it; the aspect visits that rule. It sees what is behind a filegroup or another rule that
# passes files on; Bazel takes it through an alias.
key_origin = aspect(
    implementation = _key_origin_impl,
    apply_to_generating_rules = True,
    attr_aspects = _PASSED_ON,
)

def _origins_of(target):
    return target[KeyOriginInfo].keys if KeyOriginInfo in target else []

def key_of_secret(target, file):
    """The WasmKeyInfo of the rule that made a secret key; None if no rule made it.

    Args:
        target: Target of an attribute with the aspect `key_origin`.
        file: File of it.

    Returns:
        WasmKeyInfo or None
    """
    for key in _origins_of(target):
        if key.secret_key == file:
            return key
    return None

def check_key_target(ctx, attribute, target):
    """Fails for a target that an attribute of keys names, and that is not one of a key, but a file for example.

    Args:
        ctx: context of a rule that has the attribute `public_key` for files.
        attribute: string, name of an attribute with `allow_files = True`, so that a file gets this sentence and not Bazel's.
        target: Target that it names.
    """
    if WasmKeyInfo not in target:
        fail("{}: {} = {} is not the target of a key; name a public key's file with public_key".format(
            shown_target(ctx),
            attribute,
            shown(target.label),
        ))

def public_key_files(ctx, attribute, target):
    """The public key files of a target; fails for a secret key, which would become an input of actions that caches keep.

    Args:
        ctx: context of a rule.
        attribute: string, the name of an attribute with the aspect `key_origin`.
        target: Target that the attribute names: of files, or of a key.

    Returns:
        list of struct(file File, development bool)
    """
    files = [target[WasmKeyInfo].public_key] if WasmKeyInfo in target else target[DefaultInfo].files.to_list()
    for file in files:
        if key_of_secret(target, file):
            fail("{}: {} = {} gives {}, which is a secret key; name the public key, or the target of the pair".format(
                shown_target(ctx),
                attribute,
                shown(target.label),
                file.basename,
            ))
    made = [key.public_key for key in _origins_of(target) if key.development]
    return [struct(development = file in made, file = file) for file in files]
