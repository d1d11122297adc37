"""`denied`: targets that a policy denies, for tests that run them nevertheless."""

DENIED = ("revoked", "unsigned", "wrong_key")

def _denied_impl(ctx):
    runfiles = ctx.runfiles(ctx.files._srcs).merge_all([target[DefaultInfo].default_runfiles for target in ctx.attr._srcs])
    return [DefaultInfo(files = depset(ctx.files._srcs), runfiles = runfiles)]

denied = rule(
    implementation = _denied_impl,
    doc = "Files and runfiles of the targets `publish_strict_…`. Validations of implicit dependencies are not run, so that this builds.",
    attrs = {
        "_srcs": attr.label_list(
            default = [Label("//tests/integration:publish_strict_" + case) for case in DENIED],
        ),
    },
)
