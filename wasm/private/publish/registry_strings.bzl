"""Parser of registry strings, `name|host[|type[|auth[|data…]]]` and `name|host|mirror|of[|auth…]`; pure functions that return (value, error).

An error names the entry and the field. It never repeats a field that may hold a secret.
"""

load(
    "//wasm/private/common:image_ref.bzl",
    "entry_name_error",
    "host_error",
    "is_loopback",
    "is_named",
    "looks_like_host",
    "repository_error",
)
load("//wasm/private/common:variable_names.bzl", "is_variable_name", "looks_like_secret")

visibility(["//tests/...", "//wasm/..."])

_TYPES = ("oci", "layout", "archive", "mirror")
_FIELDS = ("name", "host", "type", "auth")
_MIRROR_FIELDS = ("name", "host", "type", "of", "auth")
_AUTH_FORMS = {
    "anonymous": "anonymous",
    "basic": "basic|USER|${VARIABLE}",
    "docker": "docker",
    "env": "env|VARIABLE[|USER]",
    "oauth": "oauth|${ID_VARIABLE}|${SECRET_VARIABLE}",
    "token": "token|${VARIABLE}[|USER]",
}
_LOWER = "abcdefghijklmnopqrstuvwxyz_"

def _quoted(field):
    """` "field"`, or nothing for what may be a secret in the wrong place: only short words are repeated."""
    is_word = len(field) <= 8 and not field.strip(_LOWER)
    return " " + repr(field) if is_word or len(field) <= 3 else ""

def _auth(kind, variable = "", username = "", password_variable = "", id_variable = "", secret_variable = ""):
    return struct(
        id_variable = id_variable,
        kind = kind,
        password_variable = password_variable,
        secret_variable = secret_variable,
        username = username,
        variable = variable,
    )

def _reference_to(text, field):
    """Name of the variable in `${NAME}`."""
    if text.startswith("${") and text.endswith("}") and is_variable_name(text[2:-1]):
        return text[2:-1], None
    what = "{} is a literal value (not shown)"
    if text.startswith("${") and text.endswith("}"):
        what = "{}: the text in ${{}} is not the name of a variable, or looks like a secret (not shown)"
    return None, (what + "; secrets in BUILD files are readable by everyone. " +
                  "Write ${{VARIABLE}} and set that variable when publishing").format(field)

def _user(text):
    if not text or "$" in text or ":" in text:
        return None, "user must be a plain name, without '$' and ':'"
    if looks_like_secret(text):
        return None, "user looks like a secret (not shown); write the name of the user"
    return text, None

def _variable_auth(kind, data):
    if kind == "token":
        variable, error = _reference_to(data[0], "token")
    elif is_variable_name(data[0]):
        variable, error = data[0], None
    else:
        variable, error = None, "env takes the name of a variable, such as env|GITHUB_TOKEN, neither its value (which this looks like) nor ${NAME}"
    if error:
        return None, error
    username = ""
    if len(data) > 1:
        username, error = _user(data[1])
        if error:
            return None, error
    return _auth(kind, variable = variable, username = username), None

def _basic_auth(data):
    username, error = _user(data[0])
    if error:
        return None, error
    variable, error = _reference_to(data[1], "password")
    if error:
        return None, error
    return _auth("basic", password_variable = variable, username = username), None

def _oauth_auth(data):
    id_variable, error = _reference_to(data[0], "id")
    if error:
        return None, error
    secret_variable, error = _reference_to(data[1], "secret")
    if error:
        return None, error
    return _auth("oauth", id_variable = id_variable, secret_variable = secret_variable), None

def _parse_auth(fields):
    if not fields:
        return _auth("default"), None
    kind, data = fields[0], fields[1:]
    if kind not in _AUTH_FORMS:
        return None, "unknown kind{}; use one of {}".format(_quoted(kind), ", ".join(_AUTH_FORMS.keys()))
    form = _AUTH_FORMS[kind]
    most = form.count("|")
    least = most - form.count("[")
    if len(data) < least or len(data) > most:
        return None, "{} has {} further field{}; write {}".format(kind, len(data), "" if len(data) == 1 else "s", form)
    if kind in ("token", "env"):
        value, error = _variable_auth(kind, data)
    elif kind == "basic":
        value, error = _basic_auth(data)
    elif kind == "oauth":
        value, error = _oauth_auth(data)
    else:
        value, error = _auth(kind), None
    if error:
        return None, error + "; the form is " + form
    return value, None

def _parse_layout(name, path, rest, _plain_http, kind = "layout"):
    windows = len(path) > 2 and path[1] == ":" and path[2] in "\\/"
    if not path.startswith("/") and not windows:
        return None, "host: {} must be an absolute path, for the type is {}".format(repr(path), kind)
    if kind == "archive" and not path.endswith(".tar"):
        return None, "host: {} does not end with .tar; write an archive that is not compressed as NAME.tar".format(repr(path))
    if rest:
        return None, "auth: the {} is on this machine and takes no credentials; remove what follows {}".format(kind, kind)
    return struct(auth = _auth("anonymous"), host = "", mirror_of = "", name = name, path = path, prefix = "", type = kind), None

def _parse_archive(name, path, rest, plain_http):
    return _parse_layout(name, path, rest, plain_http, kind = "archive")

def _parse_mirror(name, location, rest, plain_http):
    if not rest:
        return None, "of: missing; write {}, with the name of the entry".format(repr("|".join([name, location, "mirror", "ENTRY"])))
    if entry_name_error(rest[0]):
        return None, "of: this is not the name of an entry; write that of the registry that this is a mirror of"
    return _parse_oci(name, location, rest[1:], plain_http, kind = "mirror", mirror_of = rest[0])

def _parse_oci(name, location, rest, plain_http, kind = "oci", mirror_of = ""):
    if location.startswith("/"):
        return None, "host: {} is a folder; write {} for an OCI layout there".format(repr(location), repr("|".join([name, location, "layout"])))
    scheme = [prefix for prefix in ("https://", "http://") if location.startswith(prefix)]
    host, slash, prefix = location.removeprefix("".join(scheme)).partition("/")
    error = host_error(host)
    if not error and not looks_like_host(host):
        error = "{} has neither a domain nor a port, and would be another registry's repository; write {}".format(repr(host), repr(host + ":443"))
    if not error and location.endswith("/"):
        error = "{} ends with '/'; write {}".format(repr(location), repr(location.rstrip("/")))
    if not error and slash:
        error = repository_error(prefix)
    named = is_named(host, plain_http)
    if not error and scheme == ["http://"] and not is_loopback(host) and not named:
        error = "{} is not this machine, and plain http would show credentials on the way; write {}, or add it to plain_http".format(repr(host), repr(host))
    if not error and scheme == ["https://"] and named:
        error = "{} is in plain_http too; remove https://, or take the host out of plain_http".format(repr(host))
    if error:
        return None, "host: " + error
    auth, error = _parse_auth(rest)
    if error:
        return None, "auth: " + error
    if named:
        scheme = []
    return struct(auth = auth, host = "".join(scheme) + host, mirror_of = mirror_of, name = name, path = "", prefix = prefix, type = kind), None

_PARSERS = {"archive": _parse_archive, "layout": _parse_layout, "mirror": _parse_mirror, "oci": _parse_oci}

def parse_registry_string(text, plain_http = []):
    """Parses one entry.

    Args:
        plain_http: list of strings, hosts that may be reached without TLS.
        text: string, `name|[https://]host[/prefix][|oci[|auth[|data…]]]`, the same with `|mirror|of` in place of `|oci`, `name|/path|layout` or `name|/path.tar|archive`.

    Returns:
        (struct as in WasmRegistryConfigInfo.registries, None), or (None, `field: what is wrong and how to write it`).
    """
    fields = text.split("|")
    name = fields[0]
    if text and len(fields) < 2:
        return None, "host: missing; write name|host, such as \"github|ghcr.io\""
    error = entry_name_error(name)
    if error:
        return None, "name: " + error
    for index, field in enumerate(fields):
        if field != field.strip() or not field:
            labels = _MIRROR_FIELDS if fields[2:3] == ["mirror"] else _FIELDS
            label = labels[index] if index < len(labels) else "data (field {})".format(index + 1)
            return None, label + (": is empty" if not field.strip() else ": begins or ends with a space") + "; fill it or remove it"
    kind = fields[2] if len(fields) > 2 else "oci"
    if kind not in _TYPES:
        return None, "type: unknown type{}; use one of {}".format(_quoted(kind), ", ".join(_TYPES))
    return _PARSERS[kind](name, fields[1], fields[3:], plain_http)

def _mirrors_error(entries):
    """Says which mirror is one of nothing, or returns None."""
    hosts = [entry.name for entry in entries if entry.type == "oci"]
    for index, entry in enumerate(entries):
        if entry.mirror_of and entry.mirror_of not in hosts:
            return "registries[{}] ({}): of: names no registry among the entries; {}".format(
                index,
                repr(entry.name),
                "write one of " + ", ".join(hosts) if hosts else "add the entry of the registry",
            )
    return None

def parse_registry_strings(registries, default_registry = "", plain_http = []):
    """Parses all entries and checks that names are unique, and that the default and what mirrors are of are among them.

    Args:
        registries: list of strings.
        default_registry: string, name of an entry or empty.
        plain_http: list of strings, hosts that may be reached without TLS.

    Returns:
        (list of struct, None), or (None, error with the attribute, the entry and the field).
    """
    for index, host in enumerate(plain_http):
        error = host_error(host)
        if error:
            return None, "plain_http[{}]: {}".format(index, error)
    entries = []
    position = {}
    for index, text in enumerate(registries):
        name, bar, _rest = text.partition("|")
        entry, error = parse_registry_string(text, plain_http)
        if error:
            # Without a bar the text need not be a name, and may be a secret.
            return None, "registries[{}]{}: {}".format(index, " ({})".format(repr(name)) if bar else "", error)
        if name in position:
            return None, "registries[{}] ({}): name: already used by registries[{}]; give each entry its own".format(
                index,
                repr(name),
                position[name],
            )
        position[name] = index
        entries.append(entry)
    error = _mirrors_error(entries)
    if error:
        return None, error
    published = [entry.name for entry in entries if entry.type != "mirror"]
    if default_registry and default_registry not in published:
        return None, "default_registry: {} is not among the registries ({}); write the name of one, or add the entry".format(
            repr(default_registry),
            ", ".join(published) or "there are none",
        )
    return entries, None
