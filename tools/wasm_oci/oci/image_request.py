"""What an image is made of, as a build rule or the command line says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from wasm_oci.errors import UsageError
from wasm_oci.http.host import check_host
from wasm_oci.oci.reference import check_repository, check_tag
from wasm_oci.oci.wasm_config import EPOCH
from wasm_oci.shape import Runfile

_ENTRY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)
_SIGNATURE_TYPES = ("embedded", "detached", "none")
_KEY_FORMATS = ("compact", "openssh", "pem", "mixed", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What an image is made of, but for files. Empty texts mean that nothing was said."""

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
    created: str = EPOCH


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest(ImageFacts):
    """What an image is made of."""

    component: Runfile
    signature: Runfile | None = None
    """A detached signature file."""
    policy: Runfile | None = None
    """The policy that the image is made for, in its normal form: annotations name it and the keys that signed."""
    public_keys: tuple[Runfile, ...] = ()
    """Public keys of signatures that are still to be made; an embedded one leaves the image unsigned until then."""

    @property
    def repository(self) -> str:
        return f"{self.namespace}/{self._path}" if self.namespace else self._path

    @property
    def _path(self) -> str:
        """What is after the namespace: of a Wasm package `namespace:name` this is `namespace/name`, where wkg looks for it."""
        package = self.package_name
        return self.name or (package.replace(":", "/") if package.count(":") == 1 else package)

    @property
    def name_in_registry(self) -> str:
        """`registry/repository`, or the repository alone where no registry is named."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    def check(self) -> None:
        """Raises UsageError for a value that no registry would take, naming the attribute."""
        if self.registry and not _ENTRY_NAME.fullmatch(self.registry):
            check_host(self.registry, where="registry")
        if not (self.name or self.package_name):
            raise UsageError("the package name is missing", where="package_name", hint="name the package, such as my-org/hello")
        if self.namespace:
            check_repository(self.namespace, where="namespace")
        check_repository(self._path, where="name_override" if self.name else "package_name")
        check_repository(self.repository, where="namespace and name")
        check_tag(self.tag, where="tag")
        for name, value, allowed in (
            ("signature_type", self.signature_type, (None, *_SIGNATURE_TYPES)),
            ("key_format", self.key_format, _KEY_FORMATS),
        ):
            if value not in allowed:
                raise UsageError(f"{value!r} is not allowed", where=name, hint=f"write one of {', '.join(filter(None, allowed))}")
        if self.public_keys and (self.signature or self.signature_type not in ("embedded", "detached")):
            raise UsageError("only valid with signature_type embedded or detached, and without a signature file", where="public_keys")
        if self.signature_type == "detached" and not (self.signature or self.public_keys):
            raise UsageError("signature_type is detached, but no signature file is given", where="signature", hint="sign with detached set")
        if self.signature and self.signature_type not in ("detached", None):
            raise UsageError(f"a signature file cannot be combined with signature_type {self.signature_type}", where="signature")
        _check_time(self.created)


def _check_time(created: str) -> None:
    try:
        valid = _TIME.fullmatch(created) and datetime.fromisoformat(created[:19])
    except ValueError:
        valid = None
    if not valid:
        raise UsageError(f"{created[:60]!r} is not a time", where="created", hint=f"write it as in {EPOCH}")
