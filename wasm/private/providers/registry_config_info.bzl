"""What a target with a list of registries says about them."""

visibility(["//wasm/..."])

WasmRegistryConfigInfo = provider(
    doc = "Registries that images may be published to, and where their credentials come from.",
    fields = {
        "audit_log": "string: folder of the log that records what is published, on the machine that runs a target; empty for none.",
        "ca_file": "File or None: PEM file of the certificate authorities that are trusted in place of all others at `ca_hosts`.",
        "ca_hosts": "list of string: hosts, with a port or for any, where `ca_file` counts; empty for those of all registries.",
        "cache_dir": "string: folder for what was read by digest, on the machine that runs a target; empty for none.",
        "credential_files": "list of string: further credential files, read when a target is run; absolute, or beginning with `~/`.",
        "default_registry": "string or None: name of the entry that is used where a publish names none.",
        "enable_mirror_fallback": "bool: whether what a registry cannot deliver is read from its mirrors, by digest.",
        "file": "File or None: all of this but `ca_file` and `ca_hosts`, where it is known only when the target is built; the other fields then have their defaults.",
        "list_file": "File: the list as YAML or JSON, in the form of `config`, whichever way it was given; for decisions of policies in the build.",
        "plain_http": "list of string: hosts, with a port or for any, that may be reached without TLS beside loopback ones.",
        "timeout_seconds": "int: longest silence of a registry.",
        "registries": """list of struct, in the user's order, each with the fields
`name` (string), `type` ("oci", "layout", "archive" or "mirror"), `host` (string, empty for a layout or archive), `prefix` (string, repository
prefix or empty), `path` (string, folder of a layout or empty), `mirror_of` (string, name of an entry or empty) and `auth`, a struct with `kind` ("token", "env", "basic",
"oauth", "docker", "anonymous" or "default") and the strings `variable`, `username`, `password_variable`,
`id_variable`, `secret_variable`, each empty where the kind has none. Variables are names: no secret is in here.""",
    },
)
