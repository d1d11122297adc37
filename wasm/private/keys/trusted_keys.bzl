"""`wasm_trusted_keys`: the public keys that verifiers trust."""

load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/common:wasm_input.bzl", "exactly_one")
load("//wasm/private/providers:trusted_keys_info.bzl", "WasmTrustedKeysInfo")
load(":key_origin.bzl", "key_origin", "public_key_files")

visibility(["//wasm/..."])

_DOC = """Lists the public keys that `wasm_verify`, `wasm_verify_test` and `wasm_oci verify` and `pull` trust.

A key has a name, and may have a comment and dates from and until which it is valid; a revoked key is never valid.
The list is either a file (`config`, YAML or JSON) or attributes. One name for two keys, one key under two names, and an unknown
member are errors. The output is `<name>_trusted_keys.json`, which programs take with `--trusted-keys`.

```yaml
keys:
  - name: release-2027
    public_key: ssh-ed25519 AAAA…
    not_before: 2027-01-01
    not_after: 2028-03-31
  - name: release-2026
    public_key_file: release-2026.public
    revoked: true
    comment: the laptop was stolen
```

Build actions ignore the time, so that a result does not change from one day to the next; tests and programs do not. There is
no trusted timestamp in a signature: an expired key refuses what it signed before, too.
"""

_ATTRS = {
    "comments": attr.string_dict(
        doc = "Name of a key to a comment; none by default.",
    ),
    "config": attr.label(
        doc = "The list as a YAML or JSON file. Give this or `keys`.",
        allow_single_file = [".yaml", ".yml", ".json"],
    ),
    "keys": attr.label_keyed_string_dict(
        doc = "Public key files, or targets of keys, to the name of each key. Give this or `config`. " +
              "Keys that the build made are marked as development keys.",
        allow_files = True,
        aspects = [key_origin],
    ),
    "not_after": attr.string_dict(
        doc = "Name of a key to its last day, such as \"2028-03-31\", or its last second, such as \"2028-03-31T18:00:00Z\". " +
              "A key without an entry has no end.",
    ),
    "not_before": attr.string_dict(
        doc = "Name of a key to its first day or second, in the same form. A key without an entry has no beginning.",
    ),
    "revoked": attr.string_list(
        doc = "Names of revoked keys, which are never valid; none by default.",
    ),
    "srcs": attr.label_list(
        doc = "The key files that `config` names with `public_key_file`, which are relative to it; or targets of keys.",
        allow_files = True,
        aspects = [key_origin],
    ),
} | TOOL_ATTRS

_WITH_KEYS = ["comments", "not_after", "not_before", "revoked"]

def _place(file):
    """A path that is the same in every configuration."""
    return file.short_path

def _check_names(ctx):
    names = {}
    for target, name in ctx.attr.keys.items():
        if name in names:
            fail("{}: keys gives the name \"{}\" to {} and {}; give each key a name of its own".format(
                shown_target(ctx),
                name,
                names[name],
                shown(target.label),
            ))
        names[name] = shown(target.label)
    for attribute in _WITH_KEYS:
        for name in getattr(ctx.attr, attribute):
            if name not in names:
                fail("{}: {} has \"{}\", which is not a name in keys; write one of {}".format(
                    shown_target(ctx),
                    attribute,
                    name,
                    ", ".join(names),
                ))

def _entry(ctx, name, place):
    entry = {"name": name, "public_key_file": place}
    if name in ctx.attr.revoked:
        entry["revoked"] = True
    for attribute, member in [("comments", "comment"), ("not_after", "not_after"), ("not_before", "not_before")]:
        value = getattr(ctx.attr, attribute).get(name)
        if value != None:
            entry[member] = value
    return entry

def _of_attributes(ctx):
    """Writes the attributes as a list; returns its File and the key files."""
    _check_names(ctx)
    if ctx.attr.srcs:
        fail("{}: srcs = {} goes with config; name the files with keys".format(shown_target(ctx), [shown(target.label) for target in ctx.attr.srcs]))
    entries, files = [], []
    for target, name in ctx.attr.keys.items():
        found = public_key_files(ctx, "keys", target)
        if len(found) != 1:
            fail("{}: keys = {} has {} files; name a target with exactly one public key".format(shown_target(ctx), shown(target.label), len(found)))
        entries.append(_entry(ctx, name, _place(found[0].file)))
        files.extend(found)
    listed = ctx.actions.declare_file(ctx.label.name + "_keys.json")
    ctx.actions.write(listed, json.encode_indent({"keys": entries}, indent = "  ") + "\n")
    return listed, files, ""

def _of_config(ctx):
    for attribute in _WITH_KEYS:
        if getattr(ctx.attr, attribute):
            fail("{}: {} goes with keys; write it in {}, or list the keys with keys".format(
                shown_target(ctx),
                attribute,
                shown(ctx.attr.config.label),
            ))
    files = [found for target in ctx.attr.srcs for found in public_key_files(ctx, "srcs", target)]
    return ctx.file.config, files, _place(ctx.file.config)

def _wasm_trusted_keys_impl(ctx):
    source = exactly_one(ctx, ["config", "keys"])
    listed, files, place = _of_config(ctx) if source == "config" else _of_attributes(ctx)
    output = ctx.actions.declare_file(ctx.label.name + "_trusted_keys.json")

    args = params_file_args(ctx, "trusted-keys")
    args.add(listed, format = "--input-file=%s")
    args.add(output, format = "--output-file=%s")
    args.add(place, format = "--place=%s")
    for key in files:
        args.add(_place(key.file), format = "--development-path=%s" if key.development else "--file-path=%s")
        args.add(key.file, format = "--file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {listed: shown_file("config", ctx.attr.config.label, listed) if source == "config" else shown_target(ctx)} |
                 {key.file: shown(key.file.owner) for key in files},
        outputs = [output],
        mnemonic = "WasmTrustedKeys",
        progress = "Checking the trusted keys of",
    )
    return [
        DefaultInfo(files = depset([output]), runfiles = ctx.runfiles([output])),
        WasmTrustedKeysInfo(file = output, names = None if ctx.attr.config else ctx.attr.keys.values()),
    ]

wasm_trusted_keys = rule(
    implementation = _wasm_trusted_keys_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmTrustedKeysInfo],
)
