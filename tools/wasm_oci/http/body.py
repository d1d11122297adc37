"""Bodies of requests and responses: bounded, paced, and decoded where a server compresses although `identity` was asked for
(RFC 9110, section 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager

from wasm_oci.errors import RegistryError
from wasm_oci.http.host import host_of
from wasm_oci.http.pace import Pace
from wasm_oci.limits import LIMITS

_GZIP = ("gzip", "x-gzip")
_GZIP_MAGIC = b"\x1f\x8b"
_SLICE = 64 * 1024
"""What is sent at once: the time limit of a socket counts for each of these."""
_ZIPPED_SLICE = 16 * 1024
"""What is decoded at once: the rest of it is copied at the end of each gzip member, and there may be many small ones."""


def encoding_of(headers: Mapping[str, str]) -> str:
    """Returns the Content-Encoding in lower case; empty for none."""
    found = headers.get("Content-Encoding", "").strip().lower()
    return "" if found == "identity" else found


def too_large(limit: int, *, step: str, url: str) -> RegistryError:
    """Returns the error for a response of more than `limit` bytes."""
    return RegistryError(f"{step}: the response is larger than {limit} bytes", where=host_of(url), reason="limit")


def decoded_body(data: bytes, headers: Mapping[str, str], *, limit: int, step: str, url: str) -> bytes:
    """Returns a small body without its gzip encoding; one that is only labelled as gzip stays as it is.

    Raises RegistryError above `limit` bytes, for gzip that is damaged and for other encodings.
    """
    encoding = encoding_of(headers)
    if not encoding or not data or (encoding in _GZIP and not data.startswith(_GZIP_MAGIC)):
        return data
    found = bytearray()
    for piece in decoded(iter((data,)), encoding, step=step, url=url):
        found += piece
        if len(found) > limit:
            raise too_large(limit, step=step, url=url)
    return bytes(found)


def decoded(pieces: Iterator[bytes], encoding: str, *, step: str, url: str) -> Iterator[bytes]:
    """Yields the content of gzip members.

    Raises RegistryError for damaged ones, for other encodings, and for an encoding much longer than what it encodes: gzip makes
    nothing longer by more than its headers, and endless names or empty members would never come to an end.
    """

    def refused(problem: str) -> RegistryError:
        hint = "check the proxy in front of the registry: nothing but identity was asked for"
        return RegistryError(f"{step}: {problem}", where=host_of(url), hint=hint, reason="encoding")

    if encoding not in _GZIP:
        raise refused("the response has an encoding other than gzip")
    stream, begun, taken, given = zlib.decompressobj(16 + zlib.MAX_WBITS), False, 0, 0
    for part in (piece[start : start + _ZIPPED_SLICE] for piece in pieces for start in range(0, len(piece), _ZIPPED_SLICE)):
        left, taken = part, taken + len(part)
        if taken > 2 * given + LIMITS.chunk:
            raise refused("the response's gzip encoding is longer than its content")
        while left:
            if stream.eof:
                stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                content = stream.decompress(left, LIMITS.chunk)
            except zlib.error as err:
                raise refused("the response is not valid gzip") from err
            begun = True
            left = stream.unused_data if stream.eof else stream.unconsumed_tail
            given += len(content)
            if content:
                yield content
    if begun and not stream.eof:
        raise refused("the response's gzip encoding is cut off")


def paced(pieces: Iterable[bytes], pace: Pace) -> Iterator[memoryview]:
    """Yields a request's body in slices; raises RegistryError where they are taken too slowly."""
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), _SLICE):
            yield view[start : start + _SLICE]
            pace.moved(min(_SLICE, len(view) - start))


@contextmanager
def ending(body: object) -> Iterator[None]:
    """Ends what a request's body is read from with the block: an error of the block would keep it as long as anybody has the error."""
    try:
        yield
    finally:
        if isinstance(body, Generator):
            body.close()
