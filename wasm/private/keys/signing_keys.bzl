"""The keys that sign one file: all made by the build, or all outside of it."""

load("//wasm/private/common:run_target.bzl", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")

visibility(["//wasm/..."])

def key_of(ctx, attribute, target):
    """The key that a target names; fails for a file, which no attribute takes that names keys.

    Args:
        ctx: context of a rule.
        attribute: string, name of an attribute with `allow_files = True`, so that a file gets a sentence and not Bazel's.
        target: Target that it names.

    Returns:
        WasmKeyInfo
    """
    if WasmKeyInfo not in target:
        fail(("{}: {} = {} is {}, but the target of a key is required; use a wasm_keygen or ssh_keygen target for development, or a " +
              "wasm_signing_key target for a real key, which stays outside the build").format(
            shown_target(ctx),
            attribute,
            shown(target.label),
            "a source file" if any([file.is_source for file in target[DefaultInfo].files.to_list()]) else "a target without a key",
        ))
    return target[WasmKeyInfo]

def signing_keys_of(ctx, attribute, further_attribute):
    """Checks the keys that two attributes name.

    Args:
        ctx: context of a rule.
        attribute: string, name of a label attribute.
        further_attribute: string, name of a label_list attribute.

    Returns:
        list of WasmKeyInfo, in order.
    """
    named = [(attribute, getattr(ctx.attr, attribute))]
    named += [(further_attribute, target) for target in getattr(ctx.attr, further_attribute)]
    seen = {}
    for name, target in named:
        key = key_of(ctx, name, target)
        if key.public_key in seen:
            fail("{}: {} = {} is the same key as {}; name each key once".format(shown_target(ctx), name, shown(target.label), seen[key.public_key]))
        seen[key.public_key] = shown(target.label)
        if not key.secret_key and not key.key_source:
            fail("{}: {} = {} has only the public half of a key; name a wasm_keygen, ssh_keygen or wasm_signing_key target".format(
                shown_target(ctx),
                name,
                shown(target.label),
            ))
        if bool(key.key_source) != bool(named[0][1][WasmKeyInfo].key_source):
            fail(("{}: {} = {} and {} = {} cannot sign together: one is made by the build, the other is outside of it; " +
                  "use keys of one kind").format(shown_target(ctx), attribute, shown(named[0][1].label), name, shown(target.label)))
    return [target[WasmKeyInfo] for _, target in named]

def key_names(ctx, attribute, further_attribute):
    """The files of the keys that two attributes name, to their texts in errors of actions.

    Args:
        ctx: context of a rule whose keys were checked by signing_keys_of.
        attribute: string, name of a label attribute.
        further_attribute: string, name of a label_list attribute.

    Returns:
        dict from File to string
    """
    named = [(attribute, getattr(ctx.attr, attribute))]
    named += [(further_attribute, target) for target in getattr(ctx.attr, further_attribute)]
    return {
        file: shown_file(name, target.label, file)
        for name, target in named
        for file in (target[WasmKeyInfo].public_key, target[WasmKeyInfo].secret_key)
        if file
    }

def is_deferred(keys):
    """Whether these keys sign only when a target is run."""
    return bool(keys[0].key_source)

def key_requests(ctx, keys):
    """What a run target's request says of keys that are outside of the build."""
    return [
        {"public_key": rlocation_path(ctx, key.public_key), "source": {"kind": key.key_source, "ref": key.key_ref}}
        for key in keys
    ]
