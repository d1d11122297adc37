"""A rule of your own that reads a provider: a deployment file with the digest of an image."""

load("@rules_wasm_oci//wasm:providers.bzl", "WasmOciImageInfo")

def _deployment_impl(ctx):
    image = ctx.attr.image[WasmOciImageInfo]
    if not image.reference_file:
        fail("{}: image = {} has no reference in the build".format(ctx.label, ctx.attr.image.label))
    output = ctx.actions.declare_file(ctx.label.name + ".yaml")
    ctx.actions.run_shell(
        inputs = [image.reference_file],
        outputs = [output],
        command = "printf 'image: %s\\n' \"$(cat \"$1\")\" > \"$2\"",
        arguments = [image.reference_file.path, output.path],
        mnemonic = "WriteDeployment",
        progress_message = "Writing the deployment file %{label}",
    )
    return [DefaultInfo(files = depset([output]))]

# deployment(name = "deployment", image = ":hello_image") writes deployment.yaml.
deployment = rule(
    implementation = _deployment_impl,
    attrs = {
        "image": attr.label(
            doc = "A `wasm_component_oci_image` target.",
            mandatory = True,
            providers = [WasmOciImageInfo],
        ),
    },
)
