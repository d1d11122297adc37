"""`wasm_component_oci_image`: a component as an OCI image layout whose digest is known when the build ends."""

load("//wasm/private/providers:key_info.bzl", "WasmKeyInfo")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:signature_info.bzl", "WasmSignatureInfo")
load(":image_ref.bzl", "reference_error")
load(":sign_action.bzl", "secret_key_of", "sign_wasm")
load(":tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load(":validate_action.bzl", "VALIDATE_ATTRS", "WASM_TOOLS_TOOLCHAIN", "validate_wasm")
load(":wasm_input.bzl", "wasm_file_of")

visibility(["//wasm/..."])

_DOC = """Packs a WebAssembly component as an OCI image (CNCF Wasm artifact), signed if asked.

Default outputs: `<name>_oci.wasm`, `<name>_signature.sig` if the signature is detached, `<name>_metadata.json`,
`<name>_digest.txt` (`sha256:…`) and `<name>_reference.txt` (`host/repository@sha256:…`). The layout directory is the
output group `layout`. The reference is `{registry}/{namespace}/{name_override or package_name}:{tag}`.
"""

IMAGE_ATTRS = {
    "annotations": attr.string_list(
        doc = "Annotations of the manifest, each `key=value`. They win over the other attributes, and those over the " +
              "metadata inside the component. `com.wasmsign2.*` may not be set.",
    ),
    "authors": attr.string_list(doc = "Names for `org.opencontainers.image.authors`; the component's own by default."),
    "component": attr.label(
        doc = "The component: a target with exactly one `.wasm` file, such a file, or what `wasm_sign` made.",
        allow_files = [".wasm"],
        mandatory = True,
    ),
    "description": attr.string(doc = "Text for `org.opencontainers.image.description`; the component's own by default."),
    "license": attr.string(doc = "SPDX expression for `org.opencontainers.image.licenses`; the component's own by default."),
    "name_override": attr.string(doc = "Takes the place of `package_name` in the reference; none by default."),
    "namespace": attr.string(
        doc = "First part of the repository; empty for none.",
        default = "library",
    ),
    "package_name": attr.string(
        doc = "Name of the package, the rest of the repository; may hold slashes. Its last part names the component.",
        mandatory = True,
    ),
    "registry": attr.string(
        doc = "Host with an optional port, or the name of an entry of the publish target's `registry_config`.",
        default = "localhost:5000",
    ),
    "sign_component": attr.bool(doc = "True signs the component with `signing_keys`; False by default."),
    "signature_type": attr.string(
        doc = "Where the signature goes: \"embedded\" in the component, or \"detached\" in a file of its own that is " +
              "published as a referrer.",
        default = "embedded",
        values = ["embedded", "detached"],
    ),
    "signing_keys": attr.label(
        doc = "Key pair that signs, a `wasm_keygen` or `ssh_keygen`; goes with `sign_component = True`.",
        providers = [WasmKeyInfo],
    ),
    "tag": attr.string(
        doc = "Tag that the image gets when it is published.",
        default = "latest",
    ),
    "version": attr.string(doc = "Text for `org.opencontainers.image.version`; the tag by default."),
}

def _check(ctx):
    """Fails for attributes that contradict each other or make no reference."""
    if ctx.attr.sign_component and not ctx.attr.signing_keys:
        fail("{}: sign_component = True without signing_keys; name a wasm_keygen or ssh_keygen target".format(ctx.label))
    if ctx.attr.signing_keys and not ctx.attr.sign_component:
        fail("{}: signing_keys = {} without sign_component = True; add it, or remove signing_keys".format(
            ctx.label,
            ctx.attr.signing_keys.label,
        ))
    if ctx.attr.signature_type == "detached" and not ctx.attr.sign_component:
        fail("{}: signature_type = \"detached\" without sign_component = True; add it, or remove signature_type".format(ctx.label))
    if ctx.attr.sign_component and WasmSignatureInfo in ctx.attr.component:
        if ctx.attr.component[WasmSignatureInfo].signature_type == "detached":
            fail("{}: component = {} has a detached signature already; remove sign_component, or name the unsigned component".format(
                ctx.label,
                ctx.attr.component.label,
            ))
    name_attribute = "name_override" if ctx.attr.name_override else "package_name"
    error = reference_error(
        ctx.attr.registry,
        ctx.attr.namespace,
        ctx.attr.name_override or ctx.attr.package_name,
        ctx.attr.tag,
        attributes = ("registry", "namespace", name_attribute, "tag"),
    )
    if error:
        fail("{}: {}".format(ctx.label, error))

def _signed(ctx, component):
    """Returns struct(wasm_file, signature_file, signature_type, key_format, public_key) of what goes into the image."""
    output = ctx.actions.declare_file(ctx.label.name + "_oci.wasm")
    if ctx.attr.sign_component:
        key = ctx.attr.signing_keys[WasmKeyInfo]
        detached = ctx.attr.signature_type == "detached"
        return sign_wasm(
            ctx,
            key_format = key.key_format,
            output = output,
            public_key = key.public_key,
            secret_key = secret_key_of(ctx, "signing_keys", key),
            signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig") if detached else None,
            wasm_file = component,
        )
    ctx.actions.symlink(output = output, target_file = component)
    if WasmSignatureInfo not in ctx.attr.component:
        return struct(key_format = "none", public_key = None, signature_file = None, signature_type = "none", wasm_file = output)
    signature = ctx.attr.component[WasmSignatureInfo]
    signature_file = None
    if signature.signature_file:
        signature_file = ctx.actions.declare_file(ctx.label.name + "_signature.sig")
        ctx.actions.symlink(output = signature_file, target_file = signature.signature_file)
    return struct(
        key_format = signature.key_format,
        public_key = signature.public_key,
        signature_file = signature_file,
        signature_type = signature.signature_type,
        wasm_file = output,
    )

def _request(ctx, signed):
    return {
        "annotations": ctx.attr.annotations,
        "authors": ctx.attr.authors,
        "component": signed.wasm_file.path,
        "description": ctx.attr.description,
        "key_format": signed.key_format,
        "license": ctx.attr.license,
        "name": ctx.attr.name_override,
        "namespace": ctx.attr.namespace,
        "package_name": ctx.attr.package_name,
        "registry": ctx.attr.registry,
        "schemaVersion": 1,
        "signature": signed.signature_file.path if signed.signature_file else None,
        "signature_type": signed.signature_type,
        "tag": ctx.attr.tag,
        "version": ctx.attr.version,
    }

def _image_impl(ctx):
    _check(ctx)
    component = wasm_file_of(ctx, "component")
    signed = _signed(ctx, component)

    request = ctx.actions.declare_file(ctx.label.name + "_image_request.json")
    ctx.actions.write(request, json.encode_indent(_request(ctx, signed), indent = "  ") + "\n")
    layout = ctx.actions.declare_directory(ctx.label.name + "_layout")
    digest = ctx.actions.declare_file(ctx.label.name + "_digest.txt")
    metadata = ctx.actions.declare_file(ctx.label.name + "_metadata.json")
    reference = ctx.actions.declare_file(ctx.label.name + "_reference.txt")

    signature_files = [signed.signature_file] if signed.signature_file else []
    args = params_file_args(ctx)
    args.add("--request", request)
    args.add("--layout", layout.path)
    args.add("--digest", digest)
    args.add("--metadata", metadata)
    args.add("--reference", reference)
    run_wasm_oci(
        ctx,
        args = args,
        command = "image",
        inputs = [request, signed.wasm_file] + signature_files,
        mnemonic = "WasmOciLayout",
        outputs = [layout, digest, metadata, reference],
        progress = "Packing the OCI image",
    )

    files = [signed.wasm_file] + signature_files + [metadata, digest, reference]
    return [
        DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files)),
        OutputGroupInfo(
            _validation = depset([validate_wasm(ctx, component)]),
            digest = depset([digest]),
            layout = depset([layout]),
        ),
        WasmOciImageInfo(
            digest_file = digest,
            layout = layout,
            metadata_file = metadata,
            name = ctx.attr.name_override or ctx.attr.package_name,
            namespace = ctx.attr.namespace,
            package_name = ctx.attr.package_name,
            public_key = signed.public_key,
            reference_file = reference,
            registry = ctx.attr.registry,
            signature_file = signed.signature_file,
            signature_type = signed.signature_type,
            tag = ctx.attr.tag,
            version = ctx.attr.version or ctx.attr.tag,
            wasm_file = signed.wasm_file,
        ),
    ] + ([WasmSignatureInfo(
        key_format = signed.key_format,
        public_key = signed.public_key,
        signature_file = signed.signature_file,
        signature_type = signed.signature_type,
        wasm_file = signed.wasm_file,
    )] if signed.public_key else [])

oci_image = rule(
    implementation = _image_impl,
    doc = _DOC,
    attrs = IMAGE_ATTRS | TOOL_ATTRS | VALIDATE_ATTRS,
    provides = [WasmOciImageInfo],
    toolchains = [WASM_TOOLS_TOOLCHAIN],
)

# Attributes that companions of a target share with it.
_COMPANION = ("compatible_with", "deprecation", "restricted_to", "tags", "target_compatible_with", "testonly", "visibility")

def wasm_component_oci_image(name, **kwargs):
    """Packs a WebAssembly component as an OCI image, signed if asked; see the attributes of `oci_image`.

    Makes two companions: `<name>.digest`, the file with the manifest's digest, and `<name>.layout`, the OCI image
    layout as a directory that skopeo, oras and crane read.

    Args:
        name: Name of the image target.
        **kwargs: Attributes of `oci_image`.
    """
    oci_image(name = name, **kwargs)
    shared = {key: kwargs[key] for key in _COMPANION if key in kwargs}
    for group in ("digest", "layout"):
        native.filegroup(
            name = "{}.{}".format(name, group),
            srcs = [name],
            output_group = group,
            **shared
        )
