"""Which entries of a policy speak about a component in some registries; pure functions, as the program matches."""

visibility(["//tests/...", "//wasm/..."])

def _equal(pattern, text):
    if len(pattern) != len(text):
        return False
    for index in range(len(pattern)):
        if pattern[index] not in ("?", text[index]):
            return False
    return True

def _find(pattern, text, start, end):
    """Where a pattern without `*` matches first, -1 for nowhere."""
    for index in range(start, end - len(pattern) + 1):
        if _equal(pattern, text[index:index + len(pattern)]):
            return index
    return -1

def matches(pattern, text):
    """Whether a pattern matches all of a text: `*` stands for any characters, `?` for one."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return _equal(pattern, text)
    start, end = len(parts[0]), len(text) - len(parts[-1])
    if start > end or not _equal(parts[0], text[:start]) or not _equal(parts[-1], text[end:]):
        return False
    for part in parts[1:-1]:
        found = _find(part, text, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True

def matches_component(pattern, path):
    """Whether a pattern matches a component, whose `path` is namespace and name: only one with `/` is of both."""
    return matches(pattern, path if "/" in pattern else path.split("/")[-1])

def matches_registry(target, registry):
    """Whether an entry of `registry_policies` is about a registry.

    Args:
        target: string, name of an entry, host with or without a prefix, or `*`.
        registry: struct(name, host, prefix).
    """
    place = "/".join([part for part in (registry.host.lower(), registry.prefix) if part])
    host, slash, prefix = target.partition("/")
    return target in ("*", registry.name) or (place + "/").startswith(host.lower() + slash + prefix + "/")

def entries_for(policy, path, registries):
    """The entries that speak about a component in any of some registries.

    Args:
        policy: WasmSecurityPolicyInfo.
        path: string, namespace and name.
        registries: list of struct(name, host, prefix).

    Returns:
        list of (attribute, index, entry)
    """
    found = [
        ("component_policies", index, entry)
        for index, entry in enumerate(policy.component_policies)
        if matches_component(entry.target, path)
    ]
    return found + [
        ("registry_policies", index, entry)
        for index, entry in enumerate(policy.registry_policies)
        if any([matches_registry(entry.target, registry) for registry in registries])
    ]

def requires_signature(policy, path, registries):
    """Whether the attributes of a policy require a signature in any of some registries; the default speaks where no entry does."""
    if any([entry.signing == "required" for _, _, entry in entries_for(policy, path, registries)]):
        return True
    if not policy.default_signing_required:
        return False
    spoken = [entries_for(policy, path, [registry]) for registry in registries or [struct(host = "", name = "", prefix = "")]]
    return not all(spoken)
