"""Signed notes (c2sp.org/signed-note), with the Ed25519 keys of logs and the Ed25519 keys of witnesses (c2sp.org/tlog-cosignature)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from wasm_oci.errors import FormatError, KeyFormatError, SignatureError
from wasm_oci.keys.ed25519 import KEY_SIZE, SIGNATURE_SIZE
from wasm_oci.keys.key import PublicKey
from wasm_oci.keys.signer import Signer

LARGEST_NOTE = 64 * 1024
_DASH = "\u2014 "
_NAME = re.compile(r"[^\s+]+")
_LOG, _COSIGNER = b"\x01", b"\x04"
_ID_SIZE = 4
_TIME_SIZE = 8
_MOST_SIGNATURES = 100


def decoded(text: str, *, where: str, what: str) -> bytes:
    """Returns the bytes of standard base64 in its only canonical form; raises FormatError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as err:
        raise FormatError(f"{what} is not base64", where=where) from err
    if encoded(data) != text:
        raise FormatError(f"{what} is not canonical base64", where=where)
    return data


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """The name and the public key of a log, or of a witness, whose signatures are cosignatures."""

    name: str
    public: PublicKey
    cosigner: bool = False

    def __post_init__(self) -> None:
        """Raises KeyFormatError for a name that a note cannot have."""
        if not _NAME.fullmatch(self.name) or not self.name.isprintable():
            raise KeyFormatError(f"{self.name[:80]!r} cannot name a key", hint="leave out spaces and +")

    @staticmethod
    def parse(text: str, *, where: str) -> Verifier:
        """Returns the key of a verifier key `NAME+ID+KEY`; raises KeyFormatError."""
        name, _, rest = text.strip().partition("+")
        key_id, _, key = rest.partition("+")
        hint = "give a line such as example.com/log+1a2b3c4d+AbCd…"
        try:
            data = decoded(key, where=where, what="the key")
        except FormatError as err:
            raise KeyFormatError("this is not a verifier key", where=where, hint=hint) from err
        if data[:1] not in (_LOG, _COSIGNER) or len(data) != 1 + KEY_SIZE:
            raise KeyFormatError("the verifier key is not an Ed25519 key of a log or of a witness", where=where, hint=hint)
        verifier = Verifier(name=name, public=PublicKey(raw=data[1:]), cosigner=data[:1] == _COSIGNER)
        if verifier.key_id.hex() != key_id:
            raise KeyFormatError("the id of the verifier key does not belong to it", where=where, hint="copy the line again")
        return verifier

    @property
    def _tagged(self) -> bytes:
        return (_COSIGNER if self.cosigner else _LOG) + self.public.raw

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self._tagged).digest()[:_ID_SIZE]

    def __str__(self) -> str:
        """Returns the verifier key."""
        return f"{self.name}+{self.key_id.hex()}+{encoded(self._tagged)}"

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Tells whether the bytes of a signature, without the key's id, are of this text."""
        if not self.cosigner:
            return self.public.verifies(text, signature)
        if len(signature) != _TIME_SIZE + SIGNATURE_SIZE:
            return False
        time = int.from_bytes(signature[:_TIME_SIZE], "big")
        return self.public.verifies(_cosigned(text, time), signature[_TIME_SIZE:])


def _cosigned(text: bytes, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n".encode() + text


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """A line of a note: whose it says it is, and the bytes after the key's id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {encoded(self.key_id + self.signature)}\n"

    @staticmethod
    def parse(line: str, *, where: str) -> NoteSignature:
        """Returns what a line without its end holds; raises FormatError."""
        name, _, text = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not _NAME.fullmatch(name):
            raise FormatError("a signature of the note is malformed", where=where, hint="copy the file again")
        data = decoded(text, where=where, what="a signature of the note")
        if len(data) <= _ID_SIZE:
            raise FormatError("a signature of the note is too short", where=where, hint="copy the file again")
        return NoteSignature(name=name, key_id=data[:_ID_SIZE], signature=data[_ID_SIZE:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text and signatures of it."""

    text: bytes
    """Ends with a line end."""
    signatures: tuple[NoteSignature, ...]

    @staticmethod
    def parse(data: bytes, *, where: str) -> Note:
        """Raises FormatError."""
        hint = "copy the file again"
        try:
            text = data.decode()
        except UnicodeDecodeError as err:
            raise FormatError("the note is not UTF-8", where=where, hint=hint) from err
        content, gap, lines = text.rpartition("\n\n")
        if not gap or not content or not lines.endswith("\n") or any(ord(character) < ord(" ") and character != "\n" for character in text):
            raise FormatError("this is not a signed note", where=where, hint=hint)
        signatures = lines[:-1].split("\n")
        if len(signatures) > _MOST_SIGNATURES:
            raise FormatError(f"the note has more than {_MOST_SIGNATURES} signatures", where=where, hint=hint)
        return Note(text=f"{content}\n".encode(), signatures=tuple(NoteSignature.parse(line, where=where) for line in signatures))

    def encoded(self) -> bytes:
        return self.text + b"\n" + "".join(signature.line for signature in self.signatures).encode()

    def of(self, verifier: Verifier) -> NoteSignature | None:
        """Returns the signature by a key, None where there is none; raises SignatureError for one that does not verify."""
        for signature in self.signatures:
            if (signature.name, signature.key_id) == (verifier.name, verifier.key_id):
                if verifier.verifies(self.text, signature.signature):
                    return signature
                raise SignatureError(f"the signature by {verifier.name} does not verify", reason="bad_signature")
        return None


def sign(text: bytes, name: str, signer: Signer) -> NoteSignature:
    """Returns the signature of a log; raises what the signer raises."""
    verifier = Verifier(name=name, public=signer.public)
    return NoteSignature(name=name, key_id=verifier.key_id, signature=signer.sign(text))


def cosign(text: bytes, name: str, signer: Signer, time: int) -> NoteSignature:
    """Returns the signature of a witness, at a time in seconds since 1970; raises what the signer raises."""
    verifier = Verifier(name=name, public=signer.public, cosigner=True)
    signature = time.to_bytes(_TIME_SIZE, "big") + signer.sign(_cosigned(text, time))
    return NoteSignature(name=name, key_id=verifier.key_id, signature=signature)
