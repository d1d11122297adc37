"""What a description of a component says as annotations: written once, for the function and for the mapper."""

visibility(["//tests/...", "//wasm/..."])

DECLARED = "declared"

def description_annotations(
        component_type = None,
        compliance_tags = [],
        framework = None,
        language = None,
        optimization_level = None,
        performance_tier = None,
        security_level = None,
        wasi_version = None):
    """The annotations of a description; what is not given is not there.

    Args:
        component_type: string or None.
        compliance_tags: list of string.
        framework: string or None.
        language: string or None.
        optimization_level: string or None.
        performance_tier: string or None.
        security_level: string or None.
        wasi_version: string or None.

    Returns:
        dict from key to value
    """
    values = {
        "com.wasm.component.type": component_type,
        "com.wasm.optimization.level": optimization_level,
        "com.wasm.performance.tier": performance_tier,
        "com.wasm.runtime.framework": framework,
        "com.wasm.security.level": security_level,
        "com.wasm.security.status": DECLARED if security_level else None,
        "com.wasm.source.language": language,
        "com.wasm.wasi.version": wasi_version,
    } | {"com.wasm.compliance.{}".format(tag): DECLARED for tag in compliance_tags}
    return {key: value for key, value in values.items() if value}

def with_custom(annotations, custom_annotations):
    """Adds annotations that are written as `key=value`, as a list or as a dict.

    Args:
        annotations: dict from key to value.
        custom_annotations: list of string, each `key=value`; or dict from key to value.

    Returns:
        list of string, each `key=value`, sorted; and an error or None
    """
    if type(custom_annotations) == "dict":
        custom_annotations = ["{}={}".format(key, value) for key, value in custom_annotations.items()]
    for entry in custom_annotations:
        key = entry.partition("=")[0]
        if key in annotations:
            return [], "custom_annotations has {}, which another argument writes; give it by that argument only".format(repr(key))
    return sorted(["{}={}".format(key, value) for key, value in annotations.items()] + custom_annotations), None
