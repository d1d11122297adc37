"""Analysis tests of wasm_component_metadata_extract, wasm_component_oci_metadata_mapper, and what an image takes from a mapper."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load(
    "//wasm:defs.bzl",
    "wasm_component_metadata_extract",
    "wasm_component_oci_image",
    "wasm_component_oci_metadata_mapper",
    "wasm_keygen",
    "wasm_sign",
)
load("//wasm:providers.bzl", "WasmComponentMetadataInfo", "WasmOciMetadataMappingInfo")
load(":subjects.bzl", "action_of", "basenames", "check_command", "check_names", "failure_test", "image_facts_of", "wasm_file")

def _extract_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    output = target.label.name + "_extracted_metadata.json"
    asserts.equals(env, [output], basenames(target[DefaultInfo].files))
    info = target[WasmComponentMetadataInfo]
    asserts.equals(env, (output, "metadata_input_0.wasm"), (info.metadata_file.basename, info.component_file.basename))
    action = action_of(env, "WasmMetadataExtract")
    check_command(env, action, "metadata", [("--input", "metadata_input_0.wasm"), ("--output-file", output)])
    asserts.true(env, "extract" in action.argv)
    check_names(env, action, ["component = //tests/analysis:metadata_input (metadata_input_0.wasm)"])
    return analysistest.end(env)

_extract_test = analysistest.make(_extract_test_impl)

# Attribute and value to the member of the facts, or the annotations, that it becomes.
_SAID = {
    "component_type": ("service", ["com.wasm.component.type=service"]),
    "compliance_tags": (["SOC2", "GDPR"], ["com.wasm.compliance.GDPR=declared", "com.wasm.compliance.SOC2=declared"]),
    "custom_annotations": (["org.example.a=b=c"], ["org.example.a=b=c"]),
    "description": ("two\nlines", {"description": "two\nlines"}),
    "framework": ("wit-bindgen", ["com.wasm.runtime.framework=wit-bindgen"]),
    "language": ("rust", ["com.wasm.source.language=rust"]),
    "license": ("MIT", {"license": "MIT"}),
    "optimization_level": ("s", ["com.wasm.optimization.level=s"]),
    "performance_tier": ("high", ["com.wasm.performance.tier=high"]),
    "security_level": ("high", ["com.wasm.security.level=high", "com.wasm.security.status=declared"]),
    "source_url": ("https://example.org", ["org.opencontainers.image.source=https://example.org"]),
    "title": ("Title", ["org.opencontainers.image.title=Title"]),
    "version": ("2.0.0", {"version": "2.0.0"}),
    "wasi_version": ("0.2.9", ["com.wasm.wasi.version=0.2.9"]),
}
_NOTHING = {"annotations": [], "description": "", "key_format": None, "license": "", "schema_version": 1, "signature_type": None, "version": ""}

def _expected(said):
    annotations = [entry for _, becomes in said if type(becomes) == "list" for entry in becomes]
    members = {}
    for _, becomes in said:
        if type(becomes) == "dict":
            members |= becomes
    return _NOTHING | {"annotations": sorted(annotations)} | members

def _mapper_test_impl(ctx):
    env = analysistest.begin(ctx)
    target = analysistest.target_under_test(env)
    output = target.label.name + "_oci_mapping.json"
    asserts.equals(env, [output], basenames(target[DefaultInfo].files))
    action = action_of(env, "WasmMetadataMap")
    expected = json.decode(ctx.attr.facts)
    asserts.equals(env, expected, image_facts_of(action))
    check_command(env, action, "metadata", [("--output-file", output)] + [tuple(each.split(" ")) for each in ctx.attr.files])
    asserts.true(env, "map" in action.argv)
    info = target[WasmOciMetadataMappingInfo]
    asserts.equals(env, output, info.mapping_file.basename)
    asserts.equals(env, (expected["annotations"], expected["description"], expected["license"], expected["version"]), (
        info.annotations,
        info.description,
        info.license,
        info.version,
    ))
    return analysistest.end(env)

_mapper_test = analysistest.make(_mapper_test_impl, attrs = {"facts": attr.string(), "files": attr.string_list()})

_SIGNED = {"is_signed": True}

# Name of the case to (attributes, facts beside those of nothing, files).
_MAPPERS = {
    "all": ({name: value for name, (value, _) in _SAID.items()}, _expected(_SAID.values()), []),
    "detached": (_SIGNED | {"component": ":metadata_detached"}, {"key_format": "compact", "signature_type": "detached"}, ["--signature-file metadata_detached_signature.sig"]),
    "embedded": (_SIGNED, {"signature_type": "embedded"}, []),
    "extracted": ({"metadata_extract": ":metadata_extracted"}, {}, ["--extracted metadata_extracted_extracted_metadata.json"]),
    "nothing": ({}, {}, ["--input metadata_input_0.wasm"]),
    "signature_type": (_SIGNED | {"signature_type": "detached"}, {"signature_type": "detached"}, []),
} | {
    "only_" + name: ({name: value}, _expected([(value, becomes)]), [])
    for name, (value, becomes) in _SAID.items()
}

# Name of the case to (attributes, words).
_FAILURES = {
    "custom_key": ({"custom_annotations": ["com.wasm.source.language=go"], "language": "rust"}, "custom_annotations has \"com.wasm.source.language\", which another"),
    "custom_twice": ({"custom_annotations": ["a=b", "a=c"]}, "\"a\" is given already"),
    "custom_without_value": ({"custom_annotations": ["a"]}, "\"a\" is not an annotation; write key=value"),
    "signature_type_alone": ({"signature_type": "embedded"}, "signature_type is given, but is_signed is False"),
}

def _image_test_impl(ctx):
    env = analysistest.begin(ctx)
    facts = image_facts_of(action_of(env, "WasmOciLayout"))
    for member, value in json.decode(ctx.attr.facts).items():
        asserts.equals(env, value, facts[member], member)
    return analysistest.end(env)

_image_test = analysistest.make(_image_test_impl, attrs = {"facts": attr.string()})

_MAPPED = _expected(_SAID.values())

# Name of the case to (attributes of the image, facts that they and the mapper make).
_IMAGES = {
    "own": (
        {"annotations": ["com.wasm.source.language=go", "z=1"], "description": "own", "license": "Apache-2.0", "version": "3.0.0"},
        {
            "annotations": ["com.wasm.source.language=go", "z=1"] + [entry for entry in _MAPPED["annotations"] if not entry.startswith("com.wasm.source.language=")],
            "description": "own",
            "license": "Apache-2.0",
            "version": "3.0.0",
        },
    ),
    "mapped": ({}, {name: _MAPPED[name] for name in ("annotations", "description", "license", "version")}),
}

def metadata_test_suite(name):
    """Makes the tests and their subjects.

    Args:
        name: Name of the suite.
    """
    manual = ["manual"]
    tests = []
    wasm_file(name = "metadata_input")
    wasm_keygen(name = "metadata_keys", tags = manual)
    wasm_sign(name = "metadata_detached", component = ":metadata_input", detached = True, keys = ":metadata_keys", tags = manual)
    wasm_component_metadata_extract(name = "metadata_extracted", component = ":metadata_input", tags = manual)
    _extract_test(name = name + "_extract_test", target_under_test = ":metadata_extracted")
    tests.append(name + "_extract_test")
    for case, (attributes, facts, files) in _MAPPERS.items():
        subject = case + "_mapper_subject"
        wasm_component_oci_metadata_mapper(name = subject, tags = manual, **({"component": ":metadata_input"} | attributes))
        test = "{}_mapper_{}_test".format(name, case)
        _mapper_test(name = test, facts = json.encode(_NOTHING | facts), files = files, target_under_test = ":" + subject)
        tests.append(test)
    for case, (attributes, words) in _FAILURES.items():
        subject = case + "_mapper_failure_subject"
        wasm_component_oci_metadata_mapper(name = subject, component = ":metadata_input", tags = manual, **attributes)
        test = "{}_{}_test".format(name, case)
        failure_test(name = test, target_under_test = ":" + subject, words = ["//tests/analysis:" + subject, words])
        tests.append(test)
    for case, (attributes, facts) in _IMAGES.items():
        subject = case + "_mapped_image_subject"
        wasm_component_oci_image(
            name = subject,
            component = ":metadata_input",
            metadata_mapper = ":all_mapper_subject",
            package_name = "pkg",
            tags = manual,
            **attributes
        )
        test = "{}_image_{}_test".format(name, case)
        _image_test(name = test, facts = json.encode(facts), target_under_test = ":" + subject)
        tests.append(test)
    native.test_suite(name = name, tests = [":" + test for test in tests])
