"""Providers of the public rules."""

load("//wasm/private/providers:key_info.bzl", _WasmKeyInfo = "WasmKeyInfo")
load(
    "//wasm/private/providers:metadata_info.bzl",
    _WasmComponentMetadataInfo = "WasmComponentMetadataInfo",
    _WasmOciMetadataMappingInfo = "WasmOciMetadataMappingInfo",
)
load("//wasm/private/providers:oci_image_info.bzl", _WasmOciImageInfo = "WasmOciImageInfo")
load("//wasm/private/providers:publish_info.bzl", _WasmPublishInfo = "WasmPublishInfo")
load("//wasm/private/providers:pulled_info.bzl", _WasmPulledInfo = "WasmPulledInfo")
load("//wasm/private/providers:registry_config_info.bzl", _WasmRegistryConfigInfo = "WasmRegistryConfigInfo")
load("//wasm/private/providers:release_info.bzl", _WasmReleaseInfo = "WasmReleaseInfo")
load("//wasm/private/providers:security_policy_info.bzl", _WasmSecurityPolicyInfo = "WasmSecurityPolicyInfo")
load("//wasm/private/providers:signature_info.bzl", _WasmSignatureInfo = "WasmSignatureInfo")
load("//wasm/private/providers:trusted_keys_info.bzl", _WasmTrustedKeysInfo = "WasmTrustedKeysInfo")

WasmComponentMetadataInfo = _WasmComponentMetadataInfo
WasmKeyInfo = _WasmKeyInfo
WasmOciImageInfo = _WasmOciImageInfo
WasmOciMetadataMappingInfo = _WasmOciMetadataMappingInfo
WasmPublishInfo = _WasmPublishInfo
WasmPulledInfo = _WasmPulledInfo
WasmRegistryConfigInfo = _WasmRegistryConfigInfo
WasmReleaseInfo = _WasmReleaseInfo
WasmSecurityPolicyInfo = _WasmSecurityPolicyInfo
WasmSignatureInfo = _WasmSignatureInfo
WasmTrustedKeysInfo = _WasmTrustedKeysInfo
