"""`wkg_registry_config`: the registries that images are published to."""

load("//wasm/private/common:image_ref.bzl", "host_error")
load("//wasm/private/common:shown.bzl", "shown", "shown_file", "shown_target")
load("//wasm/private/common:tool_action.bzl", "TOOL_ATTRS", "params_file_args", "run_wasm_oci")
load("//wasm/private/providers:registry_config_info.bzl", "WasmRegistryConfigInfo")
load(":paths.bzl", "file_path_error", "folder_path_error")
load(":registry_strings.bzl", "parse_registry_strings")

visibility(["//wasm/..."])

_DOC = """Names registries, and where their credentials come from; it holds no credentials.

Each entry is a string, parsed when the target is analysed:

| entry | credentials |
|---|---|
| `name\\|host` or `name\\|host\\|oci` | those of `docker login` and `podman login` |
| `name\\|host\\|oci\\|docker` | the same, explicitly |
| `name\\|host\\|oci\\|anonymous` | none |
| `name\\|host\\|oci\\|env\\|VARIABLE[\\|user]` | the password, or `user:password`, in that variable when publishing |
| `name\\|host\\|oci\\|token\\|${VARIABLE}[\\|user]` | the same, in the form of rules_wasm_component |
| `name\\|host\\|oci\\|basic\\|user\\|${VARIABLE}` | a user, and the password in that variable |
| `name\\|host\\|oci\\|oauth\\|${ID}\\|${SECRET}` | a client's ID and secret in two variables |
| `name\\|/path/to/dir\\|layout` | none: a folder that becomes an OCI layout |
| `name\\|/path/to/file.tar\\|archive` | none: a tar file of an OCI layout, made or added to |
| `name\\|host\\|mirror\\|entry[\\|…]` | what follows the name of the entry that it is a mirror of, as after `oci` above; see `enable_mirror_fallback` |

`host` may have a port, a repository prefix (`ghcr.io/my-org`), and `https://` in front; a loopback host without it is
plain HTTP, as are those of `plain_http`. A password that is written as it is, and not as `${VARIABLE}`, is an error.

The output `<name>_config.toml` is a configuration of wkg for the same registries: `wkg get --config <name>_config.toml my-org:hello` finds what
an entry of `ghcr.io/my-org` publishes.
"""

_LONGEST_TIMEOUT = 3600
_TIMEOUT = 30

# The attributes that a config has as members, and what they are without it.
_MEMBERS = {
    "audit_log": "",
    "cache_dir": "",
    "credential_files": [],
    "default_registry": "",
    "enable_mirror_fallback": False,
    "plain_http": [],
    "registries": [],
    "timeout_seconds": _TIMEOUT,
}

_ATTRS = {
    "audit_log": attr.string(
        doc = "Folder of a log (`wasm_oci log`) in which every target with this as `registry_config` records what it publishes, promotes and " +
              "refuses; what cannot be recorded is not published. An absolute path, one that begins with `~/` or `$HOME/`, or one below the workspace; " +
              "`wasm_oci log init` makes it. `-- --audit-log DIR` wins. Empty, the default: nothing is recorded. See [the log](../log.md).",
    ),
    "ca_file": attr.label(
        doc = "PEM file of the certificate authorities that are trusted at the hosts of `ca_hosts`, in place of all others, as with `--ca-file`, " +
              "which wins for the hosts that it names. It may stand beside `config`. None by default: see [Credentials](../credentials.md).",
        allow_single_file = True,
    ),
    "ca_hosts": attr.string_list(
        doc = "Hosts where `ca_file` counts, as `host` (any port) or `host:port`. Empty, the default: those of all entries. Name them where only some " +
              "entries have a private authority, or where tokens come from another host.",
    ),
    "cache_dir": attr.string(
        doc = "Folder where what is read by digest is kept, so that `wasm_promote`, and `wasm_oci pull`, `promote` and `archive` with this as " +
              "`--registry-config`, read it from there the next time: manifests and blobs, never credentials or tags. Each is checked against its " +
              "digest, when it is kept and when it is used. A run first removes what was not used for longest, down to 10 GiB. An absolute path, one " +
              "that begins with `~/` or `$HOME/`, or one below the workspace; the folder is new, empty, or such a cache. Empty, the default: nothing is kept.",
    ),
    "config": attr.label(
        doc = "All of this but `ca_file` and `ca_hosts` as a YAML or JSON file, with the names of the other attributes as members; give either it or them. It is checked in the " +
              "build, with the same errors; names of registries that publish targets use are checked when those are run.",
        allow_single_file = [".yaml", ".yml", ".json"],
    ),
    "credential_files": attr.string_list(
        doc = "Paths of files in the form of Docker's `config.json`, such as `/run/secrets/docker.json` or `~/.config/ci/auth.json`. They are read " +
              "when a target is run, after the files that variables name and before those of `docker login` and `podman login`; one that does " +
              "not exist is left out. They are no inputs of the build: neither Bazel nor a cache has them. None by default.",
    ),
    "default_registry": attr.string(
        doc = "Name of the entry that is used for an image whose `registry` is `\"\"`; an image without that attribute names " +
              "`localhost:5000`. Empty, the default, is none.",
    ),
    "enable_mirror_fallback": attr.bool(
        doc = "True: where a registry is not reached, or fails (status 429 or 5xx), what `wasm_promote` and the commands of `cache_dir` read from it by " +
              "digest is read from the mirrors of its entry, in their order, with a warning. The digest says that it is the same. A tag is never " +
              "resolved by a mirror, what a registry refuses or does not have is not looked for elsewhere, and nothing is ever published to a " +
              "mirror. False, the default: mirrors are not used. Without entries of type `mirror` there is none to use.",
    ),
    "plain_http": attr.string_list(
        doc = "Hosts that are reached over plain HTTP, without TLS, as `host` (any port) or `host:port`: registries, and token services " +
              "that are at another host. Credentials are readable on the way, and the plan says so. None by default; loopback " +
              "hosts (`localhost`, `*.localhost`, 127.0.0.0/8, `::1`) need no entry.",
    ),
    "registries": attr.string_list(
        doc = "The entries, in the form above; none by default. Names are unique; two entries may have one host.",
    ),
    "timeout_seconds": attr.int(
        doc = "How long a registry may be silent while it is waited for, from 1 to 3600 seconds; then the request is tried again, or fails. " +
              "30 by default.",
        default = _TIMEOUT,
    ),
} | TOOL_ATTRS

def _check_attributes(ctx):
    """Parses the attributes, or fails."""
    registries, error = parse_registry_strings(ctx.attr.registries, ctx.attr.default_registry, ctx.attr.plain_http)
    if error:
        fail("{}: {}".format(shown_target(ctx), error))
    for index, path in enumerate(ctx.attr.credential_files):
        error = file_path_error(path)
        if error:
            fail("{}: credential_files[{}]: {} {}".format(shown_target(ctx), index, repr(path), error))
    if ctx.attr.timeout_seconds < 1 or ctx.attr.timeout_seconds > _LONGEST_TIMEOUT:
        fail("{}: timeout_seconds = {} is not from 1 to {}; give a number of seconds".format(
            shown_target(ctx),
            ctx.attr.timeout_seconds,
            _LONGEST_TIMEOUT,
        ))
    for attribute in ["audit_log", "cache_dir"]:
        folder = getattr(ctx.attr, attribute)
        error = folder_path_error(folder)
        if error:
            fail("{}: {} = {} {}".format(shown_target(ctx), attribute, repr(folder), error))
    return registries

def _check_authorities(ctx):
    for index, host in enumerate(ctx.attr.ca_hosts):
        error = host_error(host)
        if error:
            fail("{}: ca_hosts[{}]: {}".format(shown_target(ctx), index, error))
    if ctx.attr.ca_hosts and not ctx.file.ca_file:
        fail("{}: ca_hosts = {} has no ca_file; give ca_file, or leave ca_hosts out".format(shown_target(ctx), ctx.attr.ca_hosts))

def _of_attributes(ctx):
    """Writes the attributes as a `config` has them, for the action; returns the file."""
    written = ctx.actions.declare_file(ctx.label.name + "_attributes.json")
    members = {member: getattr(ctx.attr, member) for member in _MEMBERS}
    ctx.actions.write(written, json.encode_indent(members, indent = "  ") + "\n")
    return written

def _check_config(ctx):
    for member, default in _MEMBERS.items():
        if getattr(ctx.attr, member) != default:
            fail("{}: {} goes without config; write it in {}, or leave config out".format(
                shown_target(ctx),
                member,
                shown(ctx.attr.config.label),
            ))

def _wkg_registry_config_impl(ctx):
    config = ctx.file.config
    _check_authorities(ctx)
    if config:
        _check_config(ctx)
    registries = [] if config else _check_attributes(ctx)
    listed = config or _of_attributes(ctx)
    wkg_config = ctx.actions.declare_file(ctx.label.name + "_config.toml")
    normal_form = ctx.actions.declare_file(ctx.label.name + "_registries.json") if config else None
    args = params_file_args(ctx, "registries")
    args.add(listed, format = "--input-file=%s")
    args.add(wkg_config, format = "--wkg-config=%s")
    if normal_form:
        args.add(normal_form, format = "--output-file=%s")
    run_wasm_oci(
        ctx,
        args = args,
        inputs = {listed: shown_file("config", ctx.attr.config.label, config) if config else shown_target(ctx)},
        outputs = [wkg_config] + ([normal_form] if normal_form else []),
        mnemonic = "WkgRegistries",
        progress = "Checking the registries of",
    )
    return [
        DefaultInfo(files = depset([wkg_config])),
        WasmRegistryConfigInfo(
            audit_log = ctx.attr.audit_log,
            ca_file = ctx.file.ca_file,
            ca_hosts = ctx.attr.ca_hosts,
            cache_dir = ctx.attr.cache_dir,
            credential_files = ctx.attr.credential_files,
            default_registry = ctx.attr.default_registry or None,
            enable_mirror_fallback = ctx.attr.enable_mirror_fallback,
            file = normal_form,
            list_file = listed,
            plain_http = ctx.attr.plain_http,
            registries = registries,
            timeout_seconds = ctx.attr.timeout_seconds,
        ),
    ]

wkg_registry_config = rule(
    implementation = _wkg_registry_config_impl,
    doc = _DOC,
    attrs = _ATTRS,
    provides = [WasmRegistryConfigInfo],
)
