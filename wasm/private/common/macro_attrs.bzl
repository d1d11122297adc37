"""Attributes that macros pass on: a misspelt one is an error that names the macro and the user's target, not a rule behind it."""

load(":nearest.bzl", "nearest")
load(":shown.bzl", "shown")

visibility(["//rust/...", "//tests/...", "//wasm/..."])

_EVERY_RULE = (
    "applicable_licenses",
    "args",
    "aspect_hints",
    "compatible_with",
    "deprecation",
    "env",
    "env_inherit",
    "exec_compatible_with",
    "exec_group_compatible_with",
    "exec_properties",
    "expect_failure",
    "features",
    "flaky",
    "local",
    "output_licenses",
    "package_metadata",
    "restricted_to",
    "shard_count",
    "size",
    "tags",
    "target_compatible_with",
    "testonly",
    "timeout",
    "toolchains",
    "transitive_configs",
    "visibility",
)

def attribute_error(macro, given, known, mandatory = []):
    """Checks the names of attributes.

    Args:
        macro: string, name of the macro.
        given: names that the user gave.
        known: names of attributes that the macro has beside those of every rule.
        mandatory: names of attributes that must be given.

    Returns:
        What is wrong and what to write, or None.
    """
    for name in given:
        if name in known or name in _EVERY_RULE:
            continue
        near = nearest(name, list(known) + list(_EVERY_RULE))
        remedy = "did you mean {}?".format(repr(near)) if near else "its attributes are " + ", ".join(sorted(known))
        return "{} has no attribute {}; {}".format(macro, repr(name), remedy)
    for name in mandatory:
        if name not in given:
            return "{} needs the attribute {}; add it".format(macro, repr(name))
    return None

def check_attributes(name, macro, given, known, mandatory = []):
    """Fails for a name that is not an attribute, or for a mandatory one that is missing; `name` is that of the user's target."""
    error = attribute_error(macro, given, known, mandatory)
    if error:
        fail("{}: {}".format(shown(native.package_relative_label(name)), error))

def public_attributes(attributes):
    """The names of a rule's attributes that users give."""
    return [name for name in attributes if not name.startswith("_")]
