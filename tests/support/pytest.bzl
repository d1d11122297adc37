"""`pytest_test`: one pytest file as a Bazel test, with its result as JUnit XML."""

load("@rules_python//python:py_test.bzl", "py_test")
load("//tools:not_wasm.bzl", "NOT_WASM")

_MAIN = Label("//tests/support:pytest_main.py")

def pytest_test(name, srcs, deps = [], data = [], peers = False, **kwargs):
    """Runs pytest on `srcs`; `--test_filter` is pytest's `-k`.

    Args:
        name: Name of the test.
        srcs: Labels of the test files.
        deps: Labels of the Python libraries they import.
        data: Labels of the files they read.
        peers: Whether the test calls programs that only bazelw's root has; elsewhere it is skipped openly.
        **kwargs: Further attributes of `py_test`.
    """
    compatible = NOT_WASM
    if peers:
        compatible = compatible + select({
            Label("//tests/support:has_debian_peers"): [],
            "//conditions:default": ["@platforms//:incompatible"],
        })
    py_test(
        name = name,
        srcs = srcs + [_MAIN],
        args = ["$(rootpath {})".format(src) for src in srcs],
        data = data + srcs + [Label("//:pyproject.toml")],
        main = _MAIN,
        python_version = "3.12",
        target_compatible_with = compatible,
        deps = deps + ["@rules_wasm_oci_dev_pip//pytest"],
        **kwargs
    )

def pytest_tests(srcs, timeouts = {}, **kwargs):
    """One `pytest_test` for each file of `srcs`, named after it.

    Args:
        srcs: Paths of the test files below this package.
        timeouts: Dict of a path to its `timeout`, for files that need more than others.
        **kwargs: Attributes of `pytest_test`.
    """
    for src in srcs:
        pytest_test(name = src.removesuffix(".py").replace("/", "_"), srcs = [src], timeout = timeouts.get(src), **kwargs)
