"""`settings.json` of a log's folder: its name, its public key, and where the secret key is, never the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from wasm_oci.errors import KeyFormatError, UsageError
from wasm_oci.files import file_type, read_bounded, reason_of, write_file
from wasm_oci.jsontext import pretty
from wasm_oci.keys.signer import Signer
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.keys.sources.signing_keys import open_signer
from wasm_oci.keys.sources.source import KeySource
from wasm_oci.limits import LIMITS
from wasm_oci.log.folder import LogFolder
from wasm_oci.log.note import Verifier
from wasm_oci.shape import Parsed, Secret, read_config

SETTINGS = "settings.json"
SOURCES = ("file", "env", "keychain", "ssh-agent")
"""A program is left out: whoever may write to the folder would choose what others run."""


def log_key(text: str, *, where: str) -> Verifier:
    """Returns the key of a log; raises KeyFormatError for anything else, such as the key of a witness."""
    verifier = Verifier.parse(text, where=where)
    if verifier.cosigner:
        raise KeyFormatError("this is the key of a witness, not of a log", where=where, hint="give the log's verifier key")
    return verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What is written beside a log."""

    schema_version: Literal[1] = 1
    verifier_key: Annotated[Verifier, Parsed(str, log_key)]
    """The log's name, which is the origin of its checkpoints, and its public key."""
    key_source: Literal["file", "env", "keychain", "ssh-agent"]
    key_ref: Secret = ""
    """The path of a file is relative to the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLog:
    """A log's folder with what its settings say."""

    folder: LogFolder
    settings: LogSettings

    @property
    def verifier(self) -> Verifier:
        """The key that the folder names: whoever wrote the folder chose it."""
        return self.settings.verifier_key

    @property
    def source(self) -> KeySource:
        """Raises UsageError for a reference that the source cannot have."""
        ref = self.settings.key_ref
        if self.settings.key_source == "file" and not ref.startswith("~"):
            ref = str(self.folder.path / ref)
        return KeySource(kind=self.settings.key_source, ref=ref)

    def signer(self, passphrase: PassphraseSource, environ: Mapping[str, str]) -> Signer:
        """Returns what signs for the log; raises what `open_signer` raises, also where the key is not the log's."""
        return open_signer(self.source, public=self.verifier.public, passphrase=passphrase, environ=environ)


def open_log(path: Path) -> KnownLog:
    """Raises UsageError where there is no log, FormatError or KeyFormatError for settings that cannot be used."""
    file = path / SETTINGS
    if file_type(file, what="log") is None:
        raise UsageError("there is no log in this folder", where=str(path), hint="make one with `wasm_oci log init`")
    data = read_bounded(file, LIMITS.config_file, what="log's settings")
    return KnownLog(folder=LogFolder(path), settings=read_config(data, LogSettings, where=str(file)))


def write_settings(path: Path, verifier: Verifier, source: KeySource) -> KnownLog:
    """Writes the settings of a new log; raises UsageError where other ones are there, or the source is not for logs."""
    if source.kind not in SOURCES:
        what = f"a log's key cannot be in {source.kind}"
        raise UsageError(what, where="--key-source", hint=f"use one of {', '.join(SOURCES)}")
    document = {"schema_version": 1, "verifier_key": str(verifier), "key_source": source.kind}
    if source.ref:
        document["key_ref"] = source.ref
    data = pretty(document)
    if file_type(path / SETTINGS, what="log") is not None:  # a run that ended before it wrote the log may be done again
        if open_log(path).settings != read_config(data, LogSettings, where=SETTINGS):
            raise UsageError("there is a log already", where=str(path), hint="give another folder")
        return open_log(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise UsageError(f"cannot make the folder: {reason_of(err)}", where=str(path), hint="name another one") from err
    write_file(path / SETTINGS, data, what="log's settings")
    return open_log(path)
