"""The secrets that this process sent to somebody, so that whatever comes back and is shown does not show them.

A registry, its token service or a proxy may repeat a credential anywhere: in an error's text, a Location, a header, a media type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SHORTEST = 3
"""A shorter password is not searched for in errors: every text would hold it."""
SHORTEST_IN_RESULTS = 12
"""Results are read by programs, so that a password which is a common word must not change them; tokens are longer."""
_PREFIX = 8
"""That much of a longer secret is recognised where a text is cut off, as a media type of any length is in a message."""
_CUT = re.compile("$|\\u2026|\\.\\.\\.|['\"]")
"""What follows where a text is cut off: elsewhere a part of a secret stays, because words and hosts begin like many a password."""
_KEPT_IN_URLS = ("/", "", "$&+=:@", "$&+,;=", "$&+,/:;=@", "!'()*", "!#$&'()*+,/:;=?@")
"""What is not percent-encoded: by `quote`, by Go in a segment, a user and a path, and by JavaScript in a component and a URL."""
_MASK = "***"
_DIGEST = re.compile("sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
"""A password that is no longer than a word is in some digests by chance: what was compared is shown as it is."""

_sent: set[str] = set()


def conceal(*secrets: str) -> None:
    """Remembers what must not be shown: each secret as it is, and as `_spellings` has it."""
    for secret in secrets:
        if len(secret) >= SHORTEST:
            _sent.update(_lower(spelling) for spelling in _spellings(secret))


def _spellings(secret: str) -> Iterator[str]:
    """Yields a secret as it is, in JSON (RFC 8259, section 7), HTML, percent-encoded (RFC 3986, section 2.1), hexadecimal and base64.

    Each as common languages write it: Go escapes `&<>` in JSON, PHP `/`, Python prints `repr`; which characters of a URL
    stay differs. The last character of base64 is left out where it depends on what follows the secret.
    """
    import base64  # none of these is for --help
    import json
    from html import escape
    from urllib.parse import quote, quote_plus

    yield from (secret, repr(secret)[1:-1], secret.replace("\\", "\\\\").replace("'", "\\'"))
    for text in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (text, text.replace("/", "\\/"), text.translate({ord(each): f"\\u{ord(each):04x}" for each in "&<>"}))
    page = escape(secret)
    yield from (
        page,
        page.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        page.replace("&#x27;", "&#39;"),
        escape(secret, quote=False),
    )
    data = secret.encode("utf-8", "surrogatepass")
    yield from (quote_plus(data), data.hex(), *(quote(data, safe=kept) for kept in _KEPT_IN_URLS))
    whole = len(data) * 8 // 6
    yield from (encode(data).decode()[:whole] for encode in (base64.b64encode, base64.urlsafe_b64encode))


def redacted(text: str) -> str:
    """Returns a message with `***` for each secret, whole or at a cut, in any case.

    First the whole ones: a secret with a quotation mark in it looks cut off there, as another spelling of it begins alike.
    """
    for cut in (False, True):
        for secret in sorted(_sent, key=len, reverse=True):
            text = _without(text, secret, cut=cut)
    return text


def redacted_result(text: str) -> str:
    """Returns a result with `***` for each whole secret of at least `SHORTEST_IN_RESULTS` characters, in any case."""
    for secret in sorted(_sent, key=len, reverse=True):
        text = _without(text, secret) if len(secret) >= SHORTEST_IN_RESULTS else text
    return text


def redacted_document(document: dict[str, Any]) -> dict[str, Any]:
    """Returns a result for JSON with `redacted_result` of each text in it, so that no secret can change what is no text."""
    if not _sent:
        return document
    return {redacted_result(name): _redacted_value(value) for name, value in document.items()}


def _redacted_value(value: object) -> object:
    if isinstance(value, dict):
        return redacted_document(value)
    if isinstance(value, list | tuple):
        return [_redacted_value(each) for each in value]
    return redacted_result(value) if isinstance(value, str) else value


def _lower(text: str) -> str:
    """Returns `text` in lower case, with as many characters."""
    return text.lower() if text.isascii() else "".join(each.lower() if len(each.lower()) == 1 else each for each in text)


def _without(text: str, secret: str, *, cut: bool = False) -> str:
    lower = _lower(text)
    digests = [match.span() for match in _DIGEST.finditer(text)] if len(secret) < SHORTEST_IN_RESULTS else []
    start = secret[:_PREFIX] if cut else secret
    kept, position, search = "", 0, 0
    while (found := lower.find(start, search)) >= 0:
        end, search = found + len(start), found + 1
        while end < len(lower) and end - found < len(secret) and lower[end] == secret[end - found]:
            end += 1
        whole = end - found == len(secret)
        if any(first <= found and end <= last for first, last in digests) or not (whole or _CUT.match(lower, end)):
            continue
        kept += text[position:found] + _MASK
        position = search = end
    return kept + text[position:]
