"""Entries of policies: read by the tests of Starlark and of Python."""

# Text to what it must give: for whom, whether a signature is required, and by which keys.
GOOD_COMPONENT_POLICIES = {
    "a?b|optional": ("a?b", "optional", []),
    "my-org/*|required": ("my-org/*", "required", []),
    "prod-*|required|release_key,//keys:backup": ("prod-*", "required", ["release_key", "//keys:backup"]),
    "test-*|optional|a": ("test-*", "optional", ["a"]),
}
GOOD_REGISTRY_POLICIES = {
    "*|required": ("*", "required", []),
    "127.0.0.1:5000|optional": ("127.0.0.1:5000", "optional", []),
    "GHCR.io/my-org/apps|required|a": ("GHCR.io/my-org/apps", "required", ["a"]),
    "[::1]:5000|optional": ("[::1]:5000", "optional", []),
    "ghcr.io|required": ("ghcr.io", "required", []),
    "github|required|a,b": ("github", "required", ["a", "b"]),
    "localhost|optional": ("localhost", "optional", []),
}

# Text to the beginning of its error, which names the field.
BAD_COMPONENT_POLICIES = {
    "": "pattern: is empty; ",
    "/hello|required": "pattern: no component matches ",
    "Prod-*|required": "pattern: no component matches ",
    "apps//*|required": "pattern: no component matches ",
    "apps/|required": "pattern: no component matches ",
    "localhost:5000/apps/*|required": "pattern: no component matches ",
    "pr od|required": "pattern: ",
    "prod:1.0|required": "pattern: no component matches ",
    "prod@sha256:ab|required": "pattern: no component matches ",
    "pröd|required": "pattern: ",
    "prod-*": "signing: missing; write required or optional, such as \"prod-*|required\"",
    "prod-*| required": "signing: begins or ends with a space; ",
    "prod-*|required|": "keys: is empty; ",
    "prod-*|required|a b": "keys: \"a b\" is not the name of a key; ",
    "prod-*|required|a,,b": "keys: \"\" is not the name of a key; ",
    "prod-*|required|a, b": "keys: \" b\" is not the name of a key; ",
    "prod-*|required|a|b": "field 4: ",
    "prod-*|requird": "signing: unknown word \"requird\"; use one of required, optional",
    "|required": "pattern: is empty; ",
}
BAD_REGISTRY_POLICIES = {
    "a b|required": "registry: ",
    "ghcr.io/../x|required": "registry: ",
    "ghcr.io/My-Org|required": "registry: ",
    "ghcr.io/my-*|required": "registry: ",
    "ghcr.io//x|required": "registry: ",
    "ghcr.io/*|required": "registry: ",
    "ghcr.io/my-org/*|required": "registry: ",
    "ghcr.io/my-org/hello:1.0|required": "registry: ",
    "ghcr.io/my-org@sha256:ab|required": "registry: ",
    "ghcr.io:x|required": "registry: ",
    "github": "signing: missing; write required or optional, such as \"github|required\"",
    "github/x|required": "registry: ",
    "github|never": "signing: unknown word \"never\"; use one of required, optional",
    "http://ghcr.io|required": "registry: ",
    "me:secret@ghcr.io|required": "registry: ",
}

# Pattern, and namespace and name, to whether they match.
PATTERNS = {
    ("*", "apps/hello"): True,
    ("**l*o", "apps/hello"): True,
    ("a*b*c", "x/abc"): True,
    ("a*b*c", "x/acb"): False,
    ("ab*ba", "aba"): False,
    ("apps/*", "apps/hello"): True,
    ("apps/*", "apps/more/hello"): True,
    ("h?llo", "apps/hello"): True,
    ("h?llo", "apps/hllo"): False,
    ("hello", "apps/hello"): True,
    ("hello", "apps/hello2"): False,
    ("other/*", "apps/hello"): False,
    ("prod-*", "prod-x"): True,
    ("prod-*", "test/reprod-x"): False,
    ("x*?e?l*", "xabcdeelm"): True,
}

# Registry of a rule, and name, host and prefix of a registry, to whether they match.
REGISTRIES = {
    ("*", "", "", ""): True,
    ("GHCR.io", "", "ghcr.io", ""): True,
    ("ghcr.io", "github", "ghcr.io", "my-org"): True,
    ("ghcr.io", "github", "ghcr.io:5000", ""): False,
    ("ghcr.io/my", "github", "ghcr.io", "my-org"): False,
    ("ghcr.io/my-org", "github", "ghcr.io", ""): False,
    ("ghcr.io/my-org", "github", "ghcr.io", "my-org/apps"): True,
    ("github", "", "ghcr.io", ""): False,
    ("github", "github", "ghcr.io", ""): True,
}
