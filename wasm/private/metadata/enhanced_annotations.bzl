"""`enhanced_oci_annotations`: annotations that describe a component, for `annotations` of an image."""

load(":described.bzl", "description_annotations", "with_custom")

visibility(["//docs/...", "//tests/...", "//wasm/..."])

def enhanced_oci_annotations(
        component_type = None,
        language = None,
        framework = None,
        wasi_version = None,
        security_level = None,
        compliance_tags = [],
        custom_annotations = []):
    """Returns annotations that describe a component, for `annotations` of an image. What is not given is not there.

    Nobody checks what they say: a standard that is said to be complied with, and a security level, are `declared`. A policy judges signatures,
    statements and imports. There is no time of the build in them, so that the same input gives the same digest.

    Args:
        component_type: What it is, such as "service": `com.wasm.component.type`. By default "component" or "module", which the image says itself.
        language: The language of its sources: `com.wasm.source.language`.
        framework: What it is built with or runs in: `com.wasm.runtime.framework`.
        wasi_version: The version of WASI that it is for, such as "0.2.9": `com.wasm.wasi.version`.
        security_level: A level of your own: `com.wasm.security.level`, with `com.wasm.security.status=declared`.
        compliance_tags: List of what it is said to comply with: for each, `com.wasm.compliance.TAG=declared`.
        custom_annotations: List of further annotations, each `key=value`, or a dict; a key of those above is an error.

    Returns:
        list of string, each `key=value`, sorted
    """
    annotations, error = with_custom(
        description_annotations(
            component_type = component_type,
            compliance_tags = compliance_tags,
            framework = framework,
            language = language,
            security_level = security_level,
            wasi_version = wasi_version,
        ),
        custom_annotations,
    )
    if error:
        fail(error)
    return annotations
