"""`wkg_registry_config`: the registries that images may be published to."""

load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":registry_strings.bzl", "parse_registry_strings")

visibility(["//wasm/..."])

_DOC = """Lists registries and says where their credentials come from. No secret is in here: only names of variables.

An entry is `name|host[/prefix]|oci[|auth]` or `name|/path/to/folder|layout`. Forms of `auth`: `token|${VARIABLE}[|USER]`,
`env|VARIABLE[|USER]`, `basic|USER|${VARIABLE}`, `oauth|${ID_VARIABLE}|${SECRET_VARIABLE}`, `docker` (the Docker and
Podman configuration) and `anonymous`; without one the Docker and Podman configuration is asked, else nobody.
"""

_ATTRS = {
    "default_registry": attr.string(
        doc = "Name of the entry that speaks where a publish names no registry; none by default.",
    ),
    "registries": attr.string_list(
        doc = "The entries, each with a name of its own.",
        mandatory = True,
    ),
}

def _wkg_registry_config_impl(ctx):
    entries, error = parse_registry_strings(ctx.attr.registries, ctx.attr.default_registry)
    if error:
        fail("{}: {}".format(ctx.label, error))
    return [WasmRegistryConfigInfo(
        default_registry = ctx.attr.default_registry or None,
        registries = entries,
    )]

wkg_registry_config = rule(
    implementation = _wkg_registry_config_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmRegistryConfigInfo],
)
