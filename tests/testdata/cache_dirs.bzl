"""Values of `cache_dir` of a `wkg_registry_config`: read by the tests of Starlark and of Python."""

GOOD_CACHE_DIRS = [
    "",
    "/var/cache/wasm",
    "~/.cache/wasm",
    "$HOME/.cache/wasm",
    "${HOME}/.cache/wasm",
    "C:\\cache\\wasm",
    ".cache/wasm",
    "cache",
]
BAD_CACHE_DIRS = [
    "/",
    "//pkg/cache",
    "~",
    "~other/cache",
    "$HOME",
    "$TMPDIR/cache",
    "/var/$USER/cache",
    "a/${HOME}",
    ":cache",
    "@repo//cache",
    "-cache",
    "https://cache.example.com",
]
