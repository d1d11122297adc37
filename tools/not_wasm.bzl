"""What cannot be built for WebAssembly, because no Python interpreter is: skipped there, so that `//...` can be built."""

visibility(["//..."])

NOT_WASM = select({
    "@platforms//cpu:wasm32": ["@platforms//:incompatible"],
    "//conditions:default": [],
})
