"""What analysis tests share: subjects that are never built by //..., and questions about a target's actions."""

load("@bazel_skylib//lib:unittest.bzl", "analysistest", "asserts")
load("@bazel_skylib//rules:write_file.bzl", "write_file")
load("//wasm:providers.bzl", "WasmKeyInfo")

def wasm_file(name, count = 1):
    """A target with `count` .wasm files; nobody builds it."""
    for index in range(count):
        write_file(
            name = "{}_{}_file".format(name, index),
            out = "{}_{}.wasm".format(name, index),
            content = [],
            tags = ["manual"],
        )
    native.filegroup(
        name = name,
        srcs = ["{}_{}.wasm".format(name, index) for index in range(count)],
        tags = ["manual"],
    )

def _public_half_impl(ctx):
    return [WasmKeyInfo(development = False, key_format = "compact", public_key = ctx.file.public_key, secret_key = None)]

# A key pair whose secret key is not in the build.
public_half = rule(
    implementation = _public_half_impl,
    attrs = {"public_key": attr.label(allow_single_file = True)},
)

def _passed_on_impl(ctx):
    return [DefaultInfo(files = depset(transitive = [target[DefaultInfo].files for target in ctx.attr.files]))]

# Gives the files of other targets, which it names by an attribute of a rare type.
passed_on = rule(
    implementation = _passed_on_impl,
    attrs = {"files": attr.label_keyed_string_dict()},
)

def _folder_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(outputs = [folder], command = "mkdir -p \"$1\"", arguments = [folder.path])
    return [DefaultInfo(files = depset([folder]))]

# A folder, whatever its name says.
folder = rule(implementation = _folder_impl)

def _failure_test_impl(ctx):
    env = analysistest.begin(ctx)
    for word in ctx.attr.words:
        asserts.expect_failure(env, word)
    causes = analysistest.target_under_test(env)[AnalysisFailureInfo].causes.to_list()
    asserts.false(env, "@@//" in "".join([cause.message for cause in causes]), "labels are as users write them")
    if ctx.attr.absent:
        asserts.false(env, ctx.attr.absent in "".join([cause.message for cause in causes]), "what the user did not write, or what is secret")
    return analysistest.end(env)

# The target under test fails with all words, and without `absent`.
failure_test = analysistest.make(
    _failure_test_impl,
    attrs = {"absent": attr.string(), "words": attr.string_list()},
    expect_failure = True,
)

TagsInfo = provider(doc = "How a target is tagged.", fields = {"tags": "list of string"})

# Gives TagsInfo.
tags_of = aspect(implementation = lambda _target, ctx: [TagsInfo(tags = ctx.rule.attr.tags)])

def action_of(env, mnemonic):
    """The one action of the target under test with this mnemonic."""
    actions = [action for action in analysistest.target_actions(env) if action.mnemonic == mnemonic]
    asserts.equals(env, 1, len(actions), "number of actions " + mnemonic)
    return actions[0]

def basenames(files):
    return [file.basename for file in (files.to_list() if type(files) == "depset" else files)]

def written(env, basename):
    """The content of a file that the target under test writes, parsed as JSON."""
    for action in analysistest.target_actions(env):
        if action.mnemonic == "FileWrite" and basename in basenames(action.outputs):
            return json.decode(action.content)
    asserts.true(env, False, "nothing writes " + basename)
    return {}

def image_facts_of(action):
    """What the action WasmOciLayout is told of an image, beside its files."""
    (facts,) = [argument for argument in action.argv if argument.startswith("--facts=")]
    return json.decode(facts.removeprefix("--facts="))

def values_of(action, option):
    """Values of an option in a tool's arguments, each `--option=value`."""
    return [argument.removeprefix(option + "=") for argument in action.argv if argument.startswith(option + "=")]

# What a request says of two keys outside the build, in the form of keys_of.
TWO_KEYS = [("one.pub", "env", "RELEASE_KEY"), ("two.pub", "ssh-agent", "")]

def keys_of(request):
    """The keys of a request: public key's file name, source and reference of each."""
    return [(key["public_key"].split("/")[-1], key["source"]["kind"], key["source"]["ref"]) for key in request["keys"]]

def check_names(env, action, expected):
    """Checks that an action is told what users call each file that it reads; `expected` are some of these texts."""
    inputs = {file.path: True for file in action.inputs.to_list()}
    options = [argument.partition("=") for argument in action.argv if argument.startswith("--")]
    read = {value: True for option, _, value in options if value in inputs and option != "--shown-file"}
    asserts.equals(env, sorted(read), sorted(values_of(action, "--shown-file")), "files with a name for errors")
    for text in expected:
        asserts.true(env, text in values_of(action, "--shown-as"), "%s in %s" % (text, values_of(action, "--shown-as")))

def check_command(env, action, command, expected, absent = []):
    """Checks a tool's arguments: the command, and options with the base name of their values, None for those without."""
    argv = action.argv
    asserts.true(env, command in argv, "%s in %s" % (command, argv))
    words = [argument for argument in argv[1:] if not argument.startswith("--") and "/" in argument]
    asserts.equals(env, [], words, "files are behind options, since a worker would read @scope/file as the name of a params file")
    for option, value in expected:
        if value == None:
            asserts.true(env, option in argv, "%s in %s" % (option, argv))
        else:
            found = [each.split("/")[-1] for each in values_of(action, option)]
            asserts.true(env, value in found, "value of %s: %s in %s" % (option, value, argv))
    for option in absent:
        asserts.false(env, option in argv or values_of(action, option), "%s not in %s" % (option, argv))
    check_names(env, action, [])
    asserts.equals(env, {}, {key: value for key, value in action.env.items() if key not in ("PATH", "LANG")}, "environment")
