"""`synced_files`: generated files whose copies are committed, and what keeps those fresh."""

load("@rules_python//python:py_binary.bzl", "py_binary")
load("@rules_python//python:py_test.bzl", "py_test")
load("//tools:not_wasm.bzl", "NOT_WASM")

visibility([
    "//docs",
    "//tests/analysis",
])

_SYNC = Label("//docs/private:sync.py")

def synced_files(name, files, testonly = False):
    """Makes a test for each file, which fails where the committed one is stale, and a target that writes all of them.

    Args:
        name: Name of the target for `bazel run`.
        files: Dict from the label of a generated file to the label of its committed copy.
        testonly: Whether only tests have these files.
    """
    package = native.package_name()
    for generated, committed in files.items():
        py_test(
            name = committed.split("/")[-1].split(":")[-1].replace(".", "_") + "_sync_test",
            srcs = [_SYNC],
            main = _SYNC,
            args = ["check", "$(rootpath %s)" % generated, "$(rootpath %s)" % committed, "//{}:{}".format(package, name)],
            data = [generated, committed],
            python_version = "3.12",
            target_compatible_with = NOT_WASM,
        )
    py_binary(
        name = name,
        testonly = testonly,
        srcs = [_SYNC],
        main = _SYNC,
        args = ["update"] + [
            "$(rootpath {})={}".format(generated, committed.removeprefix("//").replace(":", "/") if committed.startswith("//") else package + "/" + committed)
            for generated, committed in files.items()
        ],
        data = files.keys(),
        python_version = "3.12",
        target_compatible_with = NOT_WASM,
    )
