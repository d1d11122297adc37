"""One test for each error around keys outside the build, keys that sign together, and what is signed later."""

load("@bazel_skylib//rules:select_file.bzl", "select_file")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load(
    "//wasm:defs.bzl",
    "ssh_keygen",
    "wasm_component_oci_image",
    "wasm_keygen",
    "wasm_sign",
    "wasm_signature_attach",
    "wasm_signature_detach",
    "wasm_signing_key",
    "wasm_trusted_keys",
    "wasm_validate",
    "wasm_verify",
    "wasm_verify_test",
)
load(":subjects.bzl", "failure_test", "passed_on", "public_half", "wasm_file")

_CANARY = "c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44c0ffee55"
_IMAGE = {"component": ":later_input", "package_name": "pkg"}
_SIGNED = _IMAGE | {"sign_component": True}
_INSIDE = ":later_dev_keys"
_OUTSIDE = ":later_outside"
_SIGN = {"component": ":later_input"}
_TRUST = {"wasm_file": ":later_input"}
_VERIFY = _TRUST | {"keys": _INSIDE}
_IS_SECRET = ["gives key.secret, which is a secret key", "name the public key"]
_LINE_BREAK = ["split_regex = ", "has a line break", "write \\n"]
_RUN_IT = ["not signed in the build", "its key is outside", "signing_keys", "split_regex", "bazel run"]

def _key(kind, ref = ""):
    return {"key_ref": ref, "key_source": kind, "public_key": ":later_public"}

# Name of the case to (rule, attributes, words of the error).
_CASES = {
    "attach": (wasm_signature_attach, {"component": ":later_signed"}, ["component = ", "later_signed"] + _RUN_IT),
    "detach": (wasm_signature_detach, {"signed_component": ":later_signed"}, ["signed_component = ", "later_signed"] + _RUN_IT),
    "digest": (
        native.alias,
        {"actual": ":later_image.digest"},
        ["later_image.digest", "no digest in the build", "--dry-run", "signature_type = \"detached\""],
    ),
    "image_additional_alone": (
        wasm_component_oci_image,
        _IMAGE | {"additional_signing_keys": [_OUTSIDE]},
        ["additional_signing_keys is given without signing_keys"],
    ),
    "image_mixed": (
        wasm_component_oci_image,
        _SIGNED | {"additional_signing_keys": [_OUTSIDE], "signing_keys": _INSIDE},
        ["signing_keys = ", "additional_signing_keys = ", "use keys of one kind"],
    ),
    "image_of_image": (
        wasm_component_oci_image,
        _IMAGE | {"component": ":later_image"},
        ["component = ", "not signed in the build", "name the component that is in it", "publish it"],
    ),
    "image_of_sign": (wasm_component_oci_image, _IMAGE | {"component": ":later_signed"}, ["component = ", "later_signed"] + _RUN_IT),
    "image_split_alone": (wasm_component_oci_image, _IMAGE | {"split_regex": "x"}, ["split_regex is given", "sign_component = True"]),
    "image_split_line": (wasm_component_oci_image, _SIGNED | {"signing_keys": _OUTSIDE, "split_regex": "a\n-o"}, _LINE_BREAK),
    "image_twice": (
        wasm_component_oci_image,
        _SIGNED | {"additional_signing_keys": [":later_outside_again"], "signing_keys": _OUTSIDE},
        ["additional_signing_keys = ", "the same key as", "name each key once"],
    ),
    "key_agent": (wasm_signing_key, _key("ssh-agent", "x"), ["key_ref: ssh-agent takes no reference", "leave key_ref out"]),
    "key_command": (wasm_signing_key, _key("command"), ["key_ref: command needs one", "name the program"]),
    "key_command_blank": (wasm_signing_key, _key("command", "  "), ["key_ref: command needs one", "name the program"]),
    "key_command_label": (wasm_signing_key, _key("command", "//tools:hsm"), ["key_ref: \"//tools:hsm\" is a label", "path of a program"]),
    "key_env": (wasm_signing_key, _key("env"), ["key_ref: env needs one", "name the variable"]),
    "key_env_reference": (wasm_signing_key, _key("env", "${KEY}"), ["key_ref: it is not the name of a variable", "write the name only"]),
    "key_file": (wasm_signing_key, _key("file"), ["key_ref: file needs one", "name the path"]),
    "key_file_label": (
        wasm_signing_key,
        _key("file", ":later_dev_keys/key.secret"),
        ["key_ref: \":later_dev_keys/key.secret\" is a label", "input of the build", "a file outside the workspace"],
    ),
    "key_file_main_label": (wasm_signing_key, _key("file", "@repo//x"), ["key_ref: \"@repo//x\" is a label"]),
    "key_keychain": (wasm_signing_key, _key("keychain", "release"), ["key_ref: it is not SERVICE/USER", "never the key"]),
    "key_keychain_user": (wasm_signing_key, _key("keychain", "release/"), ["key_ref: it is not SERVICE/USER", "never the key"]),
    "key_stdin": (wasm_signing_key, _key("stdin", "-"), ["key_ref: stdin takes no reference"]),
    "sign_mixed": (wasm_sign, _SIGN | {"additional_keys": [_INSIDE], "keys": _OUTSIDE}, ["keys = ", "additional_keys = ", "use keys of one kind"]),
    "sign_additional_alone": (wasm_sign, _SIGN | {"additional_keys": [_OUTSIDE]}, ["no key is given", "wasm_signing_key"]),
    "sign_additional_format": (
        wasm_sign,
        _SIGN | {"additional_keys": [_INSIDE], "keys": ":later_ssh_keys", "openssh_format": True},
        ["openssh_format = True", "additional_keys = ", "compact"],
    ),
    "sign_additional_public": (
        wasm_sign,
        _SIGN | {"additional_keys": [":later_public_half"], "keys": _INSIDE},
        ["additional_keys = ", "only the public half", "wasm_signing_key"],
    ),
    "sign_additional_pair": (
        wasm_sign,
        _SIGN | {"additional_keys": [_INSIDE], "public_key": ":later_pair_keys/key.public", "secret_key": ":later_pair_keys/key.secret"},
        ["additional_keys is given without keys", "not with secret_key"],
    ),
    "key_secret": (
        wasm_signing_key,
        {"key_source": "ssh-agent", "public_key": ":later_dev_keys/key.secret"},
        ["public_key = "] + _IS_SECRET,
    ),
    "key_secret_alias": (
        wasm_signing_key,
        {"key_source": "ssh-agent", "public_key": ":later_secret_alias"},
        ["public_key = "] + _IS_SECRET,
    ),
    "sign_secret": (
        wasm_sign,
        _SIGN | {"public_key": ":later_dev_keys/key.secret", "secret_key": ":later_dev_keys/key.secret"},
        ["public_key = "] + _IS_SECRET,
    ),
    "trusted_secret_chosen": (wasm_trusted_keys, {"keys": {":later_secret_chosen": "one"}}, ["keys = "] + _IS_SECRET),
    "trusted_secret_group": (wasm_trusted_keys, {"keys": {":later_secret_group": "one"}}, ["keys = "] + _IS_SECRET),
    "verify_secret": (wasm_verify, _TRUST | {"public_key": ":later_dev_keys/key.secret"}, ["public_key = "] + _IS_SECRET),
    "verify_secret_chosen": (wasm_verify, _TRUST | {"public_key": ":later_secret_chosen"}, ["public_key = "] + _IS_SECRET),
    "verify_secret_keyed": (wasm_verify, _TRUST | {"public_key": ":later_secret_keyed"}, ["public_key = "] + _IS_SECRET),
    "verify_secrets": (
        wasm_verify,
        _TRUST | {"public_keys": [":later_public", ":later_secret_group"]},
        ["public_keys = ", "later_secret_group"] + _IS_SECRET,
    ),
    "verify_test_secret": (wasm_verify_test, _TRUST | {"public_key": ":later_secret_alias"}, ["public_key = "] + _IS_SECRET),
    "verify_test_secrets": (wasm_verify_test, _TRUST | {"public_keys": [":later_dev_keys/key.secret"]}, ["public_keys = "] + _IS_SECRET),
    "sign_again": (wasm_sign, {"component": ":later_signed", "keys": _INSIDE}, ["component = ", "later_signed"] + _RUN_IT),
    "sign_secret_outside": (
        wasm_sign,
        _SIGN | {"public_key": ":later_public", "secret_key": _OUTSIDE},
        ["secret_key = ", "wasm_signing_key"],
    ),
    "sign_split_line": (wasm_sign, _SIGN | {"keys": _INSIDE, "split_regex": "a\n-o"}, _LINE_BREAK),
    "sign_split_line_outside": (wasm_sign, _SIGN | {"keys": _OUTSIDE, "split_regex": "a\r"}, _LINE_BREAK),
    "sign_twice": (wasm_sign, _SIGN | {"additional_keys": [_INSIDE], "keys": _INSIDE}, ["additional_keys = ", "the same key as"]),
    "validate": (wasm_validate, {"wasm_file": ":later_signed"}, ["wasm_file = ", "later_signed"] + _RUN_IT),
    "verify": (wasm_verify, {"keys": _OUTSIDE, "signed_component": ":later_signed"}, ["signed_component = ", "later_signed"] + _RUN_IT),
    "verify_split_line": (wasm_verify, _VERIFY | {"split_regex": "a\n--ignore-time"}, _LINE_BREAK),
    "verify_test_split_line": (wasm_verify_test, _VERIFY | {"split_regex": "a\n--ignore-time"}, _LINE_BREAK),
    "verify_image": (
        wasm_verify_test,
        {"keys": _OUTSIDE, "signed_component": ":later_detached_image"},
        ["signed_component = ", "later_detached_image", "not signed in the build", "publish it"],
    ),
}

# Name of the case to (key_source, key_ref that looks like a key and must not be shown).
_NOT_SHOWN = {
    "env_base64": ("env", _CANARY + "+/="),
    "env_hex": ("env", _CANARY),
    "env_long": ("env", "A_" + _CANARY + _CANARY),
    "env_token": ("env", "npm_" + _CANARY),
    "file_base64": ("file", _CANARY + "+/="),
    "env_pem": ("env", "-----BEGIN PRIVATE KEY-----\n" + _CANARY),
    "file_pem": ("file", "-----BEGIN OPENSSH PRIVATE KEY----- " + _CANARY),
    "keychain": ("keychain", _CANARY),
}

def signing_key_failure_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "later_input")
    wasm_keygen(name = "later_dev_keys", tags = manual)
    ssh_keygen(name = "later_ssh_keys", tags = manual)
    wasm_keygen(name = "later_pair_keys", tags = manual)
    write_file(name = "later_public", out = "later_public.pub", content = [], tags = manual)
    native.alias(name = "later_secret_alias", actual = ":later_dev_keys/key.secret", tags = manual)
    native.filegroup(name = "later_secret_files", srcs = [":later_dev_keys/key.secret"], tags = manual)
    native.filegroup(name = "later_secret_group", srcs = [":later_secret_files"], tags = manual)
    select_file(name = "later_secret_chosen", srcs = ":later_secret_files", subpath = "later_dev_keys/key.secret", tags = manual)
    passed_on(name = "later_secret_keyed", files = {":later_secret_chosen": "x"}, tags = manual)
    public_half(name = "later_public_half", public_key = ":later_public", tags = manual)
    for key in ("later_outside", "later_outside_again"):
        wasm_signing_key(name = key, key_source = "ssh-agent", public_key = ":later_public", tags = manual)
    wasm_sign(name = "later_signed", component = ":later_input", keys = _OUTSIDE, tags = manual)
    for image, kind in {"later_detached_image": "detached", "later_image": "embedded"}.items():
        wasm_component_oci_image(
            name = image,
            component = ":later_input",
            package_name = "pkg",
            sign_component = True,
            signature_type = kind,
            signing_keys = _OUTSIDE,
            tags = manual,
        )
    for case, (make, attributes, words) in _CASES.items():
        make(name = case + "_later_failure_subject", tags = manual, **attributes)
        failure_test(
            name = "{}_{}_test".format(name, case),
            target_under_test = ":{}_later_failure_subject".format(case),
            words = words,
        )
    for case, (kind, ref) in _NOT_SHOWN.items():
        subject = "not_shown_{}_failure_subject".format(case)
        wasm_signing_key(name = subject, key_ref = ref, key_source = kind, public_key = ":later_public", tags = manual)
        failure_test(
            name = "{}_not_shown_{}_test".format(name, case),
            absent = _CANARY,
            target_under_test = ":" + subject,
            words = ["key_ref", "not shown"],
        )
    tests = _CASES.keys() + ["not_shown_" + case for case in _NOT_SHOWN]
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in tests])
