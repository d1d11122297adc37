"""`@rules_python//python:defs.bzl`: the rules over Bazel's own, and what current rules_python gives them by default."""

load(":byte_code.bzl", "byte_code")

# Bazel's own rules refuse targets without this tag when --incompatible_python_disallow_native_rules is set.
_TAG = "__PYTHON_RULES_MIGRATION_DO_NOT_USE_WILL_BREAK__"

def _attributes(kwargs):
    kwargs.pop("python_version", None)  # there is one interpreter here
    kwargs["tags"] = (kwargs.get("tags") or []) + [_TAG]
    return kwargs

def py_library(name, srcs = [], data = [], testonly = False, compiled = False, **kwargs):
    # Only the packages of a hub are `compiled` already.
    if not compiled:
        byte_code(name = name + ".byte_code", srcs = srcs, tags = ["manual"], testonly = testonly, visibility = ["//visibility:private"])
        data = data + [name + ".byte_code"]

    # buildifier: disable=native-py
    native.py_library(name = name, srcs = srcs, data = data, testonly = testonly, **_attributes(kwargs))

def py_binary(**kwargs):
    # buildifier: disable=native-py
    native.py_binary(**_attributes(kwargs))

def py_test(**kwargs):
    # buildifier: disable=native-py
    native.py_test(**_attributes(kwargs))
