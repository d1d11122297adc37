"""What a publish target asks for, as its rule wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

from wasm_oci import shape
from wasm_oci.errors import FormatError, UsageError
from wasm_oci.http.host import check_host
from wasm_oci.jsontext import canonical
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.registries import RegistryEntry, split_scheme
from wasm_oci.publish.release_request import PolicyKey, PolicyRequest, StatementKey
from wasm_oci.publish.signing import DeferredSigning, SignerRequest
from wasm_oci.registry.credentials import AuthSetting
from wasm_oci.registry_config.config_file import LONGEST_TIMEOUT, load_registry_config
from wasm_oci.registry_config.machine_folder import machine_folder
from wasm_oci.registry_config.registry_string import Entry
from wasm_oci.runfiles import Runfiles
from wasm_oci.shape import BUILD_AGAIN, Parsed, Runfile
from wasm_oci.workspace_status import WorkspaceStatus


def _entry(registry: Entry, *, where: str) -> RegistryEntry:
    del where  # an entry is known by its name
    setting = AuthSetting(entry=registry.name, **asdict(registry.auth))
    setting.check()
    place = f"registry entry {registry.name!r}"
    if registry.type in ("layout", "archive"):
        if not registry.path:
            raise UsageError(f"the {registry.type} needs a path", where=place, hint=f"write name|/path|{registry.type}")
        return RegistryEntry(name=registry.name, type=registry.type, path=registry.path, auth=setting)
    scheme, host = split_scheme(registry.host, where=place)
    check_host(host, where=place)
    prefix, mirror_of = registry.prefix.strip("/"), registry.mirror_of
    return RegistryEntry(name=registry.name, type=registry.type, host=host, scheme=scheme, prefix=prefix, mirror_of=mirror_of, auth=setting)


RegistryEntries = tuple[Annotated[RegistryEntry, Parsed(Entry, _entry)], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistriesFile:
    """The normal form of a list of registries, as `wasm_oci registries` writes it."""

    registries: RegistryEntries
    default_registry: str
    plain_http: frozenset[Annotated[str, Parsed(str, check_host)]]
    timeout_seconds: int
    credential_files: tuple[str, ...]
    enable_mirror_fallback: bool
    cache_dir: str
    audit_log: str


def _check_timeout(seconds: int, *, where: str) -> int:
    if not 1 <= seconds <= LONGEST_TIMEOUT:
        raise UsageError(f"{seconds} is not a time", where=where, hint=f"give a number from 1 to {LONGEST_TIMEOUT}")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """What every request of a run target says of registries."""

    registries: RegistryEntries = ()
    plain_http: frozenset[Annotated[str, Parsed(str, check_host)]] = frozenset()
    """The hosts that may be reached without TLS, beside this machine."""
    credential_files: tuple[str, ...] = ()
    """Further files as `docker login` writes them: absolute, or beginning with `~/`."""
    timeout_seconds: Annotated[int, Parsed(int, _check_timeout)] | None = None
    """Longest silence of a registry; None for the program's own limit."""
    ca_file: Runfile | None = None
    """Certificate authorities that are trusted at some hosts in place of all others."""
    ca_hosts: tuple[Annotated[str, Parsed(str, check_host)], ...] = ()
    """The hosts where `ca_file` counts; empty: those of all registries."""
    require_referrers_api: bool = False
    """Whether a registry that is written to must have the referrers API."""
    audit_log: str = ""
    """The folder of the log that records what is published, empty for none; absolute once the request is read."""
    registries_file: Runfile | None = None
    """What takes the place of all members that both have, where there is such a file."""

    @property
    def ca_files(self) -> tuple[str, ...]:
        """A `host[:port]=FILE` for each host where `ca_file` counts."""
        if self.ca_file is None:
            return ()
        hosts = self.ca_hosts or dict.fromkeys(entry.host for entry in self.registries if entry.host)
        return tuple(f"{host}={self.ca_file}" for host in hosts)


Settings = TypeVar("Settings", bound=RegistrySettings)


def read_with_registries(path: Path, kind: type[Settings], environ: Mapping[str, str]) -> Settings:
    """Returns a request with what its file of registries says; raises what `shape.read_request` raises, and UsageError for an entry."""
    request = shape.read_request(path, kind, Runfiles(environ))
    if request.registries_file is not None:
        file = shape.read_request(request.registries_file, RegistriesFile)
        shared = {field.name for field in fields(RegistriesFile)} & {field.name for field in fields(kind)}
        request = replace(request, **{name: getattr(file, name) for name in shared})
    if request.audit_log:
        request = replace(request, audit_log=str(machine_folder(request.audit_log, environ, member="audit_log")))
    return request


def read_registry_config(path: Path) -> RegistriesFile:
    """Returns what a file says that people write, the `config` of a `wkg_registry_config`; raises FormatError, LimitError or UsageError."""
    config = load_registry_config(path, what="registry configuration")
    return shape.read_request_bytes(canonical(config.document()), RegistriesFile, where=str(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings(RegistrySettings):
    """What every request of a run target that publishes says of policies."""

    policies: tuple[Runfile, ...] = ()
    """Files of policies, all of which speak."""
    policy_keys: tuple[PolicyKey, ...] = ()
    """The keys that they name."""
    policy_trust_stores: tuple[Runfile, ...] = ()
    """Trust stores with further keys that they name."""
    statement_keys: tuple[StatementKey, ...] = ()
    """The keys that sign the statements which they require, and for cosign's tag."""
    wasm_tools: Runfile | None = None
    """The program that says whether versions are compatible, if they may ask."""

    @property
    def policy(self) -> PolicyRequest:
        """Raises FormatError for a key that signs statements and has no place, or two."""
        return PolicyRequest(
            policies=self.policies,
            keys=self.policy_keys,
            trust_stores=self.policy_trust_stores,
            statement_keys=tuple(key.signing_key(f"statement_keys[{number}]") for number, key in enumerate(self.statement_keys)),
            wasm_tools=self.wasm_tools,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PushRequest(PolicySettings):
    """What a publish target asks for."""

    layout: Runfile | None
    """None where it is made only when the component is signed."""
    signature: Runfile | None = None
    registry: str = ""
    """An entry's name, or a host; empty: `default_registry`."""
    target_registries: tuple[str, ...] = ()
    """All of them, in place of `registry`, where there are several."""
    fail_fast: bool = True
    """Whether nothing new is begun anywhere after the first failure."""
    namespace: str = ""
    repository: str
    tag: str
    """This and the other tags are filled with values of the workspace status when the request is read."""
    extra_tags: tuple[str, ...] = ()
    """Further tags of the same manifest."""
    stable_status: Runfile | None = None
    """The file of the workspace status; None where no tag has a place for one of its values."""
    default_registry: str = ""
    all_registries: bool = False
    """Whether `target_registries` are all that the file has."""
    movable_tags: frozenset[str] = frozenset()
    dry_run: bool = False
    signing: DeferredSigning | None = None
    """The signature that this run has to make."""
    signers: tuple[SignerRequest, ...] = ()
    """All that signed the image, or will."""
    require_signed: bool = False
    cosign_legacy: bool = False
    """Whether the keys that sign in this run sign for cosign's tag too."""
    target: str = ""
    description: str = ""
    authors: tuple[str, ...] = ()
    license: str = ""

    @property
    def notes(self) -> Mapping[str, Any]:
        """What goes into the result, never into the artifact."""
        notes = {"target": self.target, "description": self.description, "authors": list(self.authors), "license": self.license}
        return {name: value for name, value in notes.items() if value}


def read_push_request(path: Path, environ: Mapping[str, str]) -> PushRequest:
    """Raises what `read_with_registries` raises, and UsageError for a tag that cannot be used.

    A tag with `{STABLE_NAME}` gets the value of the workspace status, and a name that this does not have is a UsageError.
    """
    request = read_with_registries(path, PushRequest, environ)
    where = request.target or str(path)
    if request.layout is None and (request.signing is None or request.signing.image is None):
        raise FormatError("the layout is missing, and no image is made of a signed component", where=f"{path}: layout", hint=BUILD_AGAIN)
    if request.all_registries:
        names = tuple(entry.name for entry in request.registries if not entry.mirror_of)
        if not names:
            raise UsageError("there are no registries", where=where, hint="add some to the config, as `registries: [name|host]`")
        request = replace(request, target_registries=names)
    return _with_tags(request, where=where)


def _with_tags(request: PushRequest, *, where: str) -> PushRequest:
    """Returns the request with tags as they are written, each of them valid."""
    status = WorkspaceStatus(request.stable_status)

    def tag(text: str, member: str) -> str:
        place = f"{where}: {member}"
        return check_tag(status.fill(text, where=f"{place} {text!r}"), where=place)

    return replace(
        request,
        tag=tag(request.tag, "tag"),
        extra_tags=tuple(tag(each, f"extra_tags[{number}]") for number, each in enumerate(request.extra_tags)),
        movable_tags=frozenset(tag(each, "movable_tags") for each in request.movable_tags),
    )
