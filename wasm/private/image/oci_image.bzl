"""`wasm_component_oci_image`: packs a component as an OCI image layout, signed or not."""

load("//wasm/private/common:image_ref.bzl", "looks_like_host", "reference_error")
load("//wasm/private/common:macro_attrs.bzl", "check_attributes", "public_attributes")
load("//wasm/private/common:shown.bzl", "shown")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/common:wasm_input.bzl", "wasm_file_of")
load("//wasm/private/providers:oci_image_info.bzl", "WasmOciImageInfo")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load("//wasm/private/providers:unsigned_info.bzl", "WasmUnsignedInfo")
load("//wasm/private/wasm_tools:validate_action.bzl", "WASM_TOOLS_TOOLCHAIN", "validate_wasm")
load(":annotations.bzl", "annotations_error")
load(":image_request.bzl", "deferred_keys", "image_facts")
load(":image_signing.bzl", "check_image_signing", "sign_image")
load(":oci_image_part.bzl", "oci_image_part")

visibility(["//docs/...", "//wasm/..."])

_DOC = """Packs a WebAssembly component as an OCI image for `{registry}/{namespace}/{name}:{tag}`.

Default outputs, in this order: `<name>_oci.wasm` (the component as it is in the image), `<name>_signature.sig` if the
signature is detached, `<name>_metadata.json`, `<name>_digest.txt` (`sha256:…` of the manifest) and
`<name>_reference.txt` (`host/repository@sha256:…`, for deployment files; where `registry` is a host or an entry of `registry_config`).
Output group `layout` is the layout, a directory. The digest depends on nothing but the attributes and the files: neither on time nor on the machine.

With a `wasm_signing_key` the run that publishes signs. A detached signature leaves all of these outputs as they are, but for
`<name>_signature.sig`. With an embedded one the build knows no digest: `<name>_unsigned.wasm` is in place of `<name>_oci.wasm`,
`layout` is that of the unsigned component, and there are neither `<name>_digest.txt` nor `<name>_reference.txt`.
"""

_ATTRS = {
    "additional_signing_keys": attr.label_list(
        doc = "Further keys that sign the component, of the same kind as `signing_keys`: made by the build, or outside of it.",
        allow_files = True,
    ),
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
    "registry_config": attr.label(
        doc = "A `wkg_registry_config` that says which host an entry's name in `registry` stands for, so that there is a " +
              "`<name>_reference.txt`. By default only a host makes one. Overrides of a publish target are not in it.",
        providers = [WasmRegistryConfigInfo],
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
        doc = "Key that signs: a `wasm_keygen`, `ssh_keygen` or `wasm_signing_key`; an error without `sign_component`.",
        allow_files = True,
    ),
    "split_regex": attr.string(
        doc = """RE2 expression for names of custom sections, as in `wasm_sign`: the component is split before it is signed, so that
`split_regex` of `wasm_verify` can verify only what matches. An error without `sign_component`. Empty, the default, splits nothing.""",
    ),
    "tag": attr.string(
        doc = "Tag of the image. A publish target's `tag_override` wins.",
        default = "latest",
    ),
    "version": attr.string(
        doc = "Version, for the annotation `org.opencontainers.image.version`; the tag by default.",
    ),
} | TOOL_ATTRS

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
        fail("{}: {}".format(shown(ctx.label), error))
    check_image_signing(ctx)

def _destination(ctx):
    """The host and the repository prefix that the image's registry stands for; None where the build does not know them."""
    config = ctx.attr.registry_config[WasmRegistryConfigInfo] if ctx.attr.registry_config else None
    registry = ctx.attr.registry or (config.default_registry if config else None) or ""
    for entry in config.registries if config else []:
        if entry.name == registry:
            host = entry.host.removeprefix("https://").removeprefix("http://")
            return struct(host = host, prefix = entry.prefix) if host else None
    return struct(host = registry, prefix = "") if looks_like_host(registry) else None

def _image_info(ctx, signing):
    """Declares the outputs, and says what is in them."""
    name = ctx.label.name
    known = not any([key.key_source for key in signing.signers]) or signing.type == "detached"
    return WasmOciImageInfo(
        annotations = ctx.attr.annotations,
        authors = ctx.attr.authors,
        description = ctx.attr.description,
        digest_file = ctx.actions.declare_file(name + "_digest.txt") if known else None,
        layout = ctx.actions.declare_directory(name + "_layout"),
        license = ctx.attr.license,
        metadata_file = ctx.actions.declare_file(name + "_metadata.json"),
        name = ctx.attr.name_override or ctx.attr.package_name,
        namespace = ctx.attr.namespace,
        package_name = ctx.attr.package_name,
        reference_file = ctx.actions.declare_file(name + "_reference.txt") if known and _destination(ctx) else None,
        registry = ctx.attr.registry,
        signature_file = signing.signature.signature_file if signing.signature else None,
        signature_type = signing.type,
        signers = signing.signers,
        tag = ctx.attr.tag,
        version = ctx.attr.version or ctx.attr.tag,
        wasm_file = signing.wasm_file,
    )

def _lay_out(ctx, image):
    """Registers the action WasmOciLayout."""
    public_keys = [key.public_key for key in deferred_keys(image)]
    signatures = [image.signature_file] if image.signature_file else []
    digests = [image.digest_file] if image.digest_file else []
    references = [image.reference_file] if image.reference_file else []
    args = params_file_args(ctx, "image")
    args.add(image.wasm_file, format = "--input=%s")
    args.add_all(signatures, format_each = "--signature-file=%s")
    args.add_all(public_keys, format_each = "--public-key=%s")

    # JSON, because user's text may have line breaks, and each line of a params file is an argument.
    facts = image_facts(image) | {"schema_version": 1}
    destination = _destination(ctx)
    if destination:
        facts |= {"namespace": "/".join([part for part in (destination.prefix, image.namespace) if part]), "registry": destination.host}
    args.add(json.encode(facts), format = "--facts=%s")
    args.add_all([image.layout], expand_directories = False, format_each = "--layout=%s")
    args.add(image.metadata_file, format = "--metadata=%s")
    args.add_all(digests, format_each = "--digest=%s")
    args.add_all(references, format_each = "--reference=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = [image.wasm_file] + signatures + public_keys,
        outputs = [image.layout, image.metadata_file] + digests + references,
        mnemonic = "WasmOciLayout",
        progress = "Packing the OCI image",
    )

def _oci_image_impl(ctx):
    _check(ctx)
    source = wasm_file_of(ctx, "component")
    signing = sign_image(ctx, source)
    image = _image_info(ctx, signing)
    _lay_out(ctx, image)
    files = [image.wasm_file, image.signature_file, image.metadata_file, image.digest_file, image.reference_file]
    files = [file for file in files if file]
    return [
        DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files)),
        OutputGroupInfo(
            layout = depset([image.layout]),
            _validation = depset([validate_wasm(ctx, source)]),
        ),
        image,
    ] + ([signing.signature] if signing.signature else []) + ([WasmUnsignedInfo(wasm_file = image.wasm_file)] if deferred_keys(image) else [])

IMAGE_ATTRIBUTES = public_attributes(_ATTRS)
IMAGE_MANDATORY = ("component", "package_name")

oci_image = rule(
    implementation = _oci_image_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmOciImageInfo],
    toolchains = [WASM_TOOLS_TOOLCHAIN],
)

def wasm_component_oci_image(name, **kwargs):
    """Packs a WebAssembly component as an OCI image; see the rule `oci_image` for outputs and attributes.

    Beside the image there are `<name>.digest`, with the digest file only, `<name>.reference`, with the reference file only, and
    `<name>.layout`, with the layout only. They are tagged `manual`: `//...` builds what they name with the image anyway, and analyses
    them only where something asks for them. Where the build knows no digest or no host, `<name>.digest` and `<name>.reference` are
    errors that say so.

    Args:
        name: Name of the image target.
        **kwargs: Attributes of the rule `oci_image`, and those that every rule has.
    """
    check_attributes(name, "wasm_component_oci_image", kwargs, IMAGE_ATTRIBUTES, IMAGE_MANDATORY)
    oci_image(name = name, **kwargs)
    common = {
        attribute: kwargs[attribute]
        for attribute in ("compatible_with", "restricted_to", "target_compatible_with", "testonly", "visibility")
        if attribute in kwargs
    } | {"tags": (kwargs.get("tags") or []) + ["manual"]}
    for part in ("digest", "layout", "reference"):
        oci_image_part(name = "{}.{}".format(name, part), image = name, part = part, **common)
