"""The file of a `wkg_registry_config`, in YAML or JSON: the attributes of the rule as members."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.http.host import check_host
from wasm_oci.limits import LIMITS
from wasm_oci.registry_config.registry_string import Entry, parse_registry_string
from wasm_oci.shape import SCHEMA_VERSION, Secret, read_config

LONGEST_TIMEOUT = 3600
"""Seconds that a registry may be given to respond."""
_OUTSIDE = re.compile(r"/(?!/).*|~/.*|[^/]:[\\/].*")
_FOLDER = re.compile(r"(/(?!/)|~/|\$HOME/|\$\{HOME\}/|[^/$~@:]:[\\/])[^$]+|[^$/~@:-][^$:]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfigFile:
    """Registries that images are published to, and where their credentials come from."""

    registries: tuple[Secret, ...] = ()
    """The entries, each as `name|host|type|auth…`, or `name|host|mirror|entry|auth…`. Names are unique."""
    default_registry: str = ""
    """Name of the entry that is used for an image that names no registry."""
    plain_http: tuple[str, ...] = ()
    """Hosts that are reached over plain HTTP, without TLS, as `host` or `host:port`."""
    timeout_seconds: int = 30
    """How long a registry may be silent."""
    credential_files: tuple[str, ...] = ()
    """Paths of files in the form of Docker's `config.json`, absolute or beginning with `~/`."""
    enable_mirror_fallback: bool = False
    """Whether content that a registry cannot deliver is read, by its digest, from the mirrors of its entry."""
    cache_dir: str = ""
    """Folder for content that was read, by digest: absolute, beginning with `~/` or `$HOME/`, or below the workspace."""
    audit_log: str = ""
    """Folder of the log that records what is published, named as `cache_dir` is; it has to be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """A configuration whose entries are understood."""

    entries: tuple[Entry, ...]
    file: RegistryConfigFile

    def document(self) -> dict[str, Any]:
        """Returns what a publish target reads when it is run."""
        return {
            "schema_version": SCHEMA_VERSION,
            "audit_log": self.file.audit_log,
            "cache_dir": self.file.cache_dir,
            "credential_files": list(self.file.credential_files),
            "default_registry": self.file.default_registry,
            "enable_mirror_fallback": self.file.enable_mirror_fallback,
            "plain_http": list(self.file.plain_http),
            "registries": [asdict(entry) for entry in self.entries],
            "timeout_seconds": self.file.timeout_seconds,
        }


def load_registry_config(path: Path, *, what: str = "list of registries") -> RegistryConfig:
    """Reads a file, which errors call `what`; raises UsageError or LimitError too."""
    return parse_registry_config(read_bounded(path, LIMITS.config_file, what=what), where=str(path))


def parse_registry_config(data: bytes, *, where: str) -> RegistryConfig:
    """Raises FormatError that names the member, the entry and the field; no message has what may be a secret."""
    file = read_config(data, RegistryConfigFile, where=where)
    for index, host in enumerate(file.plain_http):
        try:
            check_host(host, where=f"{where}: plain_http[{index}]")
        except UsageError as err:
            raise FormatError(err.what, where=err.where, hint=err.hint) from err
    entries: dict[str, Entry] = {}
    for index, text in enumerate(file.registries):
        name, bar, _ = text.partition("|")
        place = f"{where}: registries[{index}]" + (f" ({name[:60]!r})" if bar else "")  # without a bar it need not be a name
        entry = parse_registry_string(text, file.plain_http, where=place)
        if entry.name in entries:
            number = list(entries).index(entry.name)
            raise FormatError(f"already used by registries[{number}]", where=f"{place}: name", hint="give each entry its own")
        entries[entry.name] = entry
    _check_mirrors(entries, where=where)
    published = [name for name, entry in entries.items() if entry.type != "mirror"]
    if file.default_registry and file.default_registry not in published:
        known = ", ".join(published) or "there are none"
        what = f"{file.default_registry[:60]!r} is not among the registries ({known})"
        raise FormatError(what, where=f"{where}: default_registry", hint="write the name of one, or add the entry")
    if not 1 <= file.timeout_seconds <= LONGEST_TIMEOUT:
        what = f"{file.timeout_seconds} is not from 1 to {LONGEST_TIMEOUT}"
        raise FormatError(what, where=f"{where}: timeout_seconds", hint="give a number of seconds")
    for index, path in enumerate(file.credential_files):
        if not _OUTSIDE.fullmatch(path):
            place = f"{where}: credential_files[{index}]"
            raise FormatError(f"{path[:100]!r} is not an absolute path", where=place, hint='write one, or one that begins with "~/"')
    for member, folder in (("cache_dir", file.cache_dir), ("audit_log", file.audit_log)):
        if folder and not _FOLDER.fullmatch(folder):
            hint = 'write an absolute path, one that begins with "~/" or "$HOME/", or one below the workspace'
            raise FormatError(f"{folder[:100]!r} is not the path of a folder", where=f"{where}: {member}", hint=hint)
    return RegistryConfig(entries=tuple(entries.values()), file=file)


def _check_mirrors(entries: Mapping[str, Entry], *, where: str) -> None:
    hosts = [name for name, entry in entries.items() if entry.type == "oci"]
    for number, (name, entry) in enumerate(entries.items()):
        if entry.mirror_of and entry.mirror_of not in hosts:
            hint = f"write one of {', '.join(hosts)}" if hosts else "add the entry of the registry"
            raise FormatError("names no registry among the entries", where=f"{where}: registries[{number}] ({name!r}): of", hint=hint)
