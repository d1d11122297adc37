"""JSON that rules write for programs, compared with the files in tests/testdata/requests, which tests/python/test_requests.py reads."""

load("@bazel_skylib//rules:copy_file.bzl", "copy_file")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//docs/private:synced_files.bzl", "synced_files")
load(
    "//wasm:defs.bzl",
    "ssh_keygen",
    "wasm_component_oci_image",
    "wasm_component_publish",
    "wasm_keygen",
    "wasm_policy_test",
    "wasm_promote",
    "wasm_release",
    "wasm_security_policy",
    "wasm_sign",
    "wasm_signing_key",
    "wasm_trusted_keys",
    "wasm_verify_test",
    "wkg_multi_registry_publish",
    "wkg_registry_config",
)

_REGISTRIES = [
    "plain|localhost:5000|oci",
    "token|ghcr.io/my-org|oci|token|${GITHUB_TOKEN}",
    "token_of_user|ghcr.io/other|oci|token|${GITHUB_TOKEN}|robot",
    "env|registry.example.com|oci|env|REGISTRY_TOKEN|robot",
    "basic|registry.example.com:5443|oci|basic|robot|${REGISTRY_PASSWORD}",
    "oauth|oauth.example.com|oci|oauth|${CLIENT_ID}|${CLIENT_SECRET}",
    "docker|https://localhost:5443|oci|docker",
    "anonymous|public.example.com|oci|anonymous",
    "disk|/srv/layout|layout",
    "mirror|mirror.example.com/ghcr/my-org|mirror|token|env|MIRROR_TOKEN",
]

_IMAGE = {
    "additional_signing_keys": [":request_key_ssh-agent"],
    "annotations": ["org.example.a=b"],
    "authors": ["me"],
    "component": ":request_input",
    "description": "greets",
    "license": "MIT",
    "name_override": "hello",
    "namespace": "my-org",
    "package_name": "examples/hello",
    "registry": "plain",
    "sign_component": True,
    "signing_keys": ":request_key_env",
    "tag": "v1",
    "version": "1.0.0",
}

def _request_file_impl(ctx):
    name = ctx.attr.target.label.name + "_request.json"
    files = [file for file in ctx.attr.target[DefaultInfo].default_runfiles.files.to_list() if file.basename == name]
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

# The request of a run target, as a file.
_request_file = rule(
    implementation = _request_file_impl,
    attrs = {"target": attr.label(mandatory = True)},
)

_ToldInfo = provider(doc = "The JSON that a target's build action is told.", fields = {"json": "string"})

def _told_impl(target, _ctx):
    found = []
    for action in target.actions:
        if action.mnemonic in ("WasmOciLayout", "WasmPolicyCheck", "WasmSecurityPolicy"):
            told = [argument for argument in action.argv if argument.startswith(("--attributes=", "--facts="))]
            found.extend([argument.partition("=")[2] for argument in told])
        elif action.mnemonic == "FileWrite":
            found.extend([action.content for file in action.outputs.to_list() if file.basename == target.label.name + "_keys.json"])
    if len(found) != 1:
        fail("{}: {} documents; one is meant".format(target.label, len(found)))
    return [_ToldInfo(json = found[0])]

_told = aspect(implementation = _told_impl)

def _told_file_impl(ctx):
    file = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(file, json.indent(ctx.attr.target[_ToldInfo].json, indent = "  ").strip() + "\n")
    return [DefaultInfo(files = depset([file]), runfiles = ctx.runfiles([file]))]

# What the build action of an image, a trust store, a policy or a check is told, as a file.
_told_file = rule(
    implementation = _told_file_impl,
    attrs = {"target": attr.label(mandatory = True, aspects = [_told])},
)

def _keys(manual):
    wasm_keygen(name = "request_keygen", tags = manual)
    ssh_keygen(name = "request_ssh_keygen", comment = "of the build", tags = manual)
    for source, ref in {"env": "RELEASE_KEY", "ssh-agent": None}.items():
        write_file(name = "request_public_" + source, out = "request_{}.pub".format(source), content = [], tags = manual)
        wasm_signing_key(
            name = "request_key_" + source,
            key_ref = ref,
            key_source = source,
            public_key = "request_{}.pub".format(source),
            tags = manual,
        )
    names = ["one", "two"]
    wasm_trusted_keys(
        name = "request_dated",
        comments = {name: "key " + name for name in names},
        keys = {"request_env.pub": "one", "request_ssh-agent.pub": "two"},
        not_after = {"one": "2027-12-31", "two": "2028-03-31T18:00:00Z"},
        not_before = {name: "2027-01-01" for name in names},
        revoked = names,
        tags = manual,
    )
    wasm_trusted_keys(name = "request_trusted", keys = {"request_env.pub": "one", "request_ssh-agent.pub": "two"}, tags = manual)

def _publish(manual):
    write_file(name = "request_ca", out = "request_ca.pem", content = [], tags = manual)
    wkg_registry_config(
        name = "request_config",
        audit_log = "/var/log/wasm",
        ca_file = "request_ca.pem",
        ca_hosts = ["registry.example.com"],
        cache_dir = "~/.cache/wasm",
        credential_files = ["/run/secrets/docker.json", "~/.config/ci/auth.json"],
        default_registry = "plain",
        enable_mirror_fallback = True,
        plain_http = ["registry.internal:5000"],
        registries = _REGISTRIES,
        tags = manual,
        timeout_seconds = 45,
    )
    wasm_component_oci_image(name = "request_unsigned_image", component = ":request_input", package_name = "hello", tags = manual)
    wasm_component_oci_image(
        name = "request_detached_image",
        component = ":request_input",
        package_name = "hello",
        sign_component = True,
        signature_type = "detached",
        signing_keys = ":request_keygen",
        tags = manual,
    )
    wasm_component_oci_image(name = "request_later_image", tags = manual, **_IMAGE)
    wasm_component_oci_image(name = "request_detached_later_image", signature_type = "detached", tags = manual, **_IMAGE)
    wasm_component_publish(name = "publish_plain", oci_image = ":request_unsigned_image", tags = manual)
    wasm_component_publish(
        name = "publish_registries",
        authors = ["me", "you"],
        description = "greets",
        dry_run = True,
        extra_tags = ["v9.1"],
        license = "MIT",
        movable_tags = ["edge"],
        namespace_override = "space",
        oci_image = ":request_unsigned_image",
        registry_config = ":request_config",
        registry_override = "disk",
        require_referrers_api = True,
        require_signed = True,
        tag_override = "v9",
        tags = manual,
    )
    wasm_component_publish(name = "publish_detached", oci_image = ":request_detached_image", tags = manual)
    for case in ("embedded_later", "detached_later"):
        image = ":request_detached_later_image" if case == "detached_later" else ":request_later_image"
        wasm_component_publish(name = "publish_" + case, oci_image = image, registry_config = ":request_config", tags = manual)
    wkg_multi_registry_publish(
        name = "publish_several",
        description = "greets",
        extra_tags = ["{STABLE_VERSION}"],
        fail_fast = False,
        oci_image = ":request_unsigned_image",
        registry_config = ":request_config",
        tags = manual,
        target_registries = ["token", "disk"],
    )
    write_file(name = "request_registries", out = "request_registries.yaml", content = ["registries: [a|ghcr.io]"], tags = manual)
    wkg_registry_config(name = "request_file_config", config = ":request_registries", tags = manual)
    wkg_multi_registry_publish(
        name = "publish_file",
        oci_image = ":request_unsigned_image",
        registry_config = ":request_file_config",
        tags = manual,
    )
    return ["publish_file", "publish_plain", "publish_registries", "publish_detached", "publish_embedded_later", "publish_detached_later", "publish_several"]

def _policy(manual):
    # Its checks are made with the requests, so that keys and rules fit.
    wasm_trusted_keys(name = "request_policy_keys", keys = {":request_ssh_keygen": "backup"}, tags = manual)
    wasm_security_policy(
        name = "request_policy",
        component_policies = ["*|required|request_keygen"],
        default_signing_required = True,
        key_source = "file",
        openssh_format = False,
        registry_policies = ["localhost:5000|optional"],
        signature_type = "detached",
        tags = manual,
        trusted_keys = [":request_keygen", ":request_policy_keys"],
    )
    wasm_component_publish(
        name = "publish_policy",
        cosign_legacy = True,
        extra_tags = ["v2"],
        oci_image = ":request_detached_image",
        security_policy = ":request_policy",
        statement_keys = [":request_keygen", ":request_key_env"],
        tags = manual,
    )
    wasm_release(
        name = "release_policy",
        releases = [":publish_policy"],
        repository = "my-org/releases",
        security_policy = ":request_policy",
        tag = "v9",
        tags = manual,
    )
    wasm_promote(
        name = "promote_policy",
        destination = "ghcr.io/my-org/releases",
        security_policy = ":request_policy",
        source = "staging.example.com/releases:v9",
        target_tags = manual,
    )
    wasm_policy_test(
        name = "policy_image",
        expected = "allow",
        expected_rule = "component:*",
        oci_image = ":request_detached_image",
        policy = ":request_policy",
        registry = "token",
        registry_config = ":request_config",
        tags = manual,
    )
    return ["publish_policy", "release_policy", "promote_policy", "policy_image"]

def _release(manual):
    wasm_release(
        name = "release_several",
        dry_run = True,
        extra_tags = ["{STABLE_RELEASE}"],
        fail_fast = True,
        images = [":request_unsigned_image"],
        movable_tags = ["edge"],
        registry_config = ":request_config",
        releases = [":publish_detached"],
        repository = "my-org/releases",
        release_keys = [":request_keygen", ":request_key_env"],
        require_referrers_api = True,
        tag = "v9",
        tags = manual,
        target_registries = ["plain", "disk"],
    )
    wasm_promote(
        name = "promote_release",
        destination = "plain/releases",
        dry_run = True,
        movable_tags = ["edge"],
        registry_config = ":request_config",
        require_referrers_api = True,
        source = "staging.example.com/releases:v9",
        tags = ["v9"],
        target_tags = manual,
    )
    for case, source in {"promote_built": ":release_several", "promote_built_image": ":publish_detached"}.items():
        wasm_promote(
            name = case,
            destination = "production.example.com/" + case,
            source = source,
            source_registry = "plain" if case == "promote_built" else "",
            target_tags = manual,
        )
    return ["release_several", "promote_release", "promote_built", "promote_built_image"]

def _sign(manual):
    names = []
    for case, detached in {"sign_build": False, "sign_build_detached": True}.items():
        wasm_sign(name = case, component = ":request_input", detached = detached, keys = ":request_keygen", tags = manual)
        names.append(case)
    for case, detached in {"sign_later": False, "sign_later_detached": True}.items():
        wasm_sign(
            name = case,
            additional_keys = [":request_key_ssh-agent"],
            component = ":request_input",
            detached = detached,
            keys = ":request_key_env",
            openssh_format = detached,
            tags = manual,
        )
        names.append(case)
    return names

def _verify(manual):
    wasm_verify_test(
        name = "verify_keys",
        openssh_format = True,
        public_keys = ["request_env.pub", "request_ssh-agent.pub"],
        signed_component = ":sign_build_detached",
        tags = manual,
    )
    wasm_verify_test(
        name = "verify_trusted_keys",
        split_regex = "^(name|producers)$",
        tags = manual,
        threshold = 2,
        trusted_keys = ":request_trusted",
        wasm_file = ":request_input",
    )
    return ["verify_keys", "verify_trusted_keys"]

def request_test_suite(name):
    """Makes the subjects, and a test for each of their requests.

    Args:
        name: Name of the target that writes the requests to tests/testdata/requests with `bazel run`.
    """
    manual = ["manual"]
    copy_file(
        name = "request_input",
        src = "//tests/testdata:hello_component.wasm",
        out = "request_input.wasm",
        tags = manual,
    )
    _keys(manual)
    targets = {subject: subject for subject in _publish(manual) + _policy(manual) + _release(manual) + _sign(manual) + _verify(manual)}
    targets |= {"keygen": "request_keygen", "keygen_openssh": "request_ssh_keygen"}
    for case, target in targets.items():
        _request_file(name = case + ".request", testonly = True, tags = manual, target = target)
    told = {
        "image_detached": "request_detached_image",
        "image_detached_later": "request_detached_later_image",
        "image_embedded_later": "request_later_image",
        "image_unsigned": "request_unsigned_image",
        "security_policy": "request_policy",
        "trust_store": "request_dated",
        "verdict_publish": "publish_policy",
    }
    for case, target in told.items():
        _told_file(name = case + ".request", testonly = True, tags = manual, target = target)
    synced_files(
        name = name,
        testonly = True,
        files = {":{}.request".format(case): "//tests/testdata:requests/{}.json".format(case) for case in targets | told},
    )
