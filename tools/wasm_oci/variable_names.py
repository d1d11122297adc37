"""What is a name of an environment variable, and what is more likely the secret itself.

`wasm/private/common/variable_names.bzl` says the same to builds; tests/testdata has the cases of both.
"""

from __future__ import annotations

from itertools import pairwise

_LONGEST = 64
_PREFIXES = (
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "dckr_pat_", "dckr_oat_", "dop_v1_", "doo_v1_", "dor_v1_"),
    *("shpat_", "shpca_", "shppa_", "shpss_", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "lin_api_", "rubygems_"),
    *("pscale_tkn_", "sntrys_", "sntryu_", "AKCp", "eyJ"),
)
"""What tokens begin with, by their issuers' documentation."""
_SHORT_PREFIXES = ("npm_", "hf_", "r8_", "sbp_", "figd_", "nfp_")
"""Of tokens too, and of names such as npm_token: a token has one part more, with digits or long."""
_SHORTEST_TOKEN = 13
_ACCESS_KEYS = ("AKIA", "ASIA")
"""Access keys of AWS: 20 upper-case letters and digits."""
_ACCESS_KEY = 20
_LONG_PART = 40
"""A part of a name that is as long as this is a secret, or may be one."""
_RANDOM_PART = 20
_CHANGES = 4


def looks_like_secret(word: str) -> bool:
    """Tells whether a word of letters, digits and underscores is more likely a secret than a name."""
    if word.startswith(_PREFIXES) or (word.startswith(_ACCESS_KEYS) and len(word) == _ACCESS_KEY and "_" not in word):
        return True
    for prefix in _SHORT_PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and "_" not in rest and (len(rest) >= _SHORTEST_TOKEN or any(map(str.isdigit, rest))):
            return True
    return any(_is_random(part) for part in word.split("_"))


def is_variable_name(text: str) -> bool:
    """Tells whether a text can be the name of a variable, and is not more likely a secret that is in its place by mistake."""
    if not text or len(text) > _LONGEST or not text.isascii() or text[0].isdigit():
        return False
    return text.replace("_", "a").isalnum() and not looks_like_secret(text)


def _is_random(part: str) -> bool:
    """Tells whether letters, digits and cases change in a long part as they do in no word."""
    if len(part) < _RANDOM_PART:
        return False
    digits = [character.isdigit() for character in part]
    changes = sum(one != other for one, other in pairwise(digits))
    mixed = part != part.lower() and part != part.upper() and any(digits)
    return len(part) >= _LONG_PART or changes >= _CHANGES or mixed
