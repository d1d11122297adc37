"""What programs are told of an image: composed of its provider, and nowhere else."""

load("//wasm/private/common:run_target.bzl", "rlocation_path")
load("//wasm/private/keys:signing_keys.bzl", "key_requests")
load("//wasm/private/providers:signature_info.bzl", "common_key_format")

visibility(["//wasm/..."])

def image_facts(image):
    """What an image is made of, without the paths of files: a build and a run have different ones.

    Args:
        image: WasmOciImageInfo.

    Returns:
        dict for JSON
    """
    return {
        "annotations": image.annotations,
        "authors": image.authors,
        "description": image.description,
        "key_format": common_key_format([signer.key_format for signer in image.signers]) or "none",
        "license": image.license,
        "name": image.name,
        "namespace": image.namespace,
        "package_name": image.package_name,
        "registry": image.registry,
        "signature_type": image.signature_type,
        "tag": image.tag,
        "version": image.version,
    }

def deferred_keys(image):
    """The keys of an image that sign when it is published; empty for one that is signed, or never will be."""
    return [key for key in image.signers if key.key_source]

def signing_request(ctx, image):
    """What the run that publishes has to sign.

    Args:
        ctx: context of a rule.
        image: WasmOciImageInfo.

    Returns:
        None; or a dict of the keys and, for an embedded signature, what the image is made of
    """
    keys = deferred_keys(image)
    if not keys:
        return None
    embedded = image.signature_type == "embedded"
    return {
        "image": image_facts(image) | {
            "component": rlocation_path(ctx, image.wasm_file),
            "policy": rlocation_path(ctx, image.policy_file) if image.policy_file else None,
        } if embedded else None,
        "keys": key_requests(ctx, keys),
    }
