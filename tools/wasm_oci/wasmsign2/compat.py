"""How `wasmsign2 --compat` verifies: as the published program, although that proves less than it seems to.

Any signed hash will do for any place, and in part hashes are looked at only at delimiters. Nothing but the commands of
`wasmsign2` may use this.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from wasm_oci.files import open_input
from wasm_oci.keys.key import PublicKey
from wasm_oci.wasm.rewrite import NOWHERE, SectionWriter
from wasm_oci.wasm.sections import DELIMITER_NAME, SeekingSource, walk
from wasm_oci.wasmsign.hashing import HashingSource
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign2 import texts
from wasm_oci.wasmsign2.payload import read_signatures, valid_hashes


def verify_as_published(path: Path, key: PublicKey, signature: bytes | None, pattern: SectionPattern | None) -> None:
    """Raises Refusal where the published program would refuse, FormatError or UsageError for unusable files."""
    with open_input(path) as stream:
        data, start = read_signatures(stream, signature)
        valid = valid_hashes(data, key)
        if not valid:
            raise texts.Refusal(texts.NOT_VALID)
        if pattern is not None:
            if any(seen not in valid for seen in _seen(stream, start, pattern)):
                raise texts.Refusal(texts.NOT_VALID_IN_PART)
            return
        source = HashingSource(stream, start)
        if source.hash_up_to(source.total) not in valid:
            raise texts.Refusal(texts.NOT_VALID)


def matrix_as_published(path: Path, keys: Sequence[PublicKey], pattern: SectionPattern | None) -> list[PublicKey]:
    """Returns the keys that the published program calls valid, in the given order; raises as `verify_as_published`."""
    with open_input(path) as stream:
        data, start = read_signatures(stream, None)
        valid = {key: hashes for key in keys if (hashes := valid_hashes(data, key))}
        if not valid:
            raise texts.Refusal(texts.NOT_VALID)
        seen = list(_seen(stream, start, pattern))
    return [key for key, hashes in valid.items() if all(one in hashes for one in seen)]


def _seen(stream: BinaryIO, start: int, pattern: SectionPattern | None) -> Iterator[bytes]:
    """Yields the hash at each delimiter that the pattern is about, and no hash where a part is only half of them."""
    writer, state = SectionWriter(stream, NOWHERE, "", start=start, with_signatures=True), None
    for head in walk(SeekingSource(stream), start, every=True):
        writer.copy(head)
        if head.name == DELIMITER_NAME:
            if state is not False:
                yield writer.hashes[-1]
            state = None
            continue
        matches = pattern is None or pattern.matches(head.name)
        state = matches if state is None else state
        if state is not matches:
            yield b""
