"""`wasmsign2 split`, `sign`, `detach` and `attach`: the commands that write a module."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from wasm_oci.files import open_input
from wasm_oci.keys.key import require_pair
from wasm_oci.outcome import say
from wasm_oci.wasmsign.signature import message
from wasm_oci.wasmsign2.key_arguments import load_public, load_secret, spare_keys
from wasm_oci.wasmsign2.options import Arguments
from wasm_oci.wasmsign2.show import Text, describe_delimiter, describe_sections, describe_signature, numbered

_DELIMITER_SIZE = 16
_KEYS, _OUTPUTS = ("secret-key", "public-key"), ("output-file", "signature-file")


def split(arguments: Arguments) -> Iterator[str]:
    """Writes the output and yields what is printed then; raises Refusal or WasmOciError, as all of these do."""
    from wasm_oci.wasmsign.pattern import SectionPattern
    from wasm_oci.wasmsign.split import split_file

    values, new, verbose = arguments.values, list[bytes](), arguments.verbose
    pattern = SectionPattern(values["split"]) if "split" in values else None
    source = Path(values["input-file"])

    def delimiter(_: int) -> bytes:
        new.append(os.urandom(_DELIMITER_SIZE))
        return new[-1]

    with open_input(source) as before:  # stays readable when the output takes its place
        result = split_file(source, Path(values["output-file"]), pattern, delimiter=delimiter)
        say(*["Module is already signed"] * result.signature_sections)
        added = {index: describe_delimiter((data,), verbose=verbose) for index, data in zip(result.added, new, strict=True)}
        yield "* Split module structure:\n\n"
        yield from numbered(_merged(describe_sections(before, verbose=verbose), added))


def _merged(texts: Iterable[Text], added: dict[int, Iterator[str]]) -> Iterator[Text]:
    """Yields the texts, with the further ones each at its index."""
    index = 0
    for text in texts:
        while index in added:
            yield added[index]
            index += 1
        yield text
        index += 1
    yield from (text for at, text in added.items() if at >= index)


def sign(arguments: Arguments) -> Iterator[str]:
    from wasm_oci.wasmsign.sign import sign_file

    values, ssh = arguments.values, "ssh" in arguments.values
    key, key_id = load_secret(Path(values["secret-key"]), ssh=ssh), None
    if "public-key" in values:
        public = load_public(Path(values["public-key"]), ssh=ssh)
        require_pair(key, public, where=values["public-key"])
        key_id = public.key_id
    named = [[values[option] for option in options if option in values] for options in (_KEYS, _OUTPUTS)]
    spare_keys(*named)
    source, detached = Path(values["input-file"]), values.get("signature-file")
    signature_file = None if detached is None else Path(detached)
    with open_input(source) as before:  # stays readable when the output takes its place
        output = Path(values["output-file"])
        done = sign_file(source, output, key, key_id=key_id, signature_file=signature_file, with_digest=False, as_reference=True)
        say(*["The signature section was not the first module section"] * done.dropped)
        if arguments.debug:
            say(f"Signed {message(done.hashes).hex()}")
        first = () if detached is not None else (describe_signature(done.signature, verbose=arguments.verbose),)
        yield "* Signed module structure:\n\n"
        yield from numbered(chain(first, describe_sections(before, verbose=arguments.verbose, skip_signatures=detached is None)))


def detach(arguments: Arguments) -> Iterator[str]:
    from wasm_oci.wasmsign.detach import detach_file

    source, output, signature = _paths(arguments)
    detach_file(source, output, signature)
    if arguments.debug:
        say("Signature detached")
    yield "Signature is now detached.\n"


def attach(arguments: Arguments) -> Iterator[str]:
    from wasm_oci.wasmsign.detach import attach_file

    source, output, signature = _paths(arguments)
    attach_file(source, output, signature)
    if arguments.debug:
        say("Signature attached")
    yield "Signature is now embedded as a custom section.\n"


def _paths(arguments: Arguments) -> tuple[Path, Path, Path]:
    values = arguments.values
    return Path(values["input-file"]), Path(values["output-file"]), Path(values["signature-file"])
