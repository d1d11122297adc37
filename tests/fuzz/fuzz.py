"""Coverage-guided fuzzing of everything that reads bytes from outside (atheris, on libFuzzer).

    fuzz.py TARGET CORPUS [LIBFUZZER_OPTIONS]

A target ends its run with a crash where anything but a WasmOciError leaves the code, or where its property does not hold.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["wasm_oci"]):
    from wasm_oci.attest.bundle import parse_bundle
    from wasm_oci.attest.verify import verify_bundle
    from wasm_oci.errors import WasmOciError
    from wasm_oci.keys.any_key import parse_any_public_keys, parse_any_secret_key
    from wasm_oci.keys.key import PublicKey, SecretKey, parse_public_keys, parse_secret_key
    from wasm_oci.keys.sources.agent import Agent
    from wasm_oci.keys.sources.passphrase import PassphraseSource
    from wasm_oci.keys.sources.stored import key_file_of
    from wasm_oci.log.checkpoint import Checkpoint
    from wasm_oci.log.note import Verifier
    from wasm_oci.log.proof import InclusionProof
    from wasm_oci.log.tiles import decode_bundle, encode_bundle
    from wasm_oci.policy.documents import document_of as policy_document_of
    from wasm_oci.policy.evaluate import decide
    from wasm_oci.policy.interfaces import Import
    from wasm_oci.policy.reader import compile_policy, parse_policy, parse_policy_file
    from wasm_oci.policy.subject import Registry, Signer, Subject
    from wasm_oci.trust.trust import Trust
    from wasm_oci.trust.trust_store import document_of, parse_trust_store
    from wasm_oci.wasm.component import read_wasm_stream
    from wasm_oci.wasm.sections import DELIMITER_NAME, PREAMBLE_SIZE, SIGNATURE_NAME, SeekingSource, read_preamble, walk
    from wasm_oci.wasmsign.detach import attach_file, detach_file
    from wasm_oci.wasmsign.pattern import SectionPattern
    from wasm_oci.wasmsign.sign import sign_file
    from wasm_oci.wasmsign.signature import parse_as_reference, parse_signature
    from wasm_oci.wasmsign.split import split_file
    from wasm_oci.wasmsign.verify import verify_file

# The first key of the format's test vectors: the corpus is signed with it.
KEY = SecretKey(
    seed=bytes(range(0x20)),
    public=PublicKey(raw=bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")),
)
PATTERN = SectionPattern("^(name|producers)$")
PASSPHRASE_VARIABLE = "FUZZ_PASSPHRASE"
os.environ[PASSPHRASE_VARIABLE] = "passphrase"
PASSPHRASE = PassphraseSource(variable=PASSPHRASE_VARIABLE)
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


def split(data: bytes) -> None:
    """What can be split can be signed then, verifies whole and in part, and is the same after a detour."""
    source, output, signature, again = (FOLDER / name for name in ("source.wasm", "signed.wasm", "it.sig", "again.wasm"))
    source.write_bytes(data)
    with suppress(WasmOciError):
        split_file(source, output, PATTERN)
        sign_file(output, output, KEY, key_id=KEY.public.key_id)
        verify_file(output, [KEY.public])
        if data[8:]:
            verify_file(output, [KEY.public], pattern=PATTERN)
        detach_file(output, again, signature)
        verify_file(again, [KEY.public], signature=signature.read_bytes())
        attach_file(again, again, signature)
        assert again.read_bytes() == output.read_bytes()


def public_keys(data: bytes) -> None:
    with suppress(WasmOciError):
        for key in parse_public_keys(data, where="input"):
            assert parse_public_keys(key.openssh(), where="") == (key,) == parse_public_keys(key.compact(), where="")
    with suppress(WasmOciError):
        for any_key in parse_any_public_keys(data, where="input"):
            assert parse_any_public_keys(any_key.der(), where="") == (any_key,)


def secret_key(data: bytes) -> None:
    """Any form, plain or encrypted with the passphrase of the corpus; and as it could stand in a variable."""
    with suppress(WasmOciError):
        _same(parse_secret_key(data, where="input", passphrase=PASSPHRASE))
    with suppress(WasmOciError):
        _same(parse_secret_key(key_file_of(data, where="input"), where="input", passphrase=PASSPHRASE))
    with suppress(WasmOciError):
        key = parse_any_secret_key(data, where="input", passphrase=PASSPHRASE)
        assert key.public.verifies(b"message", key.sign(b"message"))


def _same(key: SecretKey) -> None:
    assert parse_secret_key(key.openssh(), where="") == parse_secret_key(key.compact(), where="") == key


def agent(data: bytes) -> None:
    """What an agent answers."""
    with suppress(WasmOciError):
        Agent(Channel(data)).keys()
    with suppress(WasmOciError):
        Agent(Channel(data)).sign(KEY.public, b"message")


def trust_store(data: bytes) -> None:
    """A store that is read has a normal form, which is read as the same."""

    def no_file(name: str) -> tuple[bytes, bool]:
        return KEY.public.compact(), len(name) % 2 == 0

    with suppress(WasmOciError):
        keys = parse_trust_store(data, no_file, where="input")
        normal = json.dumps(document_of(keys)).encode()
        assert document_of(parse_trust_store(normal, no_file, where="normal form")) == document_of(keys)


JUDGED = (
    Subject(name="hello", namespace="apps", registry=Registry(name="github", host="ghcr.io", prefix="my-org"), signers=()),
    Subject(name="pay", size=1, signers=(Signer(key_id="01", names=("release",)),), imports=(Import(name="wasi:cli/stdout@0.2.0"),)),
    Subject(name="test-a", at="build", imports=(Import(name="wasi_snapshot_preview1/path_open", core=True, inside="0"),)),
)


def policy(data: bytes) -> None:
    """A policy that is read decides, has a normal form, which decides alike."""
    with suppress(WasmOciError):
        file = parse_policy_file(data, where="input")
        read = compile_policy(file, digest="", where="input")
        normal = json.dumps(policy_document_of(file)).encode()
        assert parse_policy_file(normal, where="normal form") == file
        for subject in JUDGED:
            verdict = decide(read, subject)
            assert verdict.canonical()
            assert verdict.allowed == decide(parse_policy(normal, where="normal form"), subject).allowed


def log(data: bytes) -> None:
    """A checkpoint, a proof and a verifier key that are read are their own encoding, as is a bundle of one or two entries."""
    for kind in (Checkpoint, InclusionProof):
        with suppress(WasmOciError):
            assert kind.parse(data, where="fuzz").encoded() == data
    with suppress(WasmOciError):
        text = data.decode(errors="replace")
        assert str(Verifier.parse(text, where="fuzz")) == text.strip()
    for width in (1, 2):
        with suppress(WasmOciError):
            assert encode_bundle(decode_bundle(data, width, where="fuzz")) == data


def statement(data: bytes) -> None:
    """What verifies has a payload of the corpus, all of which are signed."""
    with suppress(WasmOciError):
        verify_bundle(data, manifest=MANIFEST, trust=Trust.of_keys([KEY.public]), where="input")
        assert parse_bundle(data, where="input").envelope.payload in PAYLOADS


class Channel:
    """An agent that has said all that it will say."""

    def __init__(self, data: bytes) -> None:
        self._stream = BytesIO(data)

    def settimeout(self, seconds: float) -> None:
        """Does nothing: no answer is late."""

    def sendall(self, data: bytes) -> None:
        """Does nothing: the answer is there already."""

    def recv(self, size: int) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self._stream.close()


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (signature, sections, component, sign, verify, split, public_keys, secret_key, agent, trust_store, policy, statement, log)
}
SIGNED: set[str] = set()
MANIFEST = b"{}"
"""What the statements of the corpus are about."""
PAYLOADS: set[bytes] = set()


def main() -> None:
    name, corpus = sys.argv[1], Path(sys.argv[2])
    folders = {path.name for path in Path(__file__).with_name("corpus").iterdir()}
    if folders != TARGETS.keys():
        raise SystemExit(f"without a folder in the corpus, or without a target: {', '.join(sorted(folders ^ TARGETS.keys()))}")
    for path in Path(__file__).with_name("corpus").joinpath("verify").iterdir():
        with suppress(WasmOciError):
            SIGNED.add(verify_file(path, [KEY.public]).module_hash)
    for path in Path(__file__).with_name("corpus").joinpath("statement").iterdir():
        verify_bundle(path.read_bytes(), manifest=MANIFEST, trust=Trust.of_keys([KEY.public]), where=str(path))
        PAYLOADS.add(parse_bundle(path.read_bytes(), where=str(path)).envelope.payload)
    assert SIGNED
    assert PAYLOADS
    atheris.Setup([sys.argv[0], str(corpus), *sys.argv[3:]], TARGETS[name])
    atheris.Fuzz()


main()
