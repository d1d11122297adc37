"""Analysis tests of wasm_keygen and ssh_keygen."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "ssh_keygen", "wasm_keygen")
load("//wasm:providers.bzl", "WasmKeyInfo")
load(":subjects.bzl", "action_of", "basenames", "check_command")

def _pair_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    key = target[WasmKeyInfo]
    folder = target.label.name
    asserts.equals(env, [ctx.attr.public], basenames(target[DefaultInfo].files), "default outputs hold no secret")
    asserts.true(env, key.public_key.short_path.endswith("/{}/{}".format(folder, ctx.attr.public)), key.public_key.short_path)
    asserts.true(env, key.secret_key.short_path.endswith("/{}/{}".format(folder, ctx.attr.secret)), key.secret_key.short_path)
    asserts.equals(env, ctx.attr.format, key.key_format)
    asserts.true(env, key.development)
    asserts.false(env, hasattr(target[OutputGroupInfo], "secret_key") if OutputGroupInfo in target else False)
    action = action_of(env, "WasmKeygen")
    check_command(env, action, "keygen", [
        ("--secret-key", ctx.attr.secret),
        ("--public-key", ctx.attr.public),
        ("--format", ctx.attr.format),
    ])
    asserts.true(env, "--behind-link" in action.argv, "the secret is behind a link, which Bazel opens to nobody")
    asserts.equals(env, [], [file for file in target[DefaultInfo].default_runfiles.files.to_list() if file in (key.secret_key, key.public_key)])
    asserts.true(env, target[DefaultInfo].files_to_run.executable != None, "it can be run")
    asserts.equals(env, ctx.attr.comment != "", "--comment=" + ctx.attr.comment in action.argv)
    return analysistest.end(env)

_pair_test = analysistest.make(_pair_test_impl, attrs = {
    "comment": attr.string(),
    "format": attr.string(),
    "public": attr.string(),
    "secret": attr.string(),
})

def keygen_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    wasm_keygen(name = "keys_subject", tags = ["manual"])
    wasm_keygen(
        name = "named_keys_subject",
        openssh_format = True,
        public_key_name = "a.pub",
        secret_key_name = "a",
        tags = ["manual"],
    )
    ssh_keygen(name = "ssh_subject", tags = ["manual"])
    ssh_keygen(
        name = "named_ssh_subject",
        comment = "two words",
        key_type = "ed25519",
        private_key_name = "b",
        public_key_name = "b.pub",
        tags = ["manual"],
    )
    cases = {
        "keys": ("key.public", "key.secret", "compact", ""),
        "named_keys": ("a.pub", "a", "openssh", ""),
        "named_ssh": ("b.pub", "b", "openssh", "two words"),
        "ssh": ("id_ed25519.pub", "id_ed25519", "openssh", ""),
    }
    for case, (public, secret, key_format, comment) in cases.items():
        _pair_test(
            name = "{}_{}_test".format(name, case),
            comment = comment,
            format = key_format,
            public = public,
            secret = secret,
            target_under_test = ":{}_subject".format(case),
        )
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in cases])
