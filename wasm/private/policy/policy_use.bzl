"""What targets take from their `security_policy`: the attribute, its part of a request, and the check in the build."""

load("//wasm/private/common:image_ref.bzl", "bare_host", "looks_like_host")
load("//wasm/private/common:run_target.bzl", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "params_file_args", "run_wasm_oci")
load("//wasm/private/providers:security_policy_info.bzl", "WasmSecurityPolicyInfo")
load(":key_names.bzl", "key_error")
load(":matching.bzl", "entries_for")

visibility(["//wasm/..."])

POLICY_ATTRS = {
    "security_policy": attr.label(
        doc = "A `wasm_security_policy` that decides, beside those of targets that this one names: the build of what publishes an image fails if it " +
              "denies, unless `--norun_validations` is given, and `bazel run` refuses with exit code 3. None by default.",
        providers = [WasmSecurityPolicyInfo],
    ),
}

def policy_of(ctx):
    """The `WasmSecurityPolicyInfo` of a target, None where it has none."""
    return ctx.attr.security_policy[WasmSecurityPolicyInfo] if ctx.attr.security_policy else None

def registry_places(config, names):
    """What a build knows of registries.

    Args:
        config: WasmRegistryConfigInfo, or None.
        names: list of string, names of entries, or hosts with or without a prefix.

    Returns:
        list of struct(name, host, prefix)
    """
    entries = {entry.name: entry for entry in config.registries} if config else {}
    places = []
    for name in names:
        entry = entries.get(name)
        host, _, prefix = name.partition("/")
        places.append(struct(
            host = bare_host(entry.host) if entry else host,
            name = name if entry or not looks_like_host(host) else "",
            prefix = entry.prefix if entry else prefix,
        ))
    return places

def check_key_names(ctx, policy, path, registries, signers):
    """Fails for the name of a key that nobody knows here.

    Args:
        ctx: context of a rule with POLICY_ATTRS.
        policy: WasmSecurityPolicyInfo.
        path: string, namespace and name of the component.
        registries: list of struct(name, host, prefix).
        signers: list of struct, as named_key gives them.
    """
    error = key_error(policy, entries_for(policy, path, registries), signers)
    if error:
        fail("{}: security_policy = {}: {}".format(shown_target(ctx), shown(ctx.attr.security_policy.label), error))

def _known_keys(policy, signers):
    return {(each.name, each.label): each for each in policy.keys + signers}.values()

def policy_files(policy, signers = []):
    """The files that a request with `policy_request` names."""
    if not policy:
        return []
    program = [policy.wasm_tools] if policy.wasm_tools else []
    return [policy.file] + policy.trust_stores + program + [each.key.public_key for each in _known_keys(policy, signers)]

def policy_request(ctx, policy, signers = []):
    """What a request says of the policy.

    Args:
        ctx: context of a rule.
        policy: WasmSecurityPolicyInfo, or None.
        signers: list of struct, as named_key gives them.

    Returns:
        dict
    """
    return {
        "policies": [rlocation_path(ctx, policy.file)] if policy else [],
        "policy_keys": [
            {
                "development": each.key.development,
                "label": each.label,
                "name": each.name,
                "public_key": rlocation_path(ctx, each.key.public_key),
            }
            for each in _known_keys(policy, signers)
        ] if policy else [],
        "policy_trust_stores": [rlocation_path(ctx, file) for file in policy.trust_stores] if policy else [],
        "statement_keys": [],
        "wasm_tools": rlocation_path(ctx, policy.wasm_tools) if policy and policy.wasm_tools else None,
    }

def image_files(image, config):
    """The files of an image that `check_policy` takes.

    Args:
        image: WasmOciImageInfo.
        config: WasmRegistryConfigInfo, or None.

    Returns:
        struct(component, layout, signature, registry_list), each a File or None
    """
    return struct(
        component = image.wasm_file,
        layout = image.layout,
        registry_list = config.list_file if config else None,
        signature = image.signature_file,
    )

def component_facts(path):
    """What a decision is told of a component whose namespace and name are `path`."""
    namespace, _, name = path.rpartition("/")
    return {"name": name, "namespace": namespace}

def check_policy(ctx, policy, *, facts, files, signers, name, output_name = "verdict"):
    """Registers the action WasmPolicyCheck.

    Args:
        ctx: context of a rule with POLICY_ATTRS and TOOL_ATTRS.
        policy: WasmSecurityPolicyInfo.
        facts: dict, what `wasm_oci policy verdict` is told beside files and keys.
        files: struct(component, layout, signature, registry_list), each a File or None.
        signers: list of struct, as named_key gives them.
        name: string, the text of the component in errors.
        output_name: string, what the verdict's file is called after the target; of several each has its own.

    Returns:
        File, the verdict, which exists only if the policy allows it; for the output group `_validation`.
    """
    output = ctx.actions.declare_file("{}_{}.json".format(ctx.label.name, output_name))
    keys = _known_keys(policy, signers)
    facts = facts | {
        "keys": [
            {
                "development": each.key.development,
                "label": each.label,
                "name": each.name,
                "signs": each.label in [signer.label for signer in signers],
            }
            for each in keys
        ],
        "schema_version": 1,
        "target": shown_target(ctx),
    }
    inputs = {policy.file: shown_file("security_policy", ctx.attr.security_policy.label, policy.file)}
    args = params_file_args(ctx, "policy")
    args.add("verdict")
    args.add(json.encode(facts), format = "--facts=%s")
    args.add(files.component, format = "--input-file=%s")
    inputs[files.component] = name
    if files.layout:
        args.add_all([files.layout], expand_directories = False, format_each = "--layout=%s")
        inputs[files.layout] = name
    for option, file in {"--registries": files.registry_list, "--signature-file": files.signature}.items():
        if file:
            args.add(file, format = option + "=%s")
            inputs[file] = shown(file.owner)
    args.add(policy.file, format = "--policy=%s")
    for each in keys:
        args.add(each.key.public_key, format = "--key=%s")
        inputs[each.key.public_key] = each.label
    args.add_all(policy.trust_stores, format_each = "--trusted-keys=%s")
    inputs |= {file: shown(file.owner) for file in policy.trust_stores}
    args.add(output, format = "--output-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = inputs,
        outputs = [output],
        mnemonic = "WasmPolicyCheck",
        progress = "Asking the policy about",
    )
    return output
