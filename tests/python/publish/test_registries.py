"""Which registry is meant, and what a repository is called there."""

from __future__ import annotations

from contextlib import closing

import pytest

from wasm_oci.errors import UsageError
from wasm_oci.http.transport import Transport
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.publish.registries import RegistryEntry, choose_registry, split_scheme
from wasm_oci.registry.credentials import AuthSetting

GITHUB = RegistryEntry(name="github", host="ghcr.io", prefix="my-org", auth=AuthSetting(kind="token", variable="T", entry="github"))
OTHER = RegistryEntry(name="other", host="ghcr.io", prefix="other", auth=AuthSetting(kind="anonymous"))
HUB = RegistryEntry(name="hub", host="docker.io")
ENTRIES = (GITHUB, OTHER, HUB)


@pytest.mark.parametrize(
    ("wanted", "default", "name", "reference"),
    [
        ("github", "", "github", "ghcr.io/my-org/team/hello:v1"),
        ("", "hub", "hub", "docker.io/team/hello:v1"),
        ("github", "hub", "github", "ghcr.io/my-org/team/hello:v1"),
        ("ghcr.io", "", "github", "ghcr.io/team/hello:v1"),
        ("ghcr.io/other", "", "other", "ghcr.io/other/team/hello:v1"),
        ("ghcr.io/third", "", "github", "ghcr.io/third/team/hello:v1"),
        ("localhost:5000", "", "localhost:5000", "localhost:5000/team/hello:v1"),
        ("localhost", "", "localhost", "localhost/team/hello:v1"),
        ("quay.io/deep/er", "", "quay.io", "quay.io/deep/er/team/hello:v1"),
    ],
)
def test_a_registry_is_named_by_entry_or_host(wanted: str, default: str, name: str, reference: str) -> None:
    entry = choose_registry(ENTRIES, wanted, default)
    assert entry.name == name
    assert str(entry.reference("team", "hello", "v1")) == reference


def test_credentials_are_found_by_host() -> None:
    assert choose_registry(ENTRIES, "ghcr.io").auth == GITHUB.auth
    assert choose_registry(ENTRIES, "quay.io").auth.kind == "default"


@pytest.mark.parametrize(
    ("entries", "wanted", "problem"),
    [
        (ENTRIES, "gihub", "unknown registry 'gihub'; did you mean github? the names are github, other, hub"),
        (ENTRIES, "zzz", "unknown registry 'zzz'; the names are github, other, hub; or write a host such as ghcr.io"),
        ((), "zzz", "no registry has a name here"),
        (ENTRIES, "", "no registry is named; name one of github, other, hub, or a host"),
        (ENTRIES, "ghcr.io:x", "is not a registry host"),
        (ENTRIES, "https://ghcr.io/my-org/", "'https://ghcr.io/my-org/' is not a registry host; omit the scheme: write ghcr.io/my-org"),
        (ENTRIES, "https://me:hunter2@ghcr.io", "registry: a URL is not a registry host; omit the scheme: write ghcr.io"),
    ],
)
def test_an_unknown_registry_lists_the_names(entries: tuple[RegistryEntry, ...], wanted: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_registry(entries, wanted)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "namespace", "repository", "problem"),
    [
        (HUB, "me/team", "hello", "Docker Hub takes NAMESPACE/NAME, and this is me/team/hello; set name_override"),
        (HUB, "", "hello", "has no namespace, which Docker Hub needs"),
        (GITHUB, "Team", "hello", "write it in lower case: my-org/team/hello"),
        (GITHUB, "team", "hel lo", "is not a repository name"),
    ],
)
def test_names_that_a_registry_would_refuse(entry: RegistryEntry, namespace: str, repository: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        entry.reference(namespace, repository, "v1")
    assert problem in str(caught.value)


def test_a_missing_variable_is_named_before_any_request() -> None:
    with (
        closing(Transport(environ={})) as transport,
        pytest.raises(UsageError, match="registry entry 'github': environment variable T is not set"),
    ):
        GITHUB.store("team", "hello", transport=transport, environ={})


def test_a_layout_is_a_destination() -> None:
    entry = RegistryEntry(name="disk", type="layout", path="/srv/layout")
    with closing(Transport(environ={})) as transport:
        store = entry.store("team", "hello", transport=transport, environ={})
    assert isinstance(store, LayoutStore)
    assert store.name == "/srv/layout"


def test_schemes() -> None:
    assert split_scheme("https://localhost:1/", where="") == ("https", "localhost:1")
    assert split_scheme("http://127.0.0.1:1", where="") == ("http", "127.0.0.1:1")
    assert split_scheme("ghcr.io", where="") == ("", "ghcr.io")
    with pytest.raises(UsageError, match="plain http is refused"):
        split_scheme("http://ghcr.io", where="")
