"""`wasm_signing_key`: a key whose secret half stays outside the build."""

load("//wasm/private/common:shown.bzl", "shown_target")
load("//wasm/private/common:variable_names.bzl", "is_encoded_key", "is_variable_name")
load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load(":key_origin.bzl", "key_origin", "public_key_files")

visibility(["//wasm/..."])

_DOC = """Names a signing key that lives outside the build: its public half, and where the secret half is.

The secret is no input of any action. What is signed with such a key is signed by `bazel run`: the run of a `wasm_sign`
writes the signed file, the run of a publish target signs and publishes. Nothing of this target is secret.
"""

_ATTRS = {
    "key_ref": attr.string(
        doc = """What `key_source` needs, empty by default: for "file" a path (`~` is the user's home; relative to where
`bazel run` is called), for "env" the name of a variable, for "keychain" `SERVICE/USER`, for "command" a program and its
arguments, which gets the message on stdin and answers with the signature. "stdin" and "ssh-agent" take none.""",
    ),
    "key_source": attr.string(
        doc = """Where the secret key is: "file" (any form, a passphrase is asked for or given), "env" (a variable with the
key itself), "stdin", "keychain" (Secret Service, macOS or Windows), "ssh-agent" or "command" (an HSM or a KMS).""",
        mandatory = True,
        values = ["file", "env", "stdin", "keychain", "ssh-agent", "command"],
    ),
    "public_key": attr.label(
        doc = "The public key's file: compact, OpenSSH, PEM or DER. What signs must belong to it. " +
              "One that a keygen target made keeps the mark of a development key.",
        allow_single_file = True,
        aspects = [key_origin],
        mandatory = True,
    ),
}
_WITHOUT_REF = ("ssh-agent", "stdin")

def _ref_error(source, ref):
    """What is wrong with a reference, without repeating it where it may be a secret; None if nothing is."""
    if "-----BEGIN" in ref or "\n" in ref or (source in ("file", "command") and is_encoded_key(ref)):
        return "it looks like a key, not like where one is (not shown); take the key out of this file, and never use it again"
    if source in _WITHOUT_REF:
        return "{} takes no reference; leave key_ref out".format(source) if ref else None
    if not ref.strip():
        return "{} needs one; {}".format(source, {
            "command": "name the program that signs, such as \"my-hsm-sign --slot 3\"",
            "env": "name the variable that holds the key",
            "file": "name the path of the secret key's file",
            "keychain": "write \"SERVICE/USER\"",
        }[source])
    if source == "env" and not is_variable_name(ref):
        return "it is not the name of a variable (not shown, it may be a secret); write the name only, and set the variable when you run"
    service, _, user = ref.rpartition("/")
    if source == "keychain" and not (service and user):
        return "it is not SERVICE/USER (not shown, it may be a secret); write the names under which the keychain has the key, never the key"
    if source in ("command", "file") and ref.startswith(("//", ":", "@")):
        return ("\"{}\" is a label, and what a label names is an input of the build, where no secret belongs; " +
                "write the path of a {} outside the workspace").format(ref, "program" if source == "command" else "file")
    return None

def _wasm_signing_key_impl(ctx):
    error = _ref_error(ctx.attr.key_source, ctx.attr.key_ref)
    if error:
        fail("{}: key_ref: {}".format(shown_target(ctx), error))
    key = public_key_files(ctx, "public_key", ctx.attr.public_key)[0]
    return [
        DefaultInfo(files = depset([key.file])),
        WasmKeyInfo(
            development = key.development,
            key_format = None,
            key_ref = ctx.attr.key_ref,
            key_source = ctx.attr.key_source,
            label = ctx.label,
            public_key = key.file,
        ),
    ]

wasm_signing_key = rule(
    implementation = _wasm_signing_key_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmKeyInfo],
)
