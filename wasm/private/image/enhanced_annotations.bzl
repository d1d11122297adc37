"""`enhanced_oci_annotations`: annotations that describe a component, for `annotations` of an image."""

visibility(["//docs/...", "//tests/...", "//wasm/..."])

def enhanced_oci_annotations(
        component_type = None,
        language = None,
        framework = None,
        wasi_version = None,
        security_level = None,
        compliance_tags = [],
        custom_annotations = {}):
    """Returns annotations that describe a component, for `annotations` of an image. What is not given is not there.

    Nobody checks what they say: where a security level or compliance is claimed, `com.wasm.security.status` is `declared`. A policy judges signatures,
    statements and imports. There is no time of the build in them, so that the same input gives the same digest.

    Args:
        component_type: What it is, such as "service": `com.wasm.component.type`. By default "component" or "module", which the image says itself.
        language: The language of its sources: `com.wasm.component.language`.
        framework: What it is built with: `com.wasm.component.framework`.
        wasi_version: The version of WASI that it is for, such as "0.2.9": `com.wasm.wasi.version`.
        security_level: A level of your own: `com.wasm.security.level`.
        compliance_tags: List of what it is said to comply with: `com.wasm.compliance.tags`, separated by commas.
        custom_annotations: Dict from further keys to their values; a key of those above is an error.

    Returns:
        list of string, each `key=value`, sorted
    """
    claims = security_level or compliance_tags
    values = {
        "com.wasm.component.framework": framework,
        "com.wasm.component.language": language,
        "com.wasm.component.type": component_type,
        "com.wasm.compliance.tags": ",".join(compliance_tags),
        "com.wasm.security.level": security_level,
        "com.wasm.security.status": "declared" if claims else None,
        "com.wasm.wasi.version": wasi_version,
    }
    for key in custom_annotations:
        if key in values:
            fail("custom_annotations has {}, which enhanced_oci_annotations writes; give it by the argument, or leave it out".format(repr(key)))
    return sorted(["{}={}".format(key, value) for key, value in (values | custom_annotations).items() if value])
