"""One test for each error that a policy's rules and attributes have at analysis: the target, and words that the error must have."""

load(
    "//wasm:defs.bzl",
    "wasm_component_oci_image",
    "wasm_component_publish",
    "wasm_component_secure_publish",
    "wasm_keygen",
    "wasm_policy_test",
    "wasm_security_policy",
    "wkg_multi_registry_publish",
    "wkg_registry_config",
)
load(":subjects.bzl", "failure_test", "public_half", "wasm_file")

_POLICY = {"security_policy": ":pf_policy"}
_PUBLISH = _POLICY | {"oci_image": ":pf_image"}
_SECURE = _POLICY | {"component": ":pf_input", "package_name": "apps/hello", "registry_config": ":pf_config"}

# Name of the case to (rule, attributes, words of the error).
_CASES = {
    "component": (
        wasm_security_policy,
        {"component_policies": ["a|optional", "prod-*|requird"]},
        ["pf_component_subject: component_policies[1]: signing: unknown word \"requird\"", "use one of required, optional"],
    ),
    "registry": (wasm_security_policy, {"registry_policies": ["a b|required"]}, ["registry_policies[0]: registry: ", "is not a registry"]),
    "two_names": (
        wasm_security_policy,
        {"trusted_keys": [":oci_signing_keys", "//examples/oci_publishing:oci_signing_keys"]},
        ["trusted_keys: \"oci_signing_keys\" is the name of //tests/analysis:oci_signing_keys and of //examples", "rename one"],
    ),
    "key_near": (
        wasm_component_publish,
        _PUBLISH | {"registry_override": "ghcr.io/my-org"},
        ["security_policy = //tests/analysis:pf_policy: registry_policies[1] names the key \"pf_trustd\"", "did you mean \"pf_trusted\"?"],
    ),
    "key_far": (
        wasm_component_publish,
        _PUBLISH | {"registry_override": "zone", "registry_config": ":pf_config"},
        ["registry_policies[0] names the key \"nobody\"", "neither in trusted_keys nor signs here", "add its target to trusted_keys"],
    ),
    "key_of_one": (
        wkg_multi_registry_publish,
        _PUBLISH | {"registry_config": ":pf_config"},
        ["registry_policies[0] names the key \"nobody\""],
    ),
    "key_untrusted": (
        wasm_component_publish,
        {"oci_image": ":pf_image", "security_policy": ":pf_untrusting"},
        ["component_policies[0] names the key \"release_key\"", "add its target to trusted_keys"],
    ),
    "image_key": (
        wasm_component_oci_image,
        {"component": ":pf_input", "package_name": "pkg", "registry": "zone", "registry_config": ":pf_config"} | _POLICY,
        ["security_policy = ", "registry_policies[0] names the key \"nobody\""],
    ),
    "statements_alone": (
        wasm_component_publish,
        {"oci_image": ":pf_image", "statement_keys": [":pf_trusted"]},
        ["statement_keys is given, but nothing is signed", "add security_policy or cosign_legacy, or leave it out"],
    ),
    "cosign_keyless": (
        wasm_component_publish,
        {"cosign_legacy": True, "oci_image": ":pf_image"},
        ["cosign_legacy = True needs a key", "name one in statement_keys"],
    ),
    "cosign_secure_keyless": (
        wasm_component_secure_publish,
        {"component": ":pf_input", "cosign_legacy": True, "package_name": "apps/hello", "registry_config": ":pf_config", "security_policy": ":pf_free"},
        ["cosign_legacy = True needs a key", "name one in statement_keys"],
    ),
    "statements_half": (
        wasm_component_publish,
        _PUBLISH | {"statement_keys": [":pf_half"]},
        ["statement_keys = ", "only the public half of a key"],
    ),
    "secure_force": (wasm_component_secure_publish, _SECURE | {"force_signing": True}, ["force_signing = True needs signing_keys", "wasm_keygen"]),
    "secure_openssh": (
        wasm_component_secure_publish,
        _SECURE | {"openssh_format": True, "signing_keys": ":pf_trusted"},
        ["openssh_format = True, but signing_keys = ", "is a compact key"],
    ),
    "secure_registry": (
        wasm_component_secure_publish,
        _SECURE | {"target_registries": ["lokal"]},
        ["target_registries[0]", "\"lokal\" is not an entry of", "did you mean \"local\"?"],
    ),
    "secure_no_registry": (
        wasm_component_secure_publish,
        _SECURE | {"registry_config": ":pf_no_default"},
        ["no registry is named", "a registry_config with a default_registry"],
    ),
}
_TESTS = {
    "both": ({"component": ":pf_input", "oci_image": ":pf_image"}, ["exactly one of component, oci_image", "component and oci_image are set"]),
    "name": ({"oci_image": ":pf_image", "package_name": "x"}, ["package_name = \"x\" is for component", "the image has a name"]),
}

def policy_failure_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "pf_input")
    wasm_keygen(name = "oci_signing_keys", tags = manual)
    wasm_keygen(name = "pf_trusted", tags = manual)
    public_half(name = "pf_half", public_key = ":pf_trusted/key.public", tags = manual)
    wasm_component_oci_image(name = "pf_image", component = ":pf_input", package_name = "pkg", tags = manual)
    wkg_registry_config(
        name = "pf_config",
        default_registry = "local",
        registries = ["local|localhost:5000", "zone|zone.example.com/x"],
        tags = manual,
    )
    wkg_registry_config(name = "pf_no_default", registries = ["local|localhost:5000"], tags = manual)
    wasm_security_policy(
        name = "pf_policy",
        registry_policies = ["zone.example.com|required|nobody", "ghcr.io|required|pf_trustd"],
        tags = manual,
        trusted_keys = [":pf_trusted"],
    )
    wasm_security_policy(name = "pf_free", default_signing_required = False, tags = manual)
    wasm_security_policy(name = "pf_untrusting", component_policies = ["p?g|required|release_key"], tags = manual)
    cases = _CASES | {
        "test_" + case: (wasm_policy_test, attributes | {"expected": "allow", "policy": ":pf_policy"}, words)
        for case, (attributes, words) in _TESTS.items()
    }
    for case, (make, attributes, words) in cases.items():
        subject = "pf_{}_subject".format(case)
        make(name = subject, tags = manual, **attributes)
        failure_test(
            name = "{}_{}_test".format(name, case),
            # What the user wrote is in the error, not what a macro made of it.
            absent = subject + "_image",
            target_under_test = ":" + subject,
            words = words,
        )
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in cases])
