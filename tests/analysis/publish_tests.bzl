"""Analysis tests of wasm_component_publish, wasm_component_oci_publish and wkg_registry_config."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "wasm_component_oci_image", "wasm_component_oci_publish", "wasm_component_publish", "wasm_keygen", "wkg_multi_registry_publish", "wkg_registry_config")
load("//wasm:providers.bzl", "WasmOciImageInfo", "WasmPublishInfo", "WasmRegistryConfigInfo")
load(":subjects.bzl", "action_of", "basenames", "image_facts_of", "wasm_file", "written")

def _request_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")
    for member, value in json.decode(ctx.attr.expected).items():
        asserts.equals(env, value, request[member], member)
    asserts.true(env, request["layout"].endswith("/tests/analysis/publish_image_layout"), request["layout"])
    runfiles = basenames(target[DefaultInfo].default_runfiles.files)
    for file in ("publish_image_layout", "publish_image_signature.sig", target.label.name + "_request.json"):
        asserts.true(env, file in runfiles, file + " is among the runfiles")
    asserts.false(env, "key.secret" in runfiles, "publishing reads no secret key")
    mnemonics = [action.mnemonic for action in analysistest.target_actions(env)]
    asserts.equals(env, [], [m for m in mnemonics if m not in ("FileWrite", "TemplateExpand", "SourceSymlinkManifest", "SymlinkTree", "RepoMappingManifest", "RunfilesTree", "Middleman")])
    return analysistest.end(env)

_request_test = analysistest.make(_request_test_impl, attrs = {"expected": attr.string()})

def _registry_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, "local", written(env, "default_registry_subject_request.json")["registry"])
    return analysistest.end(env)

_registry_test = analysistest.make(_registry_test_impl)

def _macro_test_impl(ctx):
    env = analysistest.begin(ctx)
    image = analysistest.target_under_test(env)[WasmOciImageInfo]
    asserts.equals(env, ("pkg", "v1"), (image.name, image.tag))
    asserts.equals(env, "both", image_facts_of(action_of(env, "WasmOciLayout"))["description"])
    return analysistest.end(env)

_macro_test = analysistest.make(_macro_test_impl)

def _config_test_impl(ctx):
    env = analysistest.begin(ctx)
    config = analysistest.target_under_test(env)[WasmRegistryConfigInfo]
    asserts.equals(env, "local", config.default_registry)
    asserts.equals(env, ["local", "github", "out", "copy"], [entry.name for entry in config.registries])
    asserts.equals(env, "GITHUB_TOKEN", config.registries[1].auth.variable)
    return analysistest.end(env)

_config_test = analysistest.make(_config_test_impl)

def _combine_impl(ctx):
    infos = [target[WasmPublishInfo] for target in ctx.attr.publishes]
    return [DefaultInfo(
        files = depset([info.request for info in infos]),
        runfiles = ctx.runfiles(transitive_files = depset(transitive = [info.files for info in infos])),
    )]

# A rule of a user that combines what several targets publish.
_combine = rule(implementation = _combine_impl, attrs = {"publishes": attr.label_list(providers = [WasmPublishInfo])})

def _combine_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, ["plain_publish_subject_request.json", "macro_subject_request.json"], basenames(target[DefaultInfo].files))
    files = ["key.public", "macro_subject_image_layout", "publish_image_layout", "publish_image_signature.sig"]
    asserts.equals(env, files, sorted(basenames(target[DefaultInfo].default_runfiles.files)))
    return analysistest.end(env)

_combine_test = analysistest.make(_combine_test_impl)

def _stamped_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    request = written(env, target.label.name + "_request.json")
    asserts.equals(env, ["{STABLE_VERSION}", ["edge-{STABLE_VERSION}"]], [request["tag"], request["extra_tags"]])
    asserts.true(env, request["stable_status"].endswith("stable-status.txt"), request["stable_status"])
    for files in (target[DefaultInfo].default_runfiles.files, target[WasmPublishInfo].files):
        asserts.true(env, "stable-status.txt" in basenames(files))
    read = [file.basename for action in analysistest.target_actions(env) for file in action.inputs.to_list() if action.mnemonic == "TemplateExpand"]
    asserts.false(env, "stable-status.txt" in read, "no action reads the status, so a new commit builds nothing")
    return analysistest.end(env)

_stamped_test = analysistest.make(_stamped_test_impl)

def publish_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "publish_input")
    wasm_keygen(name = "publish_keys", tags = manual)
    wasm_component_oci_image(
        name = "publish_image",
        package_name = "pkg",
        component = ":publish_input",
        sign_component = True,
        signature_type = "detached",
        signing_keys = ":publish_keys",
        tags = manual,
    )
    wkg_registry_config(
        name = "config_subject",
        default_registry = "local",
        registries = ["local|localhost:5000|oci", "github|ghcr.io/org|oci|token|${GITHUB_TOKEN}", "out|/tmp/out|layout", "copy|localhost:5001|mirror|local"],
        tags = manual,
    )
    wasm_component_publish(name = "plain_publish_subject", oci_image = ":publish_image", tags = manual)
    wasm_component_oci_image(
        name = "anywhere_image",
        package_name = "pkg",
        component = ":publish_input",
        registry = "",
        tags = manual,
    )
    wasm_component_publish(
        name = "default_registry_subject",
        oci_image = ":anywhere_image",
        registry_config = ":config_subject",
        tags = manual,
    )
    _registry_test(name = name + "_default_registry_test", target_under_test = ":default_registry_subject")
    wasm_component_publish(
        name = "full_publish_subject",
        authors = ["me"],
        description = "text",
        dry_run = True,
        extra_tags = ["edge"],
        license = "MIT",
        movable_tags = ["edge"],
        namespace_override = "space",
        oci_image = ":publish_image",
        registry_config = ":config_subject",
        registry_override = "github",
        require_referrers_api = True,
        require_signed = True,
        tag_override = "v9",
        tags = manual,
    )
    plain = {
        "authors": [],
        "credential_files": [],
        "default_registry": "",
        "description": "",
        "dry_run": False,
        "extra_tags": [],
        "fail_fast": True,
        "license": "",
        "movable_tags": ["latest"],
        "namespace": "library",
        "registries": [],
        "registry": "localhost:5000",
        "repository": "pkg",
        "require_referrers_api": False,
        "require_signed": False,
        "signers": [{
            "development": True,
            "name": "//tests/analysis:publish_keys",
            "public_key": "_main/tests/analysis/publish_keys/key.public",
        }],
        "stable_status": None,
        "tag": "latest",
        "target_registries": [],
        "timeout_seconds": None,
    }
    full = {
        "authors": ["me"],
        "default_registry": "local",
        "description": "text",
        "dry_run": True,
        "extra_tags": ["edge"],
        "license": "MIT",
        "movable_tags": ["edge"],
        "namespace": "space",
        "registry": "github",
        "repository": "pkg",
        "require_referrers_api": True,
        "require_signed": True,
        "tag": "v9",
        "timeout_seconds": 30,
    }
    multi = {
        "authors": ["me"],
        "credential_files": ["~/ci.json"],
        "description": "text",
        "dry_run": True,
        "extra_tags": ["edge"],
        "fail_fast": False,
        "license": "MIT",
        "movable_tags": ["edge"],
        "namespace": "space",
        "registry": "",
        "repository": "pkg",
        "require_referrers_api": True,
        "require_signed": True,
        "tag": "v9",
        "target_registries": ["out", "local"],
        "timeout_seconds": 5,
    }
    wkg_registry_config(
        name = "patient_config_subject",
        credential_files = ["~/ci.json"],
        registries = ["local|localhost:5000|oci", "out|/tmp/out|layout"],
        tags = manual,
        timeout_seconds = 5,
    )
    wkg_multi_registry_publish(
        name = "full_multi_subject",
        authors = ["me"],
        description = "text",
        dry_run = True,
        extra_tags = ["edge"],
        fail_fast = False,
        license = "MIT",
        movable_tags = ["edge"],
        namespace_override = "space",
        oci_image = ":publish_image",
        registry_config = ":patient_config_subject",
        require_referrers_api = True,
        require_signed = True,
        tag_override = "v9",
        tags = manual,
        target_registries = ["out", "local"],
    )
    wkg_multi_registry_publish(
        name = "plain_multi_subject",
        oci_image = ":publish_image",
        registry_config = ":config_subject",
        tags = manual,
    )
    all_entries = {"dry_run": False, "fail_fast": True, "registry": "", "tag": "latest", "target_registries": ["local", "github", "out"]}
    wasm_component_publish(
        name = "stamped_subject",
        extra_tags = ["edge-{STABLE_VERSION}"],
        oci_image = ":publish_image",
        tag_override = "{STABLE_VERSION}",
        tags = manual,
    )
    _stamped_test(name = name + "_stamped_test", target_under_test = ":stamped_subject")
    requests = {"full_multi": multi, "full_publish": full, "plain_multi": all_entries, "plain_publish": plain}
    for case, expected in requests.items():
        _request_test(
            name = "{}_{}_test".format(name, case),
            expected = json.encode(expected),
            target_under_test = ":{}_subject".format(case),
        )
    wasm_component_oci_publish(
        name = "macro_subject",
        package_name = "pkg",
        component = ":publish_input",
        description = "both",
        dry_run = True,
        tag = "v1",
        tags = manual,
    )
    _macro_test(name = name + "_macro_test", target_under_test = ":macro_subject_image")
    _config_test(name = name + "_config_test", target_under_test = ":config_subject")
    _combine(name = "combine_subject", publishes = [":plain_publish_subject", ":macro_subject"], tags = manual)
    _combine_test(name = name + "_combine_test", target_under_test = ":combine_subject")
    cases = ["combine", "config", "default_registry", "macro", "stamped"] + requests.keys()
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in cases])
