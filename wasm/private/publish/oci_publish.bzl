"""`wasm_component_oci_publish`: an image and the target that publishes it, in one."""

load("//wasm/private/common:macro_attrs.bzl", "check_attributes")
load("//wasm/private/image:oci_image.bzl", "IMAGE_ATTRIBUTES", "IMAGE_MANDATORY", "wasm_component_oci_image")
load(":publish.bzl", "wasm_component_publish")

visibility(["//wasm/..."])

_PUBLISH_ONLY = (
    "dry_run",
    "extra_tags",
    "movable_tags",
    "namespace_override",
    "registry_override",
    "require_signed",
    "tag_override",
)
_BOTH = (
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
        **kwargs: Attributes of `oci_image` and of `wasm_component_publish` but `oci_image`; the tables below have types and defaults.
            `authors`, `description` and `license` go to both, as do those that every rule has.
    """
    check_attributes(name, "wasm_component_oci_publish", kwargs, IMAGE_ATTRIBUTES + list(_PUBLISH_ONLY), IMAGE_MANDATORY)
    image = name + "_image"
    wasm_component_oci_image(
        name = image,
        **{attribute: value for attribute, value in kwargs.items() if attribute not in _PUBLISH_ONLY}
    )
    wasm_component_publish(
        name = name,
        oci_image = image,
        **{attribute: value for attribute, value in kwargs.items() if attribute in _PUBLISH_ONLY + _BOTH}
    )
