"""`wasm_component_oci_publish`: an image and its publish target in one."""

load(":oci_image.bzl", "IMAGE_ATTRS", "wasm_component_oci_image")
load(":publish.bzl", "PUBLISH_ATTRS", "wasm_component_publish")

visibility(["//wasm/..."])

def wasm_component_oci_publish(name, **kwargs):
    """Makes `<name>_image`, a `wasm_component_oci_image`, and `<name>`, which `bazel run` publishes it with.

    An attribute that both have (`description`, `authors`, `license`) goes to both: the image's manifest holds it, and
    the result repeats it.

    Args:
        name: Name of the publish target.
        **kwargs: Attributes of `wasm_component_oci_image` and of `wasm_component_publish` but `oci_image`.
    """
    if "oci_image" in kwargs:
        fail("{}: oci_image is made by this macro; use wasm_component_publish for an image of your own".format(name))
    image = {key: value for key, value in kwargs.items() if key in IMAGE_ATTRS}
    publish = {key: value for key, value in kwargs.items() if key in PUBLISH_ATTRS}
    common = {key: value for key, value in kwargs.items() if key not in IMAGE_ATTRS and key not in PUBLISH_ATTRS}
    wasm_component_oci_image(name = name + "_image", **(image | common))
    wasm_component_publish(name = name, oci_image = name + "_image", **(publish | common))
