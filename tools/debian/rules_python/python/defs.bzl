"""`@rules_python//python:defs.bzl`: the rules over Bazel's own, and what current rules_python gives them by default."""

# Bazel's own rules refuse targets without this tag when --incompatible_python_disallow_native_rules is set.
_TAG = "__PYTHON_RULES_MIGRATION_DO_NOT_USE_WILL_BREAK__"

def _attributes(kwargs):
    kwargs.pop("python_version", None)  # there is one interpreter here
    kwargs["tags"] = (kwargs.get("tags") or []) + [_TAG]
    return kwargs

def py_library(**kwargs):
    # buildifier: disable=native-py
    native.py_library(**_attributes(kwargs))

def py_binary(**kwargs):
    # buildifier: disable=native-py
    native.py_binary(**_attributes(kwargs))

def py_test(**kwargs):
    # buildifier: disable=native-py
    native.py_test(**_attributes(kwargs))
