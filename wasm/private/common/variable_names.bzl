"""What is a name of an environment variable, and what is more likely the secret itself; `tools/wasm_oci/variable_names.py` says the same."""

visibility(["//tests/...", "//wasm/..."])

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
_DIGITS = "0123456789"
_LONGEST = 64

# What tokens begin with, by their issuers' documentation.
_PREFIXES = (
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "dckr_pat_",
    "dckr_oat_",
    "dop_v1_",
    "doo_v1_",
    "dor_v1_",
    "shpat_",
    "shpca_",
    "shppa_",
    "shpss_",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "rk_test_",
    "whsec_",
    "lin_api_",
    "rubygems_",
    "pscale_tkn_",
    "sntrys_",
    "sntryu_",
    "AKCp",
    "eyJ",
)

# Of tokens too, and of names such as npm_token: a token has one part more, with digits or long.
_SHORT_PREFIXES = ("npm_", "hf_", "r8_", "sbp_", "figd_", "nfp_")
_SHORTEST_TOKEN = 13

# Access keys of AWS: 20 upper-case letters and digits.
_ACCESS_KEYS = ("AKIA", "ASIA")
_ACCESS_KEY = 20

# A part of a name that is as long as this is a secret, or may be one.
_LONG_PART = 40
_RANDOM_PART = 20
_CHANGES = 4

def _is_random(part):
    """Whether letters, digits and cases change in a long part as they do in no word."""
    if len(part) < _RANDOM_PART:
        return False
    digits = [letter in _DIGITS for letter in part.elems()]
    changes = len([at for at in range(1, len(digits)) if digits[at] != digits[at - 1]])
    mixed = part != part.lower() and part != part.upper() and any(digits)
    return len(part) >= _LONG_PART or changes >= _CHANGES or mixed

def looks_like_secret(word):
    """Whether a word of letters, digits and underscores is more likely a secret than a name.

    Args:
        word: string.

    Returns:
        bool
    """
    if word.startswith(_PREFIXES) or (word.startswith(_ACCESS_KEYS) and len(word) == _ACCESS_KEY and "_" not in word):
        return True
    for prefix in _SHORT_PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and "_" not in rest and (len(rest) >= _SHORTEST_TOKEN or any([digit in rest for digit in _DIGITS.elems()])):
            return True
    return any([_is_random(part) for part in word.split("_")])

def is_variable_name(text):
    """Whether a text can be the name of an environment variable, and is not more likely a secret.

    Args:
        text: string.

    Returns:
        bool
    """
    if not text or len(text) > _LONGEST or text[0] not in _LETTERS:
        return False
    return not text.strip(_LETTERS + _DIGITS) and not looks_like_secret(text)

def is_encoded_key(text):
    """Whether a text that should say where a key is looks like the key, in base64 or hexadecimal.

    Args:
        text: string.

    Returns:
        bool
    """
    parts = text.rstrip("=").replace("+", "/").split("/")
    if len(text) < 43 or "".join(parts).strip(_LETTERS + _DIGITS):
        return False
    return any([_is_random(part) for part in parts])
