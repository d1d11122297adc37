"""`wasm_component_oci_publish`: an image and the target that publishes it, in one."""

load("//wasm/private/common:macro_attrs.bzl", "check_attributes")
load("//wasm/private/image:oci_image.bzl", "IMAGE_ATTRIBUTES", "IMAGE_MANDATORY", "oci_image_with_parts")
load(":publish.bzl", "wasm_component_publish")

visibility(["//wasm/..."])

_PUBLISH_ONLY = (
    "cosign_legacy",
    "dry_run",
    "extra_tags",
    "movable_tags",
    "namespace_override",
    "registry_override",
    "require_referrers_api",
    "require_signed",
    "security_policy",
    "statement_keys",
    "tag_override",
)

# What goes to the image and to the target that publishes it.
BOTH = (
    "authors",
    "compatible_with",
    "description",
    "license",
    "registry_config",
    "restricted_to",
    "tags",
    "target_compatible_with",
    "testonly",
    "visibility",
)

def wasm_component_oci_publish(name, **kwargs):
    """Makes the image `<name>_image` and the run target `<name>` that publishes it.

    Args:
        name: Name of the run target.
        **kwargs: Attributes of [`oci_image`](#oci_image), of which `component` and `package_name` are mandatory, and of
            [`wasm_component_publish`](#wasm_component_publish) except `oci_image`. `authors`, `description`, `license` and
            `registry_config` go to both, as do those that every rule has. Errors name `<name>`, never `<name>_image`.
    """
    check_attributes(name, "wasm_component_oci_publish", kwargs, IMAGE_ATTRIBUTES + list(_PUBLISH_ONLY), IMAGE_MANDATORY)
    image = name + "_image"
    oci_image_with_parts(
        image,
        {attribute: value for attribute, value in kwargs.items() if attribute not in _PUBLISH_ONLY},
        written_as = name,
    )
    wasm_component_publish(
        name = name,
        oci_image = image,
        **{attribute: value for attribute, value in kwargs.items() if attribute in _PUBLISH_ONLY + BOTH}
    )
