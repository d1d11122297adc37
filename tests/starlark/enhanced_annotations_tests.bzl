"""Tests of `enhanced_oci_annotations`: each argument, and that nothing else is there."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//wasm:defs.bzl", "enhanced_oci_annotations")

def _arguments_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, [], enhanced_oci_annotations())
    for expected, arguments in {
        "com.wasm.component.framework=wit-bindgen": {"framework": "wit-bindgen"},
        "com.wasm.component.language=rust": {"language": "rust"},
        "com.wasm.component.type=service": {"component_type": "service"},
        "com.wasm.wasi.version=0.2.9": {"wasi_version": "0.2.9"},
        "org.example.a=b": {"custom_annotations": {"org.example.a": "b"}},
    }.items():
        asserts.equals(env, [expected], enhanced_oci_annotations(**arguments))
    asserts.equals(
        env,
        ["com.wasm.compliance.tags=SOC2,GDPR", "com.wasm.security.level=high", "com.wasm.security.status=declared"],
        enhanced_oci_annotations(compliance_tags = ["SOC2", "GDPR"], security_level = "high"),
    )
    return unittest.end(env)

_arguments_test = unittest.make(_arguments_test_impl)

def enhanced_annotations_test_suite(name):
    unittest.suite(name, _arguments_test)
