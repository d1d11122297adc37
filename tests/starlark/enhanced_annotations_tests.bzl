"""Tests of `enhanced_oci_annotations`: each argument, and that nothing else is there."""

load("@bazel_skylib//lib:unittest.bzl", "asserts", "unittest")
load("//wasm:defs.bzl", "enhanced_oci_annotations")
load("//wasm/private/metadata:described.bzl", "with_custom")

def _arguments_test_impl(ctx):
    env = unittest.begin(ctx)
    asserts.equals(env, [], enhanced_oci_annotations())
    for expected, arguments in {
        "com.wasm.runtime.framework=wit-bindgen": {"framework": "wit-bindgen"},
        "com.wasm.source.language=rust": {"language": "rust"},
        "com.wasm.component.type=service": {"component_type": "service"},
        "com.wasm.wasi.version=0.2.9": {"wasi_version": "0.2.9"},
        "org.example.a=b": {"custom_annotations": ["org.example.a=b"]},
        "org.example.c=d": {"custom_annotations": {"org.example.c": "d"}},
    }.items():
        asserts.equals(env, [expected], enhanced_oci_annotations(**arguments))
    asserts.equals(
        env,
        [
            "com.wasm.compliance.GDPR=declared",
            "com.wasm.compliance.SOC2=declared",
            "com.wasm.security.level=high",
            "com.wasm.security.status=declared",
        ],
        enhanced_oci_annotations(compliance_tags = ["SOC2", "GDPR"], security_level = "high"),
    )
    return unittest.end(env)

def _custom_test_impl(ctx):
    env = unittest.begin(ctx)
    for custom in (["a=c"], {"a": "c"}):
        annotations, error = with_custom({"a": "b"}, custom)
        asserts.equals(env, [], annotations)
        asserts.equals(env, "custom_annotations has \"a\", which another argument writes; give it by that argument only", error)
    return unittest.end(env)

_custom_test = unittest.make(_custom_test_impl)
_arguments_test = unittest.make(_arguments_test_impl)

def enhanced_annotations_test_suite(name):
    unittest.suite(name, _arguments_test, _custom_test)
