"""Pure check of annotations that are written as `key=value`."""

visibility(["//tests/...", "//wasm/..."])

_RESERVED = "com.wasmsign2."

def annotations_error(annotations):
    """Checks a list of annotations.

    Args:
        annotations: list of strings.

    Returns:
        What is wrong, in which entry, and how to write it; or None.
    """
    seen = {}
    for index, annotation in enumerate(annotations):
        key, equals, _value = annotation.partition("=")
        where = "annotations[{}]".format(index)
        if not equals or not key or key != key.strip():
            return "{}: {} is not an annotation; write key=value".format(where, repr(annotation))
        if key.startswith(_RESERVED):
            return "{}: {} is written by the rule, from what it signed; remove it".format(where, repr(key))
        if key in seen:
            return "{}: {} is given already in annotations[{}]; remove one".format(where, repr(key), seen[key])
        seen[key] = index
    return None
