"""Public rules: keys, signatures, OCI images of WebAssembly components, and publishing."""

load("//wasm/private/image:enhanced_annotations.bzl", _enhanced_oci_annotations = "enhanced_oci_annotations")
load("//wasm/private/image:oci_image.bzl", _wasm_component_oci_image = "wasm_component_oci_image")
load("//wasm/private/keys:keygen.bzl", _ssh_keygen = "ssh_keygen", _wasm_keygen = "wasm_keygen")
load("//wasm/private/keys:signing_key.bzl", _wasm_signing_key = "wasm_signing_key")
load("//wasm/private/keys:trusted_keys.bzl", _wasm_trusted_keys = "wasm_trusted_keys")
load("//wasm/private/policy:policy_test.bzl", _wasm_policy_test = "wasm_policy_test")
load("//wasm/private/policy:security_policy.bzl", _wasm_security_policy = "wasm_security_policy")
load("//wasm/private/publish:multi_publish.bzl", _wkg_multi_registry_publish = "wkg_multi_registry_publish")
load("//wasm/private/publish:oci_publish.bzl", _wasm_component_oci_publish = "wasm_component_oci_publish")
load("//wasm/private/publish:promote.bzl", _wasm_promote = "wasm_promote")
load("//wasm/private/publish:publish.bzl", _wasm_component_publish = "wasm_component_publish")
load("//wasm/private/publish:registry_config.bzl", _wkg_registry_config = "wkg_registry_config")
load("//wasm/private/publish:release.bzl", _wasm_release = "wasm_release")
load("//wasm/private/publish:secure_publish.bzl", _wasm_component_secure_publish = "wasm_component_secure_publish")
load("//wasm/private/signing:sign.bzl", _wasm_sign = "wasm_sign")
load("//wasm/private/signing:signature_attach.bzl", _wasm_signature_attach = "wasm_signature_attach")
load("//wasm/private/signing:signature_detach.bzl", _wasm_signature_detach = "wasm_signature_detach")
load("//wasm/private/signing:verify.bzl", _wasm_verify = "wasm_verify")
load("//wasm/private/signing:verify_test.bzl", _wasm_verify_test = "wasm_verify_test")
load("//wasm/private/wasm_tools:validate.bzl", _wasm_validate = "wasm_validate")
load("//wasm/private/wasm_tools:wasm_tools_toolchain.bzl", _wasm_tools_toolchain = "wasm_tools_toolchain")

enhanced_oci_annotations = _enhanced_oci_annotations
ssh_keygen = _ssh_keygen
wasm_component_oci_image = _wasm_component_oci_image
wasm_component_oci_publish = _wasm_component_oci_publish
wasm_component_publish = _wasm_component_publish
wasm_component_secure_publish = _wasm_component_secure_publish
wasm_keygen = _wasm_keygen
wasm_policy_test = _wasm_policy_test
wasm_promote = _wasm_promote
wasm_release = _wasm_release
wasm_security_policy = _wasm_security_policy
wasm_sign = _wasm_sign
wasm_signature_attach = _wasm_signature_attach
wasm_signature_detach = _wasm_signature_detach
wasm_signing_key = _wasm_signing_key
wasm_tools_toolchain = _wasm_tools_toolchain
wasm_trusted_keys = _wasm_trusted_keys
wasm_validate = _wasm_validate
wasm_verify = _wasm_verify
wasm_verify_test = _wasm_verify_test
wkg_multi_registry_publish = _wkg_multi_registry_publish
wkg_registry_config = _wkg_registry_config
