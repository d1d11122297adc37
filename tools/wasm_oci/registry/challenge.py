"""The WWW-Authenticate header (RFC 9110, section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from wasm_oci.limits import LIMITS

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"""[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))""")
_TOKEN68 = re.compile(r"[ \t]+[0-9A-Za-z._~+/-]+=*[ \t]*(?=,|$)")
_SEPARATORS = re.compile(r"[ \t,]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One challenge: `scheme` and the keys of `parameters` are in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """Returns the challenges of a header (several lines joined by commas); what follows garbage is ignored.

    Of a parameter that comes twice in one challenge the first counts.
    """
    header = header[: LIMITS.challenge]
    found: list[tuple[str, dict[str, str]]] = []
    position = 0
    while True:
        separators = _SEPARATORS.match(header, position)
        position = separators.end() if separators else position
        name = _TOKEN.match(header, position)
        if name is None:
            break
        position = name.end()
        value = _VALUE.match(header, position)
        if value is None:
            found.append((name.group().lower(), {}))
            opaque = _TOKEN68.match(header, position)
            position = opaque.end() if opaque else position
        elif found:
            quoted, plain = value.groups()
            found[-1][1].setdefault(name.group().lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
            position = value.end()
        else:
            break
    return tuple(Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found)
