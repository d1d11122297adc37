"""`@rules_python//python:defs.bzl`: the rules over Bazel's own, and what current rules_python gives them by default."""

load("@pythons_hub//:versions.bzl", "DEFAULT_PYTHON_VERSION")
load(":byte_code.bzl", "byte_code")
load(":versioned_binary.bzl", "versioned_binary")

# Bazel's own rules refuse targets without this tag when --incompatible_python_disallow_native_rules is set.
_TAG = "__PYTHON_RULES_MIGRATION_DO_NOT_USE_WILL_BREAK__"

def _attributes(kwargs):
    kwargs.pop("python_version", None)  # there is one interpreter here, and no test is in an outside module
    kwargs["tags"] = (kwargs.get("tags") or []) + [_TAG]
    return kwargs

def py_library(name, srcs = [], data = [], testonly = False, compiled = False, **kwargs):
    # Only the packages of a hub are `compiled` already.
    if not compiled:
        byte_code(
            name = name + ".byte_code",
            srcs = srcs,
            tags = ["manual"],
            target_compatible_with = kwargs.get("target_compatible_with"),
            testonly = testonly,
            visibility = ["//visibility:private"],
        )
        data = data + [name + ".byte_code"]

    # buildifier: disable=native-py
    native.py_library(name = name, srcs = srcs, data = data, testonly = testonly, **_attributes(kwargs))

def py_binary(name, python_version = None, **kwargs):
    """A program, in a configuration of its own where its version is not the default."""
    common = {
        attribute: kwargs[attribute]
        for attribute in ("tags", "target_compatible_with", "testonly", "visibility")
        if kwargs.get(attribute) != None
    }
    program = name
    if python_version not in (None, DEFAULT_PYTHON_VERSION):
        program = name + ".in_its_configuration"
        versioned_binary(name = name, program = program, python_version = python_version, **common)
        kwargs["tags"] = (kwargs.get("tags") or []) + ["manual"]

    # buildifier: disable=native-py
    native.py_binary(name = program, **_attributes(kwargs))

def py_test(**kwargs):
    # buildifier: disable=native-py
    native.py_test(**_attributes(kwargs))
