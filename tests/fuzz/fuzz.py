"""Coverage-guided fuzzing of everything that reads bytes from outside (atheris, on libFuzzer).

    fuzz.py TARGET CORPUS [LIBFUZZER_OPTIONS]

A target ends its run with a crash where anything but a WasmOciError leaves the code, or where its property does not hold.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["wasm_oci"]):
    from wasm_oci.errors import WasmOciError
    from wasm_oci.oci.component import read_wasm_stream
    from wasm_oci.wasmsign.keys import PublicKey, SecretKey, parse_public_keys, parse_secret_key
    from wasm_oci.wasmsign.sections import DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
    from wasm_oci.wasmsign.sign import sign_file
    from wasm_oci.wasmsign.signature import parse_as_reference, parse_signature
    from wasm_oci.wasmsign.verify import verify_file

# The first key of the format's test vectors: the corpus is signed with it.
KEY = SecretKey(
    seed=bytes(range(0x20)),
    public=PublicKey(raw=bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")),
)
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz."))


def signature(data: bytes) -> None:
    """A payload that is read strictly is its own encoding; and the lax reader takes whatever the strict one takes."""
    with suppress(WasmOciError):
        parse_as_reference(data)
    with suppress(WasmOciError):
        parsed = parse_signature(data)
        assert parsed.encode() == data
        parse_as_reference(data)


def sections(data: bytes) -> None:
    """The fast walk and the careful walk say the same, errors included."""

    def walked(*, every: bool) -> object:
        stream = BytesIO(data)
        try:
            read_preamble(stream)
            found = list(walk(SeekingSource(stream), PREAMBLE_SIZE, every=every))
        except WasmOciError as err:
            return str(err)
        return [head for head in found if head.name in (SIGNATURE_NAME, DELIMITER_NAME) or head.minimal() is not None]

    assert walked(every=True) == walked(every=False)


def component(data: bytes) -> None:
    with suppress(WasmOciError):
        read_wasm_stream(BytesIO(data), where="input")


def sign(data: bytes) -> None:
    """What can be signed verifies; signing it again changes nothing."""
    source, output = FOLDER / "source.wasm", FOLDER / "signed.wasm"
    source.write_bytes(data)
    with suppress(WasmOciError):
        sign_file(source, output, KEY, key_id=KEY.public.key_id)
        assert verify_file(output, [KEY.public]).key == KEY.public
        once = output.read_bytes()
        assert not sign_file(output, output, KEY, key_id=KEY.public.key_id).added
        assert output.read_bytes() == once


def verify(data: bytes) -> None:
    """Only content that was signed for the corpus verifies."""
    source = FOLDER / "source.wasm"
    source.write_bytes(data)
    with suppress(WasmOciError):
        assert verify_file(source, [KEY.public]).module_hash in SIGNED


def public_keys(data: bytes) -> None:
    with suppress(WasmOciError):
        for key in parse_public_keys(data, where="input"):
            assert parse_public_keys(key.openssh(), where="") == (key,) == parse_public_keys(key.compact(), where="")


def secret_key(data: bytes) -> None:
    with suppress(WasmOciError):
        key = parse_secret_key(data, where="input")
        assert parse_secret_key(key.openssh(), where="") == parse_secret_key(key.compact(), where="") == key


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (signature, sections, component, sign, verify, public_keys, secret_key)
}
SIGNED: set[str] = set()


def main() -> None:
    name, corpus = sys.argv[1], Path(sys.argv[2])
    for path in Path(__file__).with_name("corpus").joinpath("verify").iterdir():
        with suppress(WasmOciError):
            SIGNED.add(verify_file(path, [KEY.public]).module_hash)
    assert SIGNED
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[3:]], TARGETS[name])
    atheris.Fuzz()


main()
