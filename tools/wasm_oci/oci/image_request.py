"""What an image is made of, as a build rule or the command line says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.http.host import check_host
from wasm_oci.jsontext import JsonObject, parse_object
from wasm_oci.limits import LIMITS
from wasm_oci.oci.reference import check_repository, check_tag
from wasm_oci.oci.wasm_config import EPOCH

_ENTRY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_SIGNATURE_TYPES = ("embedded", "detached", "none")
_KEY_FORMATS = ("compact", "openssh", "pem", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """What an image is made of. Empty texts mean that nothing was said."""

    component: Path
    signature: Path | None = None
    """A detached signature file."""
    package_name: str
    name: str = ""
    """Takes the place of `package_name` in the repository."""
    version: str = ""
    """The version annotation; the tag by default."""
    registry: str = "localhost:5000"
    """A host with an optional port, or the name of an entry of a registry configuration; empty names none."""
    namespace: str = "library"
    tag: str = "latest"
    description: str = ""
    authors: tuple[str, ...] = ()
    license: str = ""
    annotations: tuple[str, ...] = ()
    signature_type: str | None = None
    """`embedded`, `detached` or `none`; None takes what is there. With `none` a signature in the file still counts."""
    key_format: str = "none"
    public_keys: tuple[Path, ...] = ()
    """Public keys of signatures that are still to be made; an embedded one leaves the image unsigned until then."""
    created: str = EPOCH

    @staticmethod
    def parse(data: bytes, *, where: str) -> ImageRequest:
        """Reads a request file (schemaVersion 1); raises UsageError or FormatError with the member's name."""
        return ImageRequest.of(parse_object(data, where=where, limit=LIMITS.request_file), where=where)

    @staticmethod
    def of(document: JsonObject, *, where: str) -> ImageRequest:
        """`parse` for an object that is read already."""
        document = dict(document)
        if document.pop("schemaVersion", None) != 1:
            raise UsageError("schemaVersion must be 1", where=where, hint="use the rules and the tool of one version")
        values: JsonObject = {}
        for key, value in document.items():
            values[key] = _request_value(key, value, where)
        if missing := {"component", "package_name"} - values.keys():
            raise UsageError(f"{', '.join(sorted(missing))} must be given", where=where)
        return ImageRequest(**values)

    @property
    def repository(self) -> str:
        path = self.name or self.package_name
        return f"{self.namespace}/{path}" if self.namespace else path

    @property
    def name_in_registry(self) -> str:
        """`registry/repository`, or the repository alone where no registry is named."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    def check(self) -> None:
        """Raises UsageError for a value that no registry would take, naming the attribute."""
        if self.registry and not _ENTRY_NAME.fullmatch(self.registry):
            check_host(self.registry, where="registry")
        if not (self.name or self.package_name):
            raise UsageError("there is no package name", where="package_name", hint="name the package, such as my-org/hello")
        if self.namespace:
            check_repository(self.namespace, where="namespace")
        check_repository(self.name or self.package_name, where="name_override" if self.name else "package_name")
        check_repository(self.repository, where="namespace and name")
        check_tag(self.tag, where="tag")
        for name, value, allowed in (
            ("signature_type", self.signature_type, (None, *_SIGNATURE_TYPES)),
            ("key_format", self.key_format, _KEY_FORMATS),
        ):
            if value not in allowed:
                raise UsageError(f"{value!r} is not allowed", where=name, hint=f"write one of {', '.join(filter(None, allowed))}")
        if self.public_keys and (self.signature or self.signature_type not in ("embedded", "detached")):
            raise UsageError("they go with a signature_type, embedded or detached, and no signature file", where="public_keys")
        if self.signature_type == "detached" and not (self.signature or self.public_keys):
            raise UsageError("signature_type is detached, but no signature file is given", where="signature", hint="sign with detached set")
        if self.signature and self.signature_type not in ("detached", None):
            raise UsageError(f"a signature file does not go with signature_type {self.signature_type}", where="signature")
        _check_time(self.created)


_TEXTS = (
    "package_name",
    "name",
    "version",
    "registry",
    "namespace",
    "tag",
    "description",
    "license",
    "signature_type",
    "key_format",
    "created",
)


def _request_value(key: str, value: object, where: str) -> object:
    if key in _TEXTS and isinstance(value, str):
        return value
    if key == "public_keys" and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(Path(item) for item in value)
    if key in ("authors", "annotations") and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if key == "signature" and value is None:
        return None
    if key in ("component", "signature") and isinstance(value, str) and value:
        return Path(value)
    known = key in (*_TEXTS, "authors", "annotations", "component", "public_keys", "signature")
    raise UsageError(f"{str(value)[:60]!r} is not a usable value" if known else "the member is unknown", where=f"{where}.{key[:100]}")


def _check_time(created: str) -> None:
    try:
        valid = _TIME.fullmatch(created) and datetime.fromisoformat(created[:19])
    except ValueError:
        valid = None
    if not valid:
        raise UsageError(f"{created[:60]!r} is not a time", where="created", hint=f"write it as in {EPOCH}")
