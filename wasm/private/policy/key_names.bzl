"""Which key a name in a rule means: by the name of its target, or by its label."""

load("//wasm/private/common:nearest.bzl", "nearest")
load("//wasm/private/common:shown.bzl", "shown")

visibility(["//wasm/..."])

def named_key(key, label):
    """A key with the names that rules may use.

    Args:
        key: WasmKeyInfo.
        label: Label of its target.

    Returns:
        struct(name string, label string, key WasmKeyInfo)
    """
    return struct(key = key, label = shown(label), name = label.name)

def signer_keys(image):
    """The keys that signed an image, or will, with the names of their targets.

    Args:
        image: WasmOciImageInfo.

    Returns:
        list of struct, as named_key gives them
    """
    return [named_key(key, key.label or key.public_key.owner) for key in image.signers]

def names_of_keys(keys):
    """All names of keys.

    Args:
        keys: list of struct, as named_key gives them.

    Returns:
        (dict from name to label, None), or (None, error for one name of two keys).
    """
    names, files = {}, {}
    for each in keys:
        for name in (each.name, each.label):
            if files.setdefault(name, each.key.public_key) != each.key.public_key:
                return None, "\"{}\" is the name of {} and of {}; rename one of them".format(name, names[name], each.label)
            names[name] = each.label
    return names, None

def _unknown_key(entry, known, signers):
    """The name in an entry that no key has, None where there is none.

    Without trusted keys only those of signers are known, and one that signed is enough.
    """
    unknown = [name for name in entry.keys if name not in known and name not in signers]
    return unknown[0] if unknown and (known or len(unknown) == len(entry.keys)) else None

def key_error(policy, entries, signers):
    """Says which name of a key in some entries of a policy is not known where the policy is used.

    Args:
        policy: WasmSecurityPolicyInfo.
        entries: list of (attribute, index, entry), those that speak there.
        signers: list of struct, as named_key gives them, of the keys that sign there.

    Returns:
        string, or None
    """
    names, error = names_of_keys(policy.keys + signers)
    if error:
        return error
    if policy.key_names == None:
        return None
    for attribute, index, entry in entries:
        unknown = _unknown_key(entry, policy.key_names, [name for each in signers for name in (each.name, each.label)])
        if unknown:
            known = names.keys() + [name for name in policy.key_names if name not in names]
            near = nearest(unknown, known)
            return "{}[{}] names the key \"{}\", which is neither in trusted_keys nor signs here; {}".format(
                attribute,
                index,
                unknown,
                "did you mean \"{}\"?".format(near) if near else "add its target to trusted_keys",
            )
    return None
