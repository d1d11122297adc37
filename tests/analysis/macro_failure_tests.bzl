"""An error of an image that `wasm_component_oci_publish` makes names the target and the attribute that the user wrote."""

load("//wasm:defs.bzl", "wasm_component_oci_publish", "wasm_keygen", "wkg_registry_config")
load(":subjects.bzl", "failure_test", "public_half", "wasm_file")

_KEYS = {"sign_component": True, "signing_keys": ":macro_keys"}

# Name of the case to (attributes, what follows the target in the error).
_CASES = {
    "annotation": ({"annotations": ["a"]}, "annotations[0]: "),
    "component": ({"component": ":macro_two"}, "component = //tests/analysis:macro_two has 2 .wasm files"),
    "detached": ({"signature_type": "detached"}, "signature_type is"),
    "key": ({"sign_component": True, "signing_keys": ":macro_public_half"}, "signing_keys = //tests/analysis:macro_public_half"),
    "line": (_KEYS | {"split_regex": "a\nb"}, "split_regex = "),
    "no_keys": ({"sign_component": True}, "sign_component = True needs signing_keys"),
    "no_registry": ({"registry": ""}, "no registry is named: registry is \"\""),
    "registry": ({"registry": "github"}, "registry = \"github\" is neither a host nor an entry"),
    "registry_entry": ({"registry": "github", "registry_config": ":macro_config"}, "registry = \"github\" is neither a host nor an entry"),
    "same_key": (_KEYS | {"additional_signing_keys": [":macro_keys"]}, "additional_signing_keys = //tests/analysis:macro_keys is the same key"),
    "tag": ({"tag": "-"}, "tag: "),
}

def macro_failure_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "macro_input")
    wasm_file(name = "macro_two", count = 2)
    wasm_keygen(name = "macro_keys", tags = manual)
    public_half(name = "macro_public_half", public_key = ":macro_keys/key.public", tags = manual)
    wkg_registry_config(name = "macro_config", registries = ["local|localhost:5000|oci"], tags = manual)
    for case, (attributes, words) in _CASES.items():
        subject = case + "_macro_failure_subject"
        wasm_component_oci_publish(
            name = subject,
            package_name = "pkg",
            tags = manual,
            **({"component": ":macro_input"} | attributes)
        )
        failure_test(
            name = "{}_{}_test".format(name, case),
            absent = subject + "_image",
            target_under_test = ":" + subject,
            words = ["//tests/analysis:{}: {}".format(subject, words)],
        )
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in _CASES])
