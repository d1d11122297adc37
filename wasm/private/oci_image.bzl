"""`wasm_component_oci_image`: packs a component as an OCI image layout, signed or not."""

load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":annotations.bzl", "annotations_error")
load(":image_ref.bzl", "looks_like_host", "reference_error")
load(":oci_image_part.bzl", "oci_image_part")
load(":sign_action.bzl", "secret_key_of", "sign_wasm")
load(":tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load(":validate_action.bzl", "VALIDATE_ATTRS", "WASM_TOOLS_TOOLCHAIN", "validate_wasm")
load(":wasm_input.bzl", "wasm_file_of")

visibility(["//docs/...", "//wasm/..."])

_DOC = """Packs a WebAssembly component as an OCI image for `{registry}/{namespace}/{name}:{tag}`.

Default outputs, in this order: `<name>_oci.wasm` (the component as it is in the image), `<name>_signature.sig` if the
signature is detached, `<name>_metadata.json`, `<name>_digest.txt` (`sha256:…` of the manifest) and
`<name>_reference.txt` (`host/repository@sha256:…`, for deployment files; only where `registry` is a host). Output group `layout` is the layout, a
directory. The digest depends on nothing but the attributes and the files: neither on time nor on the machine.
"""

_ATTRS = {
    "annotations": attr.string_list(
        doc = "Annotations of the manifest, each `key=value`. They beat the other attributes, and those beat what the " +
              "component says about itself. Keys that begin with `com.wasmsign2.` are written by the rule only.",
    ),
    "authors": attr.string_list(
        doc = "Authors, for the annotation `org.opencontainers.image.authors`; by default those that the component names.",
    ),
    "component": attr.label(
        doc = "Component to pack: any target with exactly one `.wasm` file, or such a file. " +
              "What `wasm_sign` made keeps its signature.",
        allow_files = [".wasm"],
        mandatory = True,
    ),
    "description": attr.string(
        doc = "Text of the annotation `org.opencontainers.image.description`; by default what the component says.",
    ),
    "license": attr.string(
        doc = "SPDX expression for `org.opencontainers.image.licenses`; by default what the component says.",
    ),
    "name_override": attr.string(
        doc = "Takes the place of `package_name` in the repository; for registries that allow fewer path segments.",
    ),
    "namespace": attr.string(
        doc = "First part of the repository; may hold slashes, and may be empty.",
        default = "library",
    ),
    "package_name": attr.string(
        doc = "Name of the package and rest of the repository, such as `examples/hello`; lower case, may hold slashes.",
        mandatory = True,
    ),
    "registry": attr.string(
        doc = "Where the image will be published: a host with an optional port, or the name of an entry of the " +
              "publish target's `registry_config`. A publish target's `registry_override` wins. Empty names none: then the " +
              "`default_registry` of the publish target's configuration speaks. Not part of the digest.",
        default = "localhost:5000",
    ),
    "sign_component": attr.bool(
        doc = "Whether to sign the component before it is packed; needs `signing_keys`.",
    ),
    "signature_type": attr.string(
        doc = "Where the signature of `sign_component` goes: \"embedded\" in the component, or \"detached\", a file that " +
              "is published beside the image.",
        default = "embedded",
        values = ["embedded", "detached"],
    ),
    "signing_keys": attr.label(
        doc = "Key pair that signs, such as a `wasm_keygen` or `ssh_keygen`; an error without `sign_component`.",
        providers = [WasmKeyInfo],
    ),
    "tag": attr.string(
        doc = "Tag of the image. A publish target's `tag_override` wins.",
        default = "latest",
    ),
    "version": attr.string(
        doc = "Version, for the annotation `org.opencontainers.image.version`; the tag by default.",
    ),
} | TOOL_ATTRS | VALIDATE_ATTRS

def _check(ctx):
    name_attribute = "name_override" if ctx.attr.name_override else "package_name"
    error = reference_error(
        ctx.attr.registry or "localhost",
        ctx.attr.namespace,
        ctx.attr.name_override or ctx.attr.package_name,
        ctx.attr.tag,
        attributes = ("registry", "namespace", name_attribute, "tag"),
    ) or annotations_error(ctx.attr.annotations)
    if error:
        fail("{}: {}".format(ctx.label, error))
    if ctx.attr.sign_component and not ctx.attr.signing_keys:
        fail("{}: sign_component = True needs signing_keys; name a wasm_keygen or ssh_keygen target".format(ctx.label))
    if ctx.attr.signing_keys and not ctx.attr.sign_component:
        fail("{}: signing_keys is given, but sign_component is False and the image would be unsigned; ".format(ctx.label) +
             "add sign_component = True, or remove signing_keys")
    if ctx.attr.signature_type == "detached" and not ctx.attr.sign_component:
        fail("{}: signature_type is \"detached\", but nothing is signed; add sign_component = True, or remove it".format(ctx.label))
    if ctx.attr.sign_component and WasmSignatureInfo in ctx.attr.component:
        fail("{}: component = {} is signed already; remove sign_component and signing_keys, or name the unsigned one".format(
            ctx.label,
            ctx.attr.component.label,
        ))

def _signed(ctx, source, wasm_file):
    """Makes `<name>_oci.wasm`; returns its WasmSignatureInfo, or None for an unsigned component."""
    if ctx.attr.sign_component:
        key = ctx.attr.signing_keys[WasmKeyInfo]
        detached = ctx.attr.signature_type == "detached"
        return sign_wasm(
            ctx,
            key_format = key.key_format,
            output = wasm_file,
            public_key = key.public_key,
            secret_key = secret_key_of(ctx, "signing_keys", key),
            signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig") if detached else None,
            wasm_file = source,
        )
    ctx.actions.symlink(output = wasm_file, target_file = source)
    if WasmSignatureInfo not in ctx.attr.component:
        return None
    given = ctx.attr.component[WasmSignatureInfo]
    signature_file = None
    if given.signature_file:
        signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig")
        ctx.actions.symlink(output = signature_file, target_file = given.signature_file)
    return WasmSignatureInfo(
        key_format = given.key_format,
        public_key = given.public_key,
        signature_file = signature_file,
        signature_type = given.signature_type,
        wasm_file = wasm_file,
    )

def _request(ctx, wasm_file, signature):
    signature_file = signature.signature_file if signature else None
    return {
        "annotations": ctx.attr.annotations,
        "authors": ctx.attr.authors,
        "component": wasm_file.path,
        "description": ctx.attr.description,
        "key_format": signature.key_format if signature else "none",
        "license": ctx.attr.license,
        "name": ctx.attr.name_override,
        "namespace": ctx.attr.namespace,
        "package_name": ctx.attr.package_name,
        "registry": ctx.attr.registry,
        "schemaVersion": 1,
        "signature": signature_file.path if signature_file else None,
        "signature_type": signature.signature_type if signature else "none",
        "tag": ctx.attr.tag,
        "version": ctx.attr.version,
    }

def _lay_out(ctx, wasm_file, signature):
    """Registers the action WasmOciLayout; returns its outputs as a struct."""
    name = ctx.label.name
    request = ctx.actions.declare_file(name + "_image_request.json")
    ctx.actions.write(request, json.encode_indent(_request(ctx, wasm_file, signature), indent = "  ") + "\n")
    outputs = struct(
        digest = ctx.actions.declare_file(name + "_digest.txt"),
        layout = ctx.actions.declare_directory(name + "_layout"),
        metadata = ctx.actions.declare_file(name + "_metadata.json"),
        reference = ctx.actions.declare_file(name + "_reference.txt") if looks_like_host(ctx.attr.registry) else None,
    )
    args = params_file_args(ctx)
    args.add("--request", request)
    args.add_all("--layout", [outputs.layout], expand_directories = False)
    args.add("--digest", outputs.digest)
    args.add("--metadata", outputs.metadata)
    references = [outputs.reference] if outputs.reference else []
    args.add_all("--reference", references)
    run_wasm_oci(
        ctx,
        command = "image",
        args = args,
        inputs = [request, wasm_file] + ([signature.signature_file] if signature and signature.signature_file else []),
        outputs = [outputs.layout, outputs.digest, outputs.metadata] + references,
        mnemonic = "WasmOciLayout",
        progress = "Packing the OCI image",
    )
    return outputs

def _oci_image_impl(ctx):
    _check(ctx)
    source = wasm_file_of(ctx, "component")
    wasm_file = ctx.actions.declare_file(ctx.label.name + "_oci.wasm")
    signature = _signed(ctx, source, wasm_file)
    image = _lay_out(ctx, wasm_file, signature)
    signature_files = [signature.signature_file] if signature and signature.signature_file else []
    files = [wasm_file] + signature_files + [image.metadata, image.digest] + ([image.reference] if image.reference else [])
    return [
        DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files)),
        OutputGroupInfo(
            layout = depset([image.layout]),
            _validation = depset([validate_wasm(ctx, source)]),
        ),
        WasmOciImageInfo(
            digest_file = image.digest,
            layout = image.layout,
            metadata_file = image.metadata,
            name = ctx.attr.name_override or ctx.attr.package_name,
            namespace = ctx.attr.namespace,
            package_name = ctx.attr.package_name,
            public_key = signature.public_key if signature else None,
            reference_file = image.reference,
            registry = ctx.attr.registry,
            signature_file = signature.signature_file if signature else None,
            signature_type = signature.signature_type if signature else "none",
            tag = ctx.attr.tag,
            version = ctx.attr.version or ctx.attr.tag,
            wasm_file = wasm_file,
        ),
    ] + ([signature] if signature else [])

oci_image = rule(
    implementation = _oci_image_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmOciImageInfo],
    toolchains = [WASM_TOOLS_TOOLCHAIN],
)

def wasm_component_oci_image(name, **kwargs):
    """Packs a WebAssembly component as an OCI image; see the rule `oci_image` for outputs and attributes.

    Beside the image there are `<name>.digest`, with the digest file only, and `<name>.layout`, with the layout only.

    Args:
        name: Name of the image target.
        **kwargs: Attributes of the rule `oci_image`, and those that every rule has.
    """
    oci_image(name = name, **kwargs)
    common = {
        attribute: kwargs[attribute]
        for attribute in ("compatible_with", "restricted_to", "tags", "target_compatible_with", "testonly", "visibility")
        if attribute in kwargs
    }
    for part in ("digest", "layout"):
        oci_image_part(name = "{}.{}".format(name, part), image = name, part = part, **common)
