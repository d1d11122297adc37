"""The request file of a publish target, written by the rule and read here once (schema version 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wasm_oci.errors import FormatError, UsageError
from wasm_oci.files import read_bounded
from wasm_oci.http.host import check_host
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.registries import RegistryEntry, split_scheme
from wasm_oci.publish.signing import SigningRequest, parse_signing
from wasm_oci.registry.credentials import AuthSetting
from wasm_oci.runfiles import Runfiles

SCHEMA_VERSION = 1

_AUTH_MEMBERS = ("kind", "variable", "username", "password_variable", "id_variable", "secret_variable")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest:
    """What a publish target asks for."""

    layout: Path | None
    """None where it is made only when the component is signed."""
    signature: Path | None
    registry: str
    namespace: str
    repository: str
    tag: str
    registries: tuple[RegistryEntry, ...] = ()
    default_registry: str = ""
    movable_tags: frozenset[str] = frozenset()
    dry_run: bool = False
    signing: SigningRequest | None = None
    """The signature that this run has to make."""
    notes: Mapping[str, Any] = field(default_factory=dict)
    """target, description, authors and license: they go into the result, never into the artifact."""


def read_request(path: Path, environ: Mapping[str, str]) -> PushRequest:
    """Raises UsageError, FormatError or LimitError that name the file and the member."""
    where = str(path)
    document = parse_object(read_bounded(path, LIMITS.request_file, what="request file"), where=where, limit=LIMITS.request_file)
    version = _get(document, "schemaVersion", int, where)
    if version != SCHEMA_VERSION:
        raise FormatError(
            f"schemaVersion is {version}", where=where, hint=f"this program reads version {SCHEMA_VERSION}: build it and the target again"
        )
    runfiles = Runfiles(environ)
    signature = _get(document, "signature", str, where, default="")
    signing = _get(document, "signing", dict, where, default={})
    layout = _get(document, "layout", str, where, default="" if signing.get("image") else None)
    notes = {name: _get(document, name, kind, where, default=kind()) for name, kind in _NOTES.items()}
    return PushRequest(
        layout=runfiles.find(layout, where=where) if layout else None,
        signature=runfiles.find(signature, where=where) if signature else None,
        registry=_get(document, "registry", str, where, default=""),
        namespace=_get(document, "namespace", str, where, default=""),
        repository=_get(document, "repository", str, where),
        tag=check_tag(_get(document, "tag", str, where), where=f"{where}: tag"),
        registries=tuple(
            _entry(entry, f"{where}: registries[{number}]")
            for number, entry in enumerate(_get(document, "registries", list, where, default=[]))
        ),
        default_registry=_get(document, "default_registry", str, where, default=""),
        movable_tags=frozenset(_strings(document, "movable_tags", where)),
        dry_run=_get(document, "dry_run", bool, where, default=False),
        signing=parse_signing(signing, lambda path: runfiles.find(path, where=where), where=where) if signing else None,
        notes={name: value for name, value in notes.items() if value},
    )


_NOTES: dict[str, type] = {"target": str, "description": str, "authors": list, "license": str}


def _entry(document: object, where: str) -> RegistryEntry:
    if not isinstance(document, dict):
        raise FormatError("an object is needed", where=where)
    name, kind = _get(document, "name", str, where), _get(document, "type", str, where, default="oci")
    auth = _get(document, "auth", dict, where, default={})
    values = {member: _get(auth, member, str, f"{where}.auth", default="") for member in _AUTH_MEMBERS}
    setting = AuthSetting(**(values | {"kind": values["kind"] or "default", "entry": name}))
    setting.check()
    if kind == "layout":
        path = _get(document, "path", str, where)
        if not path:
            raise UsageError("a layout needs a path", where=f"registry entry {name!r}", hint="write name|/path/to/dir|layout")
        return RegistryEntry(name=name, type=kind, path=path, auth=setting)
    if kind != "oci":
        raise UsageError(f"{kind[:40]!r} is not a type of registry", where=f"registry entry {name!r}", hint="write oci or layout")
    scheme, host = split_scheme(_get(document, "host", str, where), where=f"registry entry {name!r}")
    check_host(host, where=f"registry entry {name!r}")
    prefix = _get(document, "prefix", str, where, default="").strip("/")
    return RegistryEntry(name=name, type=kind, host=host, scheme=scheme, prefix=prefix, auth=setting)


def _strings(document: JsonObject, key: str, where: str) -> list[str]:
    values = _get(document, key, list, where, default=[])
    if not all(isinstance(value, str) for value in values):
        raise FormatError("a list of strings is needed", where=f"{where}: {key}")
    return list(values)


def _get(document: JsonObject, key: str, kind: type, where: str, *, default: Any = None) -> Any:
    """Returns a member; a missing or null one is `default`, or an error where there is none."""
    value = document.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise FormatError(f"{key} must be a {kind.__name__}, and is {'missing' if value is None else 'not'}", where=where)
    return value
