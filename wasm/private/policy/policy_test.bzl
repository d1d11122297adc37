"""`wasm_policy_test`: a test that a policy decides as expected."""

load("//wasm/private/common:image_ref.bzl", "repository_of")
load("//wasm/private/common:run_target.bzl", "RUN_TARGET_ATTRS", "make_run_target", "rlocation_path")
load("//wasm/private/common:shown.bzl", "shown_target")
load("//wasm/private/common:wasm_input.bzl", "exactly_one", "wasm_file_of")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load("//wasm/private/providers:security_policy_info.bzl", "WasmSecurityPolicyInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":key_names.bzl", "named_key", "signer_keys")
load(":policy_use.bzl", "component_facts", "policy_files", "policy_request")

visibility(["//wasm/..."])

_DOC = """Passes if a policy decides as expected about a component or an image, in one registry.

The test decides as a build does: it ignores the time, and leaves to publishing what only that knows, such as a signature that `bazel run` will make.
Its output is the verdict, with every rule that found something. `wasm_oci policy explain` says more about a published artifact.
"""

_ATTRS = {
    "component": attr.label(
        doc = "A `.wasm` file, or a target with exactly one; of a signed target the signed file. Give this or `oci_image`.",
        allow_files = [".wasm"],
    ),
    "expected": attr.string(
        doc = "\"allow\" or \"deny\".",
        mandatory = True,
        values = ["allow", "deny"],
    ),
    "expected_rule": attr.string(
        doc = "The rule that must decide, as verdicts call it, such as `component:prod-*`, `registry:github`, `always` or `default`. Empty, the default: any.",
    ),
    "oci_image": attr.label(
        doc = "An image: a `wasm_component_oci_image` target, or any with its provider. Give this or `component`.",
        providers = [WasmOciImageInfo],
    ),
    "package_name": attr.string(
        doc = "What `component` is called, with its namespace where patterns have one. Empty, the default: the name of its target.",
    ),
    "policy": attr.label(
        doc = "The `wasm_security_policy` that decides.",
        mandatory = True,
        providers = [WasmSecurityPolicyInfo],
    ),
    "registry": attr.string(
        doc = "Where it goes: an entry's name, or a host with or without a prefix. Empty, the default: the registry of `oci_image`; for a `component` none is known.",
    ),
    "registry_config": attr.label(
        doc = "A `wkg_registry_config` that says which host an entry's name stands for, so that rules of both match. None by default.",
        providers = [WasmRegistryConfigInfo],
    ),
} | RUN_TARGET_ATTRS

def _of_image(ctx):
    image = ctx.attr.oci_image[WasmOciImageInfo]
    return struct(
        facts = component_facts(repository_of(image.namespace, image.name)) | {
            "signed_later": any([bool(key.key_source) for key in image.signers]),
            "tags": [image.tag],
        },
        files = {"component": image.wasm_file, "layout": image.layout, "signature": image.signature_file},
        registry = image.registry,
        signers = signer_keys(image),
    )

def _of_component(ctx):
    target = ctx.attr.component
    signature = target[WasmSignatureInfo] if WasmSignatureInfo in target else None
    signers = [
        named_key(WasmKeyInfo(development = signature.development != False, key_format = None, public_key = file), file.owner)
        for file in (signature.public_keys if signature else [])
    ]
    return struct(
        facts = component_facts(ctx.attr.package_name or target.label.name) | {"signed_later": False, "tags": None},
        files = {"component": wasm_file_of(ctx, "component"), "layout": None, "signature": signature.signature_file if signature else None},
        registry = "",
        signers = signers,
    )

def _policy_test_impl(ctx):
    attribute = exactly_one(ctx, ["component", "oci_image"])
    if ctx.attr.package_name and attribute == "oci_image":
        fail("{}: package_name = \"{}\" is for component; leave it out, the image has a name".format(shown_target(ctx), ctx.attr.package_name))
    subject = _of_image(ctx) if attribute == "oci_image" else _of_component(ctx)
    policy = ctx.attr.policy[WasmSecurityPolicyInfo]
    config = ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None
    named = policy_request(ctx, policy, subject.signers)
    registry = ctx.attr.registry or subject.registry
    files = {name: file for name, file in (subject.files | {"registry_list": config.list_file if config else None}).items() if file}
    return make_run_target(
        ctx,
        command = "policy",
        files = files.values() + policy_files(policy, subject.signers),
        request = subject.facts | {
            "all_registries": False,
            "component": None,
            "expected": ctx.attr.expected,
            "expected_rule": ctx.attr.expected_rule,
            "keys": named["policy_keys"],
            "layout": None,
            "policies": named["policies"],
            "registries": [registry] if registry else [],
            "registry_list": None,
            "schema_version": 1,
            "signature": None,
            "target": shown_target(ctx),
            "trust_stores": named["policy_trust_stores"],
        } | {name: rlocation_path(ctx, file) for name, file in files.items()},
    ).providers

wasm_policy_test = rule(
    implementation = _policy_test_impl,
    doc = _DOC,
    attrs = _ATTRS,
    test = True,
)
