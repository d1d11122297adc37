"""Parser of entries of policies, `NAME|required|optional[|key_a,key_b]`; pure functions that return (value, error)."""

load("//wasm/private/common:image_ref.bzl", "entry_name_error", "host_error", "repository_error")

visibility(["//tests/...", "//wasm/..."])

_SIGNING = ("required", "optional")
_MOST = 255
_PATH_SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789._-"
_PRINTED = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

def _is_printed(text):
    """Whether a text is ASCII without spaces, and not empty."""
    return text != "" and text.strip(_PRINTED) == ""

def _is_path(text):
    """Whether a text has segments of the signs that repositories have."""
    return all([part != "" and part.strip(_PATH_SIGNS) == "" for part in text.split("/")])

def _pattern_error(text):
    if _is_printed(text) and len(text) <= _MOST:
        if _is_path(text.replace("*", "_").replace("?", "_")):
            return None
        return "no component matches {}; write a name in lower case as in my-org/prod-*, without scheme, port, tag and digest".format(repr(text))
    return "{} is not a pattern; write 1 to 255 ASCII characters without spaces; * stands for any characters".format(repr(text))

def _registry_error(text):
    host, slash, prefix = text.partition("/")
    if (host == "localhost" or "." in host or ":" in host) and (not slash or "" not in prefix.split("/")):
        return host_error(host) or (repository_error(prefix) if slash else None)
    if text == "*" or entry_name_error(text) == None:
        return None
    return "{} is not a registry; write the name of an entry, or a host such as ghcr.io or ghcr.io/my-org".format(repr(text))

def _parse(text, names, target_error):
    fields = text.split("|")
    for index, field in enumerate(fields):
        if index >= len(names):
            return None, "field {}: a rule has at most three; write NAME|required or NAME|optional, and where wanted |key_a,key_b".format(index + 1)
        if not field.strip():
            return None, names[index] + ": is empty; fill it or remove it"
        if field != field.strip():
            return None, names[index] + ": begins or ends with a space; remove the space"
    error = target_error(fields[0])
    if error:
        return None, "{}: {}".format(names[0], error)
    if len(fields) == 1:
        return None, "signing: missing; write required or optional, such as {}".format(repr(text + "|required"))
    if fields[1] not in _SIGNING:
        return None, "signing: unknown word {}; use one of {}".format(repr(fields[1]), ", ".join(_SIGNING))
    keys = fields[2].split(",") if len(fields) > 2 else []
    for key in keys:
        if not _is_printed(key):
            return None, "keys: {} is not the name of a key; write names separated by commas, without spaces".format(repr(key))
    return struct(keys = keys, signing = fields[1], target = fields[0]), None

def parse_component_policy(text):
    """Parses an entry of `component_policies`.

    Args:
        text: string, `PATTERN|required` or `PATTERN|optional`, and where wanted `|key_a,key_b`.

    Returns:
        (struct(target, signing, keys), None), or (None, error that names the field).
    """
    return _parse(text, ("pattern", "signing", "keys"), _pattern_error)

def parse_registry_policy(text):
    """The same for `registry_policies`, whose target is the name of an entry, or a host with or without a prefix."""
    return _parse(text, ("registry", "signing", "keys"), _registry_error)
