"""`wasmsign2 verify` and `wasmsign2 verify_matrix`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wasm_oci.errors import FormatError, SignatureError, UsageError
from wasm_oci.files import open_input, read_bounded
from wasm_oci.keys.key import PublicKey
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.pattern import SectionPattern
from wasm_oci.wasmsign.verify import verify_file
from wasm_oci.wasmsign2 import texts
from wasm_oci.wasmsign2.github import fetch_keys
from wasm_oci.wasmsign2.key_arguments import load_public, load_public_set, parse_public, parse_public_set
from wasm_oci.wasmsign2.options import Arguments
from wasm_oci.wasmsign2.payload import read_signatures, valid_hashes

_IN_PART = frozenset({"content_changed", "not_split"})


def verify(arguments: Arguments) -> str:
    """Returns what is printed; raises Refusal or WasmOciError."""
    values, pattern, signature = arguments.values, _pattern(arguments), None
    if "from-github" in values:
        key = parse_public(fetch_keys(values["from-github"]))
    elif "public-key" in values:
        key = load_public(Path(values["public-key"]), ssh="ssh" in values)
    else:
        raise texts.Refusal("Usage error: Missing public key file")
    source = Path(values["input-file"])
    if "signature-file" in values:
        signature = read_bounded(Path(values["signature-file"]), LIMITS.signature_section, what="signature file")
    try:
        verify_file(source, (key,), signature=signature, pattern=pattern, skip_unknown_algorithms=True)
    except SignatureError as err:
        raise texts.Refusal(_why(arguments, err, (key,), signature, in_part=pattern is not None)[0]) from err
    return "Signature is valid.\n"


def verify_matrix(arguments: Arguments) -> str:
    """Returns what is printed: the keys in the order in which they were given. Raises Refusal or WasmOciError."""
    values, pattern = arguments.values, _pattern(arguments)
    if "from-github" in values:
        keys = parse_public_set(fetch_keys(values["from-github"]))
    elif "public-keys" in values:
        keys = load_public_set(arguments.many["public-keys"], ssh="ssh" in values)
    else:
        raise texts.Refusal("Usage error: Missing public key files")
    source = Path(values["input-file"])
    if not keys:
        with open_input(source) as stream:
            read_signatures(stream, None)
        raise texts.Refusal(texts.NOT_VALID)
    try:
        return _list(verify_file(source, keys, pattern=pattern, skip_unknown_algorithms=True).keys)
    except SignatureError as err:
        text, signed = _why(arguments, err, keys, None, in_part=True)
        if signed and err.reason == "content_changed":
            return _list(())
        raise texts.Refusal(text) from err


def _pattern(arguments: Arguments) -> SectionPattern | None:
    return SectionPattern(arguments.values["split"]) if "split" in arguments.values else None


def _list(keys: Sequence[PublicKey]) -> str:
    if not keys:
        return "No valid public keys found\n"
    lines = (f'  - PublicKey {{ [{key.raw.hex()}] - key_id: Some("[{key.key_id.hex()}]") }}\n' for key in keys)
    return "Valid public keys:\n" + "".join(lines)


def _why(
    arguments: Arguments, error: SignatureError, keys: Sequence[PublicKey], signature: bytes | None, *, in_part: bool
) -> tuple[str, bool]:
    """Returns what the published program says first about a file that did not verify, and whether a key signed anything."""
    try:
        with open_input(Path(arguments.values["input-file"])) as stream:
            data, _ = read_signatures(stream, signature)
            signed = bool([key for key in keys if valid_hashes(data, key)])
    except texts.Refusal as err:
        return str(err), False
    except (FormatError, UsageError) as err:
        return texts.text_of(err), False
    if in_part and signed:
        if error.reason in _IN_PART:
            return texts.NOT_VALID_IN_PART, True
        if isinstance(error.__cause__, FormatError) and error.reason == "malformed_module":
            return texts.text_of(error.__cause__), True
    return texts.NOT_VALID, signed
