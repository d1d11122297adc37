"""What the headers of a response say of its content (RFC 9110, sections 5.6.6, 8.3 and 8.6); nothing where they are malformed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from wasm_oci.http.body import encoding_of
from wasm_oci.oci.descriptor import is_media_type

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105 - a grammar, not a secret
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'
_CONTENT_TYPE = re.compile(rf"[ \t]*+({_TOKEN}/{_TOKEN})(?:[ \t]*+;[ \t]*+(?:{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))?+)*+[ \t]*+")
"""Possessive throughout, so that a long header takes linear time."""
_SIZE = re.compile(r"[0-9]{1,18}")


def media_type_of(headers: Mapping[str, str]) -> str:
    """Returns the media type in lower case and without its parameters, empty where Content-Type is absent or malformed."""
    found = _CONTENT_TYPE.fullmatch(headers.get("Content-Type", ""))
    return found[1].lower() if found and is_media_type(found[1]) else ""


def size_of(headers: Mapping[str, str]) -> int | None:
    """Returns the size of the content, None where Content-Length is absent or malformed, or counts the bytes of an encoding."""
    return None if encoding_of(headers) else parse_size(headers.get("Content-Length", ""))


def parse_size(text: str) -> int | None:
    """Returns a number of bytes in ASCII digits; None for anything else, and for a number that no content can have."""
    return int(text) if _SIZE.fullmatch(text) else None
