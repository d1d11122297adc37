"""One test for each error of a rule: the target, and words that the error must have (what, where, what next)."""

load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//rust:defs.bzl", "rust_wasm_component")
load(
    "//wasm:defs.bzl",
    "ssh_keygen",
    "wasm_component_oci_image",
    "wasm_component_publish",
    "wasm_keygen",
    "wasm_promote",
    "wasm_release",
    "wasm_sign",
    "wasm_signature_attach",
    "wasm_signature_detach",
    "wasm_trusted_keys",
    "wasm_validate",
    "wasm_verify",
    "wkg_multi_registry_publish",
    "wkg_registry_config",
)
load(":subjects.bzl", "failure_test", "folder", "public_half", "wasm_file")

_IMAGE = {"component": ":failure_input", "package_name": "pkg"}
_SIGN = {"component": ":failure_input", "keys": ":failure_keys"}
_PUBLISH = {"oci_image": ":failure_image"}
_PROMOTE = {"destination": "ghcr.io/my-org/releases", "source": "staging.example.com/releases:v1", "target_tags": ["manual"]}
_RELEASE = {"releases": [":failure_publish"], "repository": "releases", "tag": "v1"}
_MULTI = _PUBLISH | {"registry_config": ":failure_config"}
_TRUSTED = {"keys": {":failure_keys": "one"}}
_IS_FILE = ["but the target of a key is required", "wasm_keygen or ssh_keygen target for development", "wasm_signing_key"]
_VALIDATE = {"component": ":failure_input", "verify_signature": True}
_VERIFY = {"keys": ":failure_keys", "wasm_file": ":failure_input"}

# Name of the case to (rule, attributes, words of the error).
_CASES = {
    "attach_embedded": (wasm_signature_attach, {"component": ":failure_signed"}, ["component", "embedded signature already"]),
    "attach_input": (wasm_signature_attach, {}, ["exactly one of component, wasm_file"]),
    "attach_other_signature": (
        wasm_signature_attach,
        {"component": ":failure_detached", "signature_file": ":failure_input"},
        ["signature_file", "is not the signature", "leave one of them out"],
    ),
    "attach_signature": (wasm_signature_attach, {"wasm_file": ":failure_input"}, ["no signature is given", "signature_file"]),
    "detach_detached": (wasm_signature_detach, {"signed_component": ":failure_detached"}, ["detached signature already", "embedded one"]),
    "detach_input": (wasm_signature_detach, {}, ["exactly one of signed_component, wasm_file"]),
    "config_both": (wkg_registry_config, {"config": ":failure_config.yaml", "timeout_seconds": 5}, ["timeout_seconds goes without config", "failure_config.yaml"]),
    "config_credential_label": (wkg_registry_config, {"credential_files": ["/a", "//:x"]}, ["credential_files[1]", "must not be in the build"]),
    "config_credential_path": (wkg_registry_config, {"credential_files": ["a/b.json"]}, ["credential_files[0]", "not an absolute path"]),
    "config_audit_log": (wkg_registry_config, {"audit_log": "audit:log"}, ["audit_log = \"audit:log\" is not the path of a folder"]),
    "config_cache_dir": (wkg_registry_config, {"cache_dir": "$TMPDIR/x"}, ["cache_dir = \"$TMPDIR/x\" is not the path of a folder"]),
    "config_mirror": (wkg_registry_config, {"registries": ["m|a.example|mirror|a"]}, ["registries[0] (\"m\"): of: ", "add the entry"]),
    "config_ca_hosts": (wkg_registry_config, {"ca_hosts": ["a.example"]}, ["ca_hosts = [\"a.example\"] has no ca_file", "give ca_file"]),
    "config_ca_host": (wkg_registry_config, {"ca_file": ":failure_config.yaml", "ca_hosts": ["https://a"]}, ["ca_hosts[0]", "scheme"]),
    "config_default": (wkg_registry_config, {"default_registry": "b", "registries": ["a|localhost|oci"]}, ["default_registry", "among"]),
    "config_plain_http": (wkg_registry_config, {"plain_http": ["http://a:1"], "registries": ["a|localhost|oci"]}, ["plain_http[0]", "scheme"]),
    "config_timeout": (wkg_registry_config, {"timeout_seconds": 0}, ["timeout_seconds = 0", "from 1 to 3600"]),
    "config_literal": (wkg_registry_config, {"registries": ["a|ghcr.io|oci|token|abc"]}, ["registries[0]", "token is a literal value", "${VARIABLE}"]),
    "image_annotation": (wasm_component_oci_image, _IMAGE | {"annotations": ["a=b", "c"]}, ["annotations[1]", "key=value"]),
    "image_annotation_reserved": (
        wasm_component_oci_image,
        _IMAGE | {"annotations": ["com.wasmsign2.key.format=x"]},
        ["annotations[0]", "written by the rule"],
    ),
    "image_annotation_twice": (wasm_component_oci_image, _IMAGE | {"annotations": ["a=b", "a=c"]}, ["annotations[1]", "annotations[0]"]),
    "image_detached_alone": (wasm_component_oci_image, _IMAGE | {"signature_type": "detached"}, ["signature_type", "sign_component"]),
    "image_folder": (wasm_component_oci_image, _IMAGE | {"component": ":failure_folder.wasm"}, ["component = //", "is a folder; name a file"]),
    "image_keys_alone": (wasm_component_oci_image, _IMAGE | {"signing_keys": ":failure_keys"}, ["signing_keys", "sign_component = True"]),
    "image_many_files": (wasm_component_oci_image, _IMAGE | {"component": ":failure_two"}, ["component", "2 .wasm files"]),
    "image_namespace": (wasm_component_oci_image, _IMAGE | {"namespace": "my org"}, ["namespace: ", "not a repository name"]),
    "image_no_keys": (wasm_component_oci_image, _IMAGE | {"sign_component": True}, ["signing_keys", "wasm_keygen"]),
    "image_no_secret": (
        wasm_component_oci_image,
        _IMAGE | {"sign_component": True, "signing_keys": ":failure_public_half"},
        ["signing_keys", "only the public half of a key", "wasm_signing_key"],
    ),
    "image_registry": (wasm_component_oci_image, _IMAGE | {"registry": "https://x"}, ["registry: ", "scheme"]),
    "image_signed_detached": (
        wasm_component_oci_image,
        _IMAGE | {"component": ":failure_detached", "sign_component": True, "signing_keys": ":failure_keys"},
        ["signed already", "remove sign_component"],
    ),
    "image_tag": (wasm_component_oci_image, _IMAGE | {"tag": "1.0+x"}, ["tag: ", "'+'"]),
    "image_upper_case": (wasm_component_oci_image, _IMAGE | {"package_name": "Pkg"}, ["package_name: ", "upper-case", "\"pkg\""]),
    "image_stamped": (wasm_component_oci_image, _IMAGE | {"tag": "{STABLE_VERSION}"}, ["tag: ", "is not a tag", "goes into tag_override"]),
    "image_upper_case_override": (wasm_component_oci_image, _IMAGE | {"name_override": "Pkg"}, ["name_override: "]),
    "keygen_comment": (ssh_keygen, {"comment": "a\n--format=compact"}, ["comment = ", "has a line break", "write one line"]),
    "keygen_type": (ssh_keygen, {"key_type": "rsa"}, ["key_type", "ed25519"]),
    "multi_empty": (
        wkg_multi_registry_publish,
        _PUBLISH | {"registry_config": ":failure_empty_config"},
        ["registry_config = ", "failure_empty_config has no registries", "add some"],
    ),
    "multi_far": (
        wkg_multi_registry_publish,
        _MULTI | {"target_registries": ["github"]},
        ["target_registries[0]", "\"github\" is not an entry of", "write one of local"],
    ),
    "multi_mirror": (
        wkg_multi_registry_publish,
        _MULTI | {"target_registries": ["backup"]},
        ["target_registries[0]", "\"backup\" is a mirror in", "nothing is published to one; write one of local"],
    ),
    "multi_near": (
        wkg_multi_registry_publish,
        _MULTI | {"target_registries": ["local", "lokal"]},
        ["target_registries[1]", "\"lokal\" is not an entry of", "did you mean \"local\"?"],
    ),
    "multi_stamp": (wkg_multi_registry_publish, _MULTI | {"tag_override": "{BUILD_USER}"}, ["tag_override", "write {STABLE_NAME}"]),
    "multi_twice": (
        wkg_multi_registry_publish,
        _MULTI | {"target_registries": ["local", "local"]},
        ["target_registries[1]", "\"local\" is there twice"],
    ),
    "part_reference": (
        native.alias,
        {"actual": ":failure_entry_image.reference"},
        ["failure_entry_image has no reference in the build", "registry = \"github\" names no host", "write a host"],
    ),
    "publish_extra_tag": (wasm_component_publish, _PUBLISH | {"extra_tags": ["a", "-"]}, ["extra_tags", "is not a tag"]),
    "publish_image_registry": (
        wasm_component_publish,
        {"oci_image": ":failure_entry_image"},
        ["registry of", "\"github\"", "registry_config, which is not given", "ghcr.io"],
    ),
    "publish_movable": (wasm_component_publish, _PUBLISH | {"movable_tags": ["a b"]}, ["movable_tags"]),
    "publish_namespace": (wasm_component_publish, _PUBLISH | {"namespace_override": "A"}, ["namespace_override"]),
    "publish_registry": (
        wasm_component_publish,
        _PUBLISH | {"registry_config": ":failure_config", "registry_override": "nowhere"},
        ["\"nowhere\"", "neither a host nor an entry", "write one of local"],
    ),
    "publish_no_registry": (
        wasm_component_publish,
        {"oci_image": ":failure_anywhere_image", "registry_config": ":failure_config"},
        ["no registry is named", "registry_override", "default_registry"],
    ),
    "publish_tag": (wasm_component_publish, _PUBLISH | {"tag_override": "-"}, ["tag_override"]),
    "promote_destination": (wasm_promote, _PROMOTE | {"destination": "nowhere"}, ["destination = \"nowhere\"", "names no repository"]),
    "promote_entry": (
        wasm_promote,
        _PROMOTE | {"destination": "github/releases"},
        ["\"github\" is neither a host nor an entry", "registry_config, which is not given; give registry_config"],
    ),
    "promote_entry_of_config": (
        wasm_promote,
        _PROMOTE | {"destination": "lokal/releases", "registry_config": ":failure_config"},
        ["\"lokal\" is neither a host nor an entry", "did you mean \"local\"?"],
    ),
    "promote_source": (wasm_promote, _PROMOTE | {"source": "ghcr.io/releases"}, ["source = ", "names neither tag nor digest"]),
    "promote_no_source": (wasm_promote, _PROMOTE | {"source": ""}, ["source = \"\"", "names neither tag nor digest", "\":release\""]),
    "promote_source_kind": (wasm_promote, _PROMOTE | {"source": ":failure_config"}, ["failure_config", "does not have mandatory providers", "WasmReleaseInfo"]),
    "promote_source_registry": (
        wasm_promote,
        _PROMOTE | {"source_registry": "plain"},
        ["source_registry = \"plain\" is for a target as source", "staging.example.com/releases:v1 names its registry"],
    ),
    "promote_tag": (wasm_promote, _PROMOTE | {"movable_tags": ["a b"]}, ["movable_tags: "]),
    "release_empty": (wasm_release, _RELEASE | {"releases": []}, ["there is nothing to release"]),
    "release_far": (
        wasm_release,
        _RELEASE | {"registry_config": ":failure_config", "target_registries": ["github"]},
        ["target_registries[0]", "\"github\" is not an entry of", "write one of local"],
    ),
    "release_repository": (wasm_release, _RELEASE | {"repository": "Releases"}, ["repository: "]),
    "release_tag": (wasm_release, _RELEASE | {"tag": "-"}, ["tag: "]),
    "rust_world_alone": (rust_wasm_component, {"srcs": [":failure_main.rs"], "world": "w"}, ["world", "wit"]),
    "sign_both_inputs": (wasm_sign, _SIGN | {"wasm_file": ":failure_input"}, ["exactly one of component, wasm_file"]),
    "sign_both_keys": (wasm_sign, _SIGN | {"public_key": ":failure_keys/key.public"}, ["keys and public_key"]),
    "sign_format": (wasm_sign, _SIGN | {"openssh_format": True}, ["openssh_format", "compact"]),
    "sign_half_pair": (
        wasm_sign,
        {"component": ":failure_input", "secret_key": ":failure_keys/key.secret"},
        ["secret_key is given without public_key"],
    ),
    "sign_no_input": (wasm_sign, {"keys": ":failure_keys"}, ["exactly one of component, wasm_file"]),
    "sign_no_key": (wasm_sign, {"component": ":failure_input"}, ["no key is given", "wasm_keygen"]),
    "sign_no_secret": (wasm_sign, _SIGN | {"keys": ":failure_public_half"}, ["keys = ", "only the public half of a key", "wasm_signing_key"]),
    "sign_public_alone": (
        wasm_sign,
        {"component": ":failure_input", "public_key": ":failure_keys/key.public"},
        ["public_key is given without secret_key"],
    ),
    "sign_source_key": (
        wasm_sign,
        {"component": ":failure_input", "public_key": ":failure_keys/key.public", "secret_key": "BUILD.bazel"},
        ["source file", "outside the build"],
    ),
    "sign_made_key": (
        wasm_sign,
        {"component": ":failure_input", "public_key": ":failure_keys/key.public", "secret_key": ":failure_main.rs"},
        ["not a secret key that a keygen target made"],
    ),
    "sign_public_as_secret": (
        wasm_sign,
        {"component": ":failure_input", "public_key": ":failure_keys/key.public", "secret_key": ":failure_keys/key.public"},
        ["not a secret key that a keygen target made"],
    ),
    "trusted_after": (wasm_trusted_keys, _TRUSTED | {"not_after": {"two": "2027-01-01"}}, ["not_after", "\"two\"", "write one of one"]),
    "trusted_before": (wasm_trusted_keys, _TRUSTED | {"not_before": {"two": "2027-01-01"}}, ["not_before", "\"two\"", "not a name"]),
    "trusted_both": (wasm_trusted_keys, _TRUSTED | {"config": ":failure_trusted.yaml"}, ["exactly one of config, keys"]),
    "trusted_comment": (wasm_trusted_keys, _TRUSTED | {"comments": {"two": "c"}}, ["comments", "\"two\""]),
    "trusted_config_dates": (
        wasm_trusted_keys,
        {"config": ":failure_trusted.yaml", "not_after": {"one": "2027-01-01"}},
        ["not_after goes with keys", "write it in", "failure_trusted.yaml"],
    ),
    "trusted_files": (wasm_trusted_keys, {"keys": {":failure_two": "one"}}, ["keys", "2 files", "exactly one public key"]),
    "trusted_names": (
        wasm_trusted_keys,
        {"keys": {":failure_keys": "one", ":failure_main.rs": "one"}},
        ["the name \"one\"", "failure_keys", "failure_main.rs", "a name of its own"],
    ),
    "trusted_none": (wasm_trusted_keys, {}, ["exactly one of config, keys"]),
    "trusted_revoked": (wasm_trusted_keys, _TRUSTED | {"revoked": ["two"]}, ["revoked", "\"two\""]),
    "trusted_secret": (
        wasm_trusted_keys,
        {"keys": {":failure_keys/key.secret": "one"}},
        ["keys", "is a secret key", "name the public key"],
    ),
    "trusted_secret_src": (
        wasm_trusted_keys,
        {"config": ":failure_trusted.yaml", "srcs": [":failure_keys/key.secret"]},
        ["srcs", "is a secret key"],
    ),
    "trusted_srcs": (wasm_trusted_keys, _TRUSTED | {"srcs": [":failure_main.rs"]}, ["srcs", "goes with config"]),
    "sign_folder": (wasm_sign, _SIGN | {"component": ":failure_folder.wasm"}, ["component = //", "is a folder; name a file"]),
    "sign_file_as_keys": (wasm_sign, _SIGN | {"keys": "BUILD.bazel"}, ["keys = "] + _IS_FILE + ["a source file"]),
    "sign_made_file_as_keys": (wasm_sign, _SIGN | {"keys": ":failure_keys/key.secret"}, ["keys = ", "a target without a key"] + _IS_FILE),
    "sign_file_as_additional": (wasm_sign, _SIGN | {"additional_keys": ["BUILD.bazel"]}, ["additional_keys = "] + _IS_FILE),
    "image_file_as_keys": (
        wasm_component_oci_image,
        _IMAGE | {"sign_component": True, "signing_keys": "BUILD.bazel"},
        ["signing_keys = "] + _IS_FILE,
    ),
    "image_file_as_additional": (
        wasm_component_oci_image,
        _IMAGE | {"additional_signing_keys": ["BUILD.bazel"], "sign_component": True, "signing_keys": ":failure_keys"},
        ["additional_signing_keys = "] + _IS_FILE,
    ),
    "validate_both_keys": (
        wasm_validate,
        _VALIDATE | {"public_key": ":failure_keys/key.public", "signing_keys": ":failure_keys"},
        ["exactly one of public_key, signing_keys"],
    ),
    "validate_file_as_keys": (wasm_validate, _VALIDATE | {"signing_keys": "BUILD.bazel"}, ["signing_keys = ", "public_key"]),
    "validate_key_alone": (
        wasm_validate,
        {"component": ":failure_input", "public_key": ":failure_keys/key.public"},
        ["public_key is given, but verify_signature is False", "add verify_signature = True"],
    ),
    "validate_no_key": (wasm_validate, _VALIDATE, ["exactly one of public_key, signing_keys"]),
    "validate_other_signature": (
        wasm_validate,
        {"component": ":failure_detached", "public_key": ":failure_keys", "signature_file": "BUILD.bazel", "verify_signature": True},
        ["signature_file", "is not the signature", "leave one of them out"],
    ),
    "validate_secret": (wasm_validate, _VALIDATE | {"public_key": ":failure_keys/key.secret"}, ["public_key = ", "is a secret key"]),
    "verify_file_as_keys": (wasm_verify, _VERIFY | {"keys": "BUILD.bazel"}, ["keys = ", "not the target of a key", "public_key"]),
    "validate_two_files": (wasm_validate, {"component": ":failure_two"}, ["2 .wasm files"]),
    "verify_both_inputs": (
        wasm_verify,
        _VERIFY | {"signed_component": ":failure_detached"},
        ["exactly one of signed_component, wasm_file", "signed_component and wasm_file"],
    ),
    "verify_format": (wasm_verify, _VERIFY | {"openssh_format": True}, ["openssh_format", "compact"]),
    "verify_no_key": (wasm_verify, {"wasm_file": ":failure_input"}, ["exactly one of keys, public_key, public_keys"]),
    "verify_threshold": (wasm_verify, _VERIFY | {"threshold": 0}, ["threshold = 0", "write 1 or more"]),
    "verify_threshold_of_one": (wasm_verify, _VERIFY | {"threshold": 2}, ["threshold = 2", "is one key", "public_keys or trusted_keys"]),
    "verify_trusted_twice": (wasm_verify, _VERIFY | {"trusted_keys": ":failure_trusted"}, ["exactly one of", "keys and trusted_keys"]),
    "verify_two_signatures": (
        wasm_verify,
        {"keys": ":failure_keys", "signature_file": "BUILD.bazel", "signed_component": ":failure_detached"},
        ["signature_file goes with wasm_file"],
    ),
}

def failure_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "failure_input")
    wasm_file(name = "failure_two", count = 2)
    folder(name = "failure_folder.wasm", tags = manual)
    wasm_keygen(name = "failure_keys", tags = manual)
    wasm_sign(name = "failure_detached", component = ":failure_input", detached = True, keys = ":failure_keys", tags = manual)
    wasm_sign(name = "failure_signed", component = ":failure_input", keys = ":failure_keys", tags = manual)
    wasm_component_oci_image(name = "failure_image", component = ":failure_input", package_name = "pkg", tags = manual)
    wasm_component_oci_image(
        name = "failure_entry_image",
        component = ":failure_input",
        package_name = "pkg",
        registry = "github",
        tags = manual,
    )
    public_half(name = "failure_public_half", public_key = ":failure_keys/key.public", tags = manual)
    wasm_component_oci_image(
        name = "failure_anywhere_image",
        component = ":failure_input",
        package_name = "pkg",
        registry = "",
        tags = manual,
    )
    write_file(name = "failure_config_file", out = "failure_config.yaml", content = ["registries: []"], tags = manual)
    wkg_registry_config(name = "failure_empty_config", tags = manual)
    wkg_registry_config(name = "failure_config", registries = ["local|localhost:5000|oci", "backup|localhost:5001|mirror|local"], tags = manual)
    wasm_component_publish(name = "failure_publish", oci_image = ":failure_image", tags = manual)
    wasm_trusted_keys(name = "failure_trusted", keys = {":failure_keys": "one"}, tags = manual)
    write_file(name = "failure_trusted_config", out = "failure_trusted.yaml", content = [], tags = manual)
    native.genrule(name = "failure_main", outs = ["failure_main.rs"], cmd = "echo 'fn main() {}' > $@", tags = manual)
    for case, (make, attributes, words) in _CASES.items():
        make(name = case + "_failure_subject", tags = manual, **attributes)
        failure_test(
            name = "{}_{}_test".format(name, case),
            target_under_test = ":{}_failure_subject".format(case),
            words = words,
        )
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in _CASES])
