"""Pure functions over the parts of an image reference; each check returns the text of an error, or None."""

visibility(["//tests/...", "//wasm/..."])

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_ALPHANUMERIC = _LOWER + _LOWER.upper() + _DIGITS
_HEX = _DIGITS + "abcdefABCDEF"
_PATH_LETTERS = _LOWER + _DIGITS

# Docker and others refuse longer names, the host included.
_LONGEST_REPOSITORY = 255
_LONGEST_TAG = 128

def _all_in(text, allowed):
    # A loop over characters would be most of the analysis of an image.
    return not text.strip(allowed)

def _port_is_valid(port):
    return port != "" and len(port) <= 5 and _all_in(port, _DIGITS) and 0 < int(port) and int(port) <= 65535

def _ipv6_is_valid(text):
    groups = text.split(":")
    if len(groups) < 3 or len(groups) > 8 or text.count("::") > 1 or ":::" in text:
        return False
    if len(groups) < 8 and "::" not in text:
        return False
    for group in groups:
        if len(group) > 4 or not _all_in(group, _HEX):
            return False
    return text.startswith("::") == (groups[0] == "") and text.endswith("::") == (groups[-1] == "")

def _domain_is_valid(text):
    for label in text.split("."):
        if not label or label.startswith("-") or label.endswith("-") or not _all_in(label, _ALPHANUMERIC + "-"):
            return False
    return True

def _is_number(label):
    """Whether a label is decimal or hexadecimal, so that a program may read it as part of an address."""
    digits = label[2:] if label[:2] in ("0x", "0X") else label
    return _all_in(digits, _HEX) if digits != label else label != "" and _all_in(label, _DIGITS)

def _ipv4_is_valid(text):
    parts = text.split(".")
    if len(parts) != 4:
        return False
    for part in parts:
        if not part or len(part) > 3 or not _all_in(part, _DIGITS) or int(part) > 255 or (len(part) > 1 and part[0] == "0"):
            return False
    return True

def host_name(host):
    """Returns a host without its port, in lower case; brackets stay."""
    return (host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]).lower()

def host_error(host):
    """Checks a registry's host.

    Args:
        host: string, `host`, `host:port`, `[ipv6]` or `[ipv6]:port`.

    Returns:
        What is wrong and how to write it, or None.
    """
    if "@" in host:
        # What stands before it may be a password, so nothing is repeated.
        return "a host must not hold credentials; write only the host and, if needed, the port"
    if "://" in host:
        return "{} has a scheme; write only the host and, if needed, the port, such as {}".format(
            repr(host),
            repr(host.split("://")[1].split("/")[0]),
        )
    if host.startswith("["):
        address, bracket, rest = host[1:].partition("]")
        name_is_valid = bracket and _ipv6_is_valid(address)
        colon, port = rest[:1], rest[1:]
    else:
        name, colon, port = host.partition(":")
        name_is_valid = _domain_is_valid(name) and (not _is_number(name.split(".")[-1]) or _ipv4_is_valid(name))
    if name_is_valid and (not colon or (colon == ":" and _port_is_valid(port))):
        return None
    return "{} is not a host; write it as host or host:port, such as \"localhost:5000\" or \"ghcr.io\"".format(repr(host))

def bare_host(host):
    """The host of a registry's entry without the scheme that it may begin with."""
    return host.removeprefix("https://").removeprefix("http://")

def looks_like_host(text):
    """Whether a text is a host rather than the name of a registry entry: `localhost`, or with a dot or a port."""
    return (text == "localhost" or "." in text or ":" in text) and host_error(text) == None

def entry_name_error(name):
    """Checks the name of a registry entry; letters, digits, `.`, `_` and `-`."""
    if name and name[0] in _ALPHANUMERIC and _all_in(name, _ALPHANUMERIC + "._-"):
        return None
    return "{} is not a name; use letters, digits, '.', '_' and '-', such as \"github\"".format(repr(name))

def _path_part_is_valid(part):
    """One part between slashes: `[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*`."""
    if part and _all_in(part, _PATH_LETTERS):
        return True
    separator = ""
    previous = ""
    for char in part.elems():
        if char in _PATH_LETTERS:
            separator = ""
        elif char in "._-" and previous:
            separator += char
            if separator not in (".", "_", "__") and separator != "-" * len(separator):
                return False
        else:
            return False
        previous = char
    return previous != "" and separator == ""

def repository_error(repository):
    """Checks a repository, or a prefix of one, by the grammar of the OCI distribution specification."""
    if len(repository) > _LONGEST_REPOSITORY:
        return "{} has {} characters, {} is the most".format(repr(repository), len(repository), _LONGEST_REPOSITORY)
    if repository != repository.lower():
        return "{} has upper-case letters, which registries refuse; write {}".format(
            repr(repository),
            repr(repository.lower()),
        )
    if repository.strip("/") not in ("", repository):
        return "{} is not a repository name: it begins or ends with '/'; write {}".format(repr(repository), repr(repository.strip("/")))
    for part in repository.split("/"):
        if not _path_part_is_valid(part):
            return ("{} is not a repository name; between slashes write lower-case letters and digits, " +
                    "joined by '.', '_', '__' or '-', such as \"examples/hello-oci\"").format(repr(repository))
    return None

def tag_error(tag):
    """Checks a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`."""
    if len(tag) > _LONGEST_TAG:
        return "{} has {} characters, {} is the most".format(repr(tag), len(tag), _LONGEST_TAG)
    if tag and tag[0] in _ALPHANUMERIC + "_" and _all_in(tag, _ALPHANUMERIC + "._-"):
        return None
    hint = ""
    if "+" in tag:
        hint = " (a version with '+' cannot be a tag: write '-' or '_' in its place)"
    elif "{STABLE_" in tag:
        hint = " (a value of the workspace status goes into tag_override or extra_tags of a publish target)"
    return "{} is not a tag; use letters, digits, '_', '.' and '-', not beginning with '.' or '-', such as \"v1.0.0\"{}".format(
        repr(tag),
        hint,
    )

def repository_of(namespace, name):
    """Joins the two parts of a repository; the namespace may be empty."""
    return namespace + "/" + name if namespace else name

def package_path(package_name):
    """What a package is called in its repository: of `namespace:name`, as Wasm packages are named, `namespace/name`, where wkg looks for it."""
    return package_name.replace(":", "/") if package_name.count(":") == 1 else package_name

def is_loopback(host):
    """Whether a host, with a port or without, is this machine: localhost, *.localhost, 127.0.0.0/8 or ::1."""
    name = host_name(host)
    if name.startswith("["):
        start, _colon, last = name[1:-1].rpartition(":")
        return _ipv6_is_valid(name[1:-1]) and not start.strip("0:") and last.lstrip("0") == "1"
    if name.startswith("127."):
        return _ipv4_is_valid(name)
    return name == "localhost" or (name.endswith(".localhost") and _domain_is_valid(name))

def is_named(host, hosts):
    """Whether one of `hosts` is this host; one without a port is the host with any port."""
    return host.lower() in [each.lower() for each in hosts] or host_name(host) in [each.lower() for each in hosts]

def registry_error(registry):
    """Checks what names the registry of an image: the name of an entry, or a host."""
    if "/" in registry and "://" not in registry:
        return "{} holds a path; write only {} here and put the rest before the namespace".format(
            repr(registry),
            repr(registry.split("/")[0]),
        )
    if entry_name_error(registry) == None:
        return None
    return host_error(registry)

def reference_error(registry, namespace, name, tag, attributes = ("registry", "namespace", "package_name", "tag")):
    """Checks all parts of a reference.

    Args:
        registry: string, name of an entry or host.
        namespace: string, may be empty.
        name: string, rest of the repository.
        tag: string.
        attributes: names of the attributes that the four parts come from, for the error.

    Returns:
        `attribute: what is wrong and how to write it`, or None.
    """
    checks = [
        (attributes[0], registry_error(registry)),
        (attributes[1], repository_error(namespace) if namespace else None),
        (attributes[2], repository_error(name)),
        (attributes[1], repository_error(repository_of(namespace, name))),
        (attributes[3], tag_error(tag)),
    ]
    for attribute, error in checks:
        if error:
            return "{}: {}".format(attribute, error)
    return None
