"""`wasm_security_policy`: what may be published, signed by whom."""

load("//wasm/private/common:shown.bzl", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:security_policy_info.bzl", "WasmSecurityPolicyInfo")
load("//wasm/private/providers:trusted_keys_info.bzl", "WasmTrustedKeysInfo")
load("//wasm/private/wasm_tools:validate_action.bzl", "WASM_TOOLS_TOOLCHAIN")
load(":key_names.bzl", "named_key", "names_of_keys")
load(":policy_strings.bzl", "parse_component_policy", "parse_registry_policy")

visibility(["//wasm/..."])

_DOC = """Says which components may be in which registry, signed by whom, and what they may do.

The policy decides wherever a target names it as its `security_policy`: the build fails if it denies (`--norun_validations` builds nevertheless),
and `bazel run` refuses to publish with exit code 3. Attributes are the short form; a YAML file (`policy`) can say everything, and both
together are one policy. [Policies](../policy.md) has the members, and the order in which rules speak.

| entry | meaning |
|---|---|
| `prod-*\\|required\\|release_key,backup_key` | what matches must be signed with one of these keys |
| `test-*\\|optional` | it may be unsigned |
| `ghcr.io/my-org\\|required` | in this registry everything must be signed |

A key is named by the name of its target or by its full label, among `trusted_keys` and the keys that sign; or by its name in a
`wasm_trusted_keys` of `trusted_keys`. Names are resolved where the policy is used: one that is not known there is an error.

The output is `<name>_security_policy.json`, in a normal form that `wasm_oci policy` reads too.
"""

_ATTRS = {
    "component_policies": attr.string_list(
        doc = "Entries `PATTERN|required` or `PATTERN|optional`, with `|key_a,key_b` where one of these keys must have signed. A pattern with `/` is of " +
              "namespace and name, any other of the name, the last segment of `package_name`; `*` stands for any characters. None by default.",
    ),
    "default_signing_required": attr.bool(
        doc = "True: what no entry speaks about must be signed. False, the default: it may be unsigned; with a `policy` file, that decides.",
    ),
    "key_source": attr.string(
        doc = "Where the secret key must be that signs: \"file\", \"env\", \"stdin\", \"keychain\", \"ssh-agent\" or \"command\", as in `wasm_signing_key`; " +
              "keys that the build makes are files. Empty, the default: anywhere.",
        values = ["", "file", "env", "stdin", "keychain", "ssh-agent", "command"],
    ),
    "openssh_format": attr.bool(
        doc = "True: only signatures of OpenSSH keys count. False, the default: those of any key.",
    ),
    "policy": attr.label(
        doc = "A policy file in YAML or JSON. It is checked in the build, with the line in errors. None by default.",
        allow_single_file = [".yaml", ".yml", ".json"],
    ),
    "registry_policies": attr.string_list(
        doc = "Entries in the same form, with the name of a registry's entry or its host, with or without a prefix, in place of the pattern. None by default.",
    ),
    "signature_type": attr.string(
        doc = "\"embedded\" or \"detached\": only such signatures count, and `wasm_component_secure_publish` makes them. Empty, the default: any.",
        values = ["", "embedded", "detached"],
    ),
    "trusted_keys": attr.label_list(
        doc = "Keys that rules name: targets of keys, and `wasm_trusted_keys` targets, whose keys have dates and may be revoked. The keys that sign " +
              "are known without being here. None by default.",
        providers = [[WasmKeyInfo], [WasmTrustedKeysInfo]],
    ),
} | TOOL_ATTRS

def _parsed(ctx, attribute, parse):
    """The entries of an attribute, or fails."""
    entries = []
    for index, text in enumerate(getattr(ctx.attr, attribute)):
        entry, error = parse(text)
        if error:
            fail("{}: {}[{}]: {}".format(shown_target(ctx), attribute, index, error))
        entries.append(entry)
    return entries

def _compile(ctx, output):
    """Registers the action WasmSecurityPolicy."""
    file = ctx.file.policy
    default = ctx.attr.default_signing_required
    attributes = {
        "component_policies": ctx.attr.component_policies,
        "default_signing_required": default if default or not file else None,
        "key_source": ctx.attr.key_source or None,
        "name": ctx.label.name,
        "openssh_format": ctx.attr.openssh_format,
        "registry_policies": ctx.attr.registry_policies,
        "schema_version": 1,
        "signature_type": ctx.attr.signature_type or None,
        "target": shown_target(ctx),
    }
    args = params_file_args(ctx, "policy")
    args.add("compile")
    args.add(json.encode(attributes), format = "--attributes=%s")
    if file:
        args.add(file, format = "--file=%s")
        args.add(file.short_path, format = "--place=%s")
    args.add(output, format = "--output-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {file: shown_file("policy", ctx.attr.policy.label, file)} if file else {},
        outputs = [output],
        mnemonic = "WasmSecurityPolicy",
        progress = "Checking the policy",
    )

def _wasm_security_policy_impl(ctx):
    component_policies = _parsed(ctx, "component_policies", parse_component_policy)
    registry_policies = _parsed(ctx, "registry_policies", parse_registry_policy)
    keys = [named_key(target[WasmKeyInfo], target.label) for target in ctx.attr.trusted_keys if WasmKeyInfo in target]
    stores = [target[WasmTrustedKeysInfo] for target in ctx.attr.trusted_keys if WasmTrustedKeysInfo in target]
    names, error = names_of_keys(keys)
    if error:
        fail("{}: trusted_keys: {}".format(shown_target(ctx), error))
    unknown = [store for store in stores if store.names == None]
    toolchain = ctx.toolchains[WASM_TOOLS_TOOLCHAIN]
    output = ctx.actions.declare_file(ctx.label.name + "_security_policy.json")
    _compile(ctx, output)
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        WasmSecurityPolicyInfo(
            component_policies = component_policies,
            default_signing_required = ctx.attr.default_signing_required,
            file = output,
            has_file = bool(ctx.file.policy),
            key_names = None if unknown else names.keys() + [name for store in stores for name in store.names],
            keys = keys,
            openssh_format = ctx.attr.openssh_format,
            registry_policies = registry_policies,
            signature_type = ctx.attr.signature_type,
            trust_stores = [store.file for store in stores],
            wasm_tools = toolchain.wasm_tools if toolchain and ctx.file.policy else None,
        ),
    ]

wasm_security_policy = rule(
    implementation = _wasm_security_policy_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmSecurityPolicyInfo],
    toolchains = [config_common.toolchain_type(WASM_TOOLS_TOOLCHAIN, mandatory = False)],
)
