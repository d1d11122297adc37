"""Analysis tests of wasm_component_oci_image and of its companions."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("//wasm:defs.bzl", "wasm_component_oci_image", "wasm_component_oci_publish", "wasm_keygen", "wasm_sign", "wkg_registry_config")
load("//wasm:providers.bzl", "WasmOciImageInfo", "WasmSignatureInfo")
load(":subjects.bzl", "action_of", "basenames", "check_command", "check_names", "image_facts_of", "values_of", "wasm_file")

def _image_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    name = target.label.name
    kind = ctx.attr.signature_type
    files = [name + "_oci.wasm"] + ([name + "_signature.sig"] if kind == "detached" else [])
    files += [name + "_metadata.json", name + "_digest.txt", name + "_reference.txt"]
    asserts.equals(env, files, basenames(target[DefaultInfo].files))
    groups = target[OutputGroupInfo]
    asserts.equals(env, [name + "_layout"], basenames(groups.layout))
    asserts.equals(env, [name + "_validation.txt"], basenames(groups._validation))
    image = target[WasmOciImageInfo]
    asserts.equals(env, kind, image.signature_type)
    asserts.equals(env, kind == "detached", image.signature_file != None)
    asserts.equals(env, [] if kind == "none" else ["key.public"], basenames([key.public_key for key in image.signers]))
    asserts.equals(env, [], [key for key in image.signers if key.secret_key or key.key_source], "what signed, without secrets")
    asserts.equals(env, kind != "none", WasmSignatureInfo in target)
    asserts.equals(env, 1 if ctx.attr.signs else 0, len([a for a in analysistest.target_actions(env) if a.mnemonic == "WasmSign"]))
    action = action_of(env, "WasmOciLayout")
    check_command(env, action, "image", [
        ("--input", name + "_oci.wasm"),
        ("--layout", name + "_layout"),
        ("--digest", name + "_digest.txt"),
        ("--metadata", name + "_metadata.json"),
        ("--reference", name + "_reference.txt"),
    ] + ([("--signature-file", name + "_signature.sig")] if kind == "detached" else []), absent = [] if kind == "detached" else ["--signature-file"])
    asserts.false(env, "key.secret" in basenames(action.inputs), "packing reads no secret")
    if kind == "none":
        component = "component = //tests/analysis:image_input (image_input_0.wasm)"
        check_names(env, action, [component])
        check_names(env, action_of(env, "WasmValidate"), [component])
    facts = image_facts_of(action)
    asserts.equals(env, kind, facts["signature_type"])
    asserts.equals(env, "none" if kind == "none" else "compact", facts["key_format"])
    asserts.false(env, "bazel-out" in json.encode(facts), "paths are arguments of their own")
    return analysistest.end(env)

_image_test = analysistest.make(_image_test_impl, attrs = {"signature_type": attr.string(), "signs": attr.bool()})

def _attributes_test_impl(ctx):
    env = analysistest.begin(ctx)
    facts = image_facts_of(action_of(env, "WasmOciLayout"))
    for member, value in {
        "annotations": ["a=b"],
        "authors": ["me", "you"],
        "description": "text",
        "license": "MIT",
        "name": "other/name",
        "namespace": "space",
        "package_name": "the/package",
        "registry": "ghcr.io",
        "tag": "v2",
        "version": "2.0.0",
    }.items():
        asserts.equals(env, value, facts[member], member)
    image = analysistest.target_under_test(env)[WasmOciImageInfo]
    asserts.equals(env, ("other/name", "the/package", "space", "ghcr.io", "v2", "2.0.0"), (
        image.name,
        image.package_name,
        image.namespace,
        image.registry,
        image.tag,
        image.version,
    ))
    asserts.equals(env, (["a=b"], ["me", "you"], "text", "MIT"), (image.annotations, image.authors, image.description, image.license))
    return analysistest.end(env)

_attributes_test = analysistest.make(_attributes_test_impl)

def _defaults_test_impl(ctx):
    env = analysistest.begin(ctx)
    image = analysistest.target_under_test(env)[WasmOciImageInfo]
    asserts.equals(env, ("pkg", "library", "localhost:5000", "latest", "latest"), (
        image.name,
        image.namespace,
        image.registry,
        image.tag,
        image.version,
    ))
    return analysistest.end(env)

_defaults_test = analysistest.make(_defaults_test_impl)

def _no_reference_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, None, target[WasmOciImageInfo].reference_file, "a name without a host makes no reference")
    asserts.false(env, target.label.name + "_reference.txt" in basenames(target[DefaultInfo].files))
    asserts.equals(env, [], values_of(action_of(env, "WasmOciLayout"), "--reference"))
    return analysistest.end(env)

_no_reference_test = analysistest.make(_no_reference_test_impl)

def _known_entry_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    asserts.equals(env, target.label.name + "_reference.txt", target[WasmOciImageInfo].reference_file.basename)
    facts = image_facts_of(action_of(env, "WasmOciLayout"))
    asserts.equals(env, (ctx.attr.host, ctx.attr.namespace), (facts["registry"], facts["namespace"]))
    asserts.equals(env, (ctx.attr.entry, "library"), (target[WasmOciImageInfo].registry, target[WasmOciImageInfo].namespace))
    return analysistest.end(env)

_known_entry_test = analysistest.make(
    _known_entry_test_impl,
    attrs = {"entry": attr.string(), "host": attr.string(), "namespace": attr.string()},
)

def _companion_test_impl(ctx):
    env = analysistest.begin(ctx)
    asserts.equals(env, [ctx.attr.file], basenames(analysistest.target_under_test(env)[DefaultInfo].files))
    asserts.equals(env, ["from-user", "manual"], sorted(ctx.attr.tags_of_companion), "wildcards analyse the image alone")
    return analysistest.end(env)

_companion_test = analysistest.make(_companion_test_impl, attrs = {"file": attr.string(), "tags_of_companion": attr.string_list()})

def oci_image_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    wasm_file(name = "image_input")
    wasm_keygen(name = "image_keys", tags = manual)
    wasm_sign(name = "signed_before", component = ":image_input", keys = ":image_keys", tags = manual)
    wasm_sign(name = "signed_before_detached", component = ":image_input", detached = True, keys = ":image_keys", tags = manual)
    wasm_component_oci_image(name = "unsigned_subject", component = ":image_input", package_name = "pkg", tags = manual)
    wasm_component_oci_image(name = "given_embedded_subject", component = ":signed_before", package_name = "pkg", tags = manual)
    wasm_component_oci_image(name = "given_detached_subject", component = ":signed_before_detached", package_name = "pkg", tags = manual)
    for kind in ("embedded", "detached"):
        wasm_component_oci_image(
            name = kind + "_image_subject",
            component = ":image_input",
            package_name = "pkg",
            sign_component = True,
            signature_type = kind,
            signing_keys = ":image_keys",
            tags = manual,
        )
    wasm_component_oci_image(
        name = "every_attribute_subject",
        package_name = "the/package",
        annotations = ["a=b"],
        authors = ["me", "you"],
        component = ":image_input",
        description = "text",
        license = "MIT",
        name_override = "other/name",
        namespace = "space",
        registry = "ghcr.io",
        tag = "v2",
        tags = manual,
        version = "2.0.0",
    )
    cases = {
        "detached_image": ("detached", True),
        "embedded_image": ("embedded", True),
        "given_detached": ("detached", False),
        "given_embedded": ("embedded", False),
        "unsigned": ("none", False),
    }
    for case, (signature_type, signs) in cases.items():
        _image_test(
            name = "{}_{}_test".format(name, case),
            signature_type = signature_type,
            signs = signs,
            target_under_test = ":{}_subject".format(case),
        )
    _attributes_test(name = name + "_attributes_test", target_under_test = ":every_attribute_subject")
    wasm_component_oci_image(
        name = "entry_subject",
        component = ":image_input",
        package_name = "pkg",
        registry = "github",
        tags = manual,
    )
    _no_reference_test(name = name + "_entry_test", target_under_test = ":entry_subject")
    wkg_registry_config(
        name = "image_registries",
        default_registry = "secure",
        registries = [
            "github|ghcr.io/my-org",
            "localhost|localhost:5000",
            "secure|https://localhost:5443|oci|anonymous",
            "disk|/srv/layout|layout",
        ],
        tags = manual,
    )
    entries = {
        "": ("localhost:5443", "library"),
        "example.com": ("example.com", "library"),
        "github": ("ghcr.io", "my-org/library"),
        "localhost": ("localhost:5000", "library"),
    }
    for entry, (host, namespace) in entries.items():
        wasm_component_oci_publish(
            name = "known_{}_subject".format(entry),
            component = ":image_input",
            package_name = "pkg",
            registry = entry,
            registry_config = ":image_registries",
            tags = manual,
        )
        _known_entry_test(
            name = "{}_known_{}_test".format(name, entry),
            entry = entry,
            host = host,
            namespace = namespace,
            target_under_test = ":known_{}_subject_image".format(entry),
        )
    wasm_component_oci_image(
        name = "disk_subject",
        component = ":image_input",
        package_name = "pkg",
        registry = "disk",
        registry_config = ":image_registries",
        tags = manual,
    )
    _no_reference_test(name = name + "_disk_test", target_under_test = ":disk_subject")
    _defaults_test(name = name + "_defaults_test", target_under_test = ":unsigned_subject")
    wasm_component_oci_image(
        name = "parts_subject",
        component = "//tests/testdata:hello_component.wasm",
        package_name = "pkg",
        tags = ["from-user"],
    )
    for companion, file in {"digest": "parts_subject_digest.txt", "layout": "parts_subject_layout", "reference": "parts_subject_reference.txt"}.items():
        _companion_test(
            name = "{}_{}_test".format(name, companion),
            file = file,
            tags_of_companion = native.existing_rule("parts_subject." + companion)["tags"],
            target_under_test = ":parts_subject." + companion,
        )
    tests = cases.keys() + ["attributes", "defaults", "digest", "disk", "entry", "layout", "reference"] + ["known_" + entry for entry in entries]
    native.test_suite(name = name, tests = [":{}_{}_test".format(name, case) for case in tests])
