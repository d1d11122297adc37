"""Which key pair's rule made a file."""

load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")

visibility(["//wasm/..."])

KeyOriginInfo = provider(
    doc = "The key pair whose rule made a file.",
    fields = {"key": "WasmKeyInfo of the rule."},
)

def _key_origin_impl(target, _ctx):
    return [KeyOriginInfo(key = target[WasmKeyInfo])] if WasmKeyInfo in target else []

# A file does not say which rule made it; the aspect visits that rule.
key_origin = aspect(
    implementation = _key_origin_impl,
    apply_to_generating_rules = True,
)
