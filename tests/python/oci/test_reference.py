"""References: the grammar of the distribution specification, and what is said about everything else."""

from __future__ import annotations

import ast

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.digest import Digest
from wasm_oci.errors import UsageError
from wasm_oci.http.host import check_host, is_loopback, split_host
from wasm_oci.oci.reference import Reference, check_repository, check_tag

DIGEST = "sha256:" + "ab" * 32
HOSTS: dict[str, list[str]] = ast.literal_eval((TESTDATA / "hosts.bzl").read_text().partition("HOSTS = ")[2])


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag", "digest"),
    [
        ("localhost/a", "localhost", "a", None, None),
        ("localhost:5000/wasm-examples/examples/hello:v1.0.0", "localhost:5000", "wasm-examples/examples/hello", "v1.0.0", None),
        (f"ghcr.io/my-org/app@{DIGEST}", "ghcr.io", "my-org/app", None, DIGEST),
        (f"ghcr.io/my-org/app:1@{DIGEST}", "ghcr.io", "my-org/app", "1", DIGEST),
        ("[::1]:5000/a__b/c-d.e_f:_tag", "[::1]:5000", "a__b/c-d.e_f", "_tag", None),
        ("Registry.Example/a---b:Tag", "Registry.Example", "a---b", "Tag", None),
    ],
)
def test_parse_and_write_again(text: str, registry: str, repository: str, tag: str | None, digest: str | None) -> None:
    parsed = Reference.parse(text)
    expected = Digest(digest) if digest else None
    assert parsed == Reference(registry=registry, repository=repository, tag=tag, digest=expected)
    assert str(parsed) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no registry host"),
        ("hello", "has no registry host"),
        ("ghcr.io", "'ghcr.io' names no repository; write ghcr.io/REPOSITORY:TAG"),
        ("localhost", "'localhost' names no repository"),
        ("localhost:5000", "'localhost:5000' names no repository; write localhost:5000/REPOSITORY:TAG"),
        ("library/hello:latest", "has no registry host"),
        ("http://localhost:5000/a", "omit the scheme"),
        ("oci://localhost:5000/a", "omit the scheme"),
        ("ghcr.io/My-Org/App:1", "write it in lower case: my-org/app"),
        ("ghcr.io/a//b", "is not a repository name"),
        ("ghcr.io/../b", "is not a repository name"),
        ("ghcr.io/a/", "'a/' is not a repository name; omit '/' at its ends: write a"),
        ("ghcr.io/a b", "is not a repository name"),
        ("ghcr.io/-a", "is not a repository name"),
        ("ghcr.io/a___b", "is not a repository name"),
        ("ghcr.io/a\n", "is not a repository name"),
        ("ghcr.io/" + "a" * 300, "at most 255 characters"),
        ("ghcr.io/" + "a" * 250, "use a shorter name"),
        ("ghcr.io/a:", "is not a tag"),
        ("ghcr.io/a:.b", "is not a tag"),
        ("ghcr.io/a:b+c", "is not a tag"),
        ("ghcr.io/a:" + "b" * 129, "is not a tag"),
        ("ghcr.io/a:b\n", "is not a tag"),
        ("ghcr.io/a@", "is not a digest"),
        ("ghcr.io/a@sha256:abc", "is not a digest"),
        (f"ghcr.io/a@{DIGEST.upper()}", "is not a digest"),
        (f"ghcr.io/a@{DIGEST}@{DIGEST}", "is not a digest"),
        ("ghcr.io:0/a", "is not a registry host"),
        ("ghcr.io:65536/a", "is not a registry host"),
        ("ghcr.io:x/a", "is not a registry host"),
        ("-x.io/a", "is not a registry host"),
        ("a..b/a", "is not a registry host"),
        ("[::g]:1/a", "is not a registry host"),
        ("[1.2.3.4]:1/a", "is not a registry host"),
        ("docker.io/hello:latest", "write docker.io/NAMESPACE/hello"),
    ],
)
def test_refused_with_what_to_do(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Reference.parse(text, where="here")
    assert message in str(caught.value)
    assert str(caught.value).startswith("here: ")
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "user:s3cret@ghcr.io/a:1",
        "https://user:s3cret@ghcr.io/a:1",
        "user:s3cret@ghcr.io",
        "user:s3cret@localhost:5000",
        "https://user:s3cret@ghcr.io",
        "user:x@s3cret@ghcr.io",
        "user:x/s3cret@ghcr.io",
        "user:s3cret@",
    ],
)
def test_a_password_is_not_repeated(text: str) -> None:
    with pytest.raises(UsageError, match="remove user and password") as caught:
        Reference.parse(text)
    assert "s3cret" not in repr(caught.value)


def test_docker_hub_has_another_host_for_its_api() -> None:
    reference = Reference.parse("docker.io/library/hello:1")
    assert (reference.registry, reference.api_host) == ("docker.io", "registry-1.docker.io")
    assert Reference.parse("ghcr.io/a/b:1").api_host == "ghcr.io"


def test_with_digest_replaces_the_tag() -> None:
    reference = Reference.parse("ghcr.io/a/b:1")
    pinned = reference.with_digest(Digest(DIGEST))
    assert str(pinned) == f"ghcr.io/a/b@{DIGEST}"
    assert reference.name == "ghcr.io/a/b"


@pytest.mark.parametrize("host", HOSTS["loopback"])
def test_loopback(host: str) -> None:
    assert is_loopback(check_host(host))
    assert is_loopback(split_host(host)[0])


@pytest.mark.parametrize("host", HOSTS["elsewhere"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(check_host(host))
    assert not is_loopback(split_host(host)[0])


@pytest.mark.parametrize("host", HOSTS["not_hosts"])
def test_what_is_not_a_host(host: str) -> None:
    with pytest.raises(UsageError, match="is not a registry host"):
        check_host(host)


def test_split_host() -> None:
    assert split_host("[::1]:5000") == ("::1", 5000)
    assert split_host("ghcr.io") == ("ghcr.io", None)


def test_the_checks_return_what_they_checked() -> None:
    assert check_host("ghcr.io:443") == "ghcr.io:443"
    assert check_repository("a/b") == "a/b"
    assert check_tag("t" * 128) == "t" * 128


def test_a_hostile_name_takes_no_long_time() -> None:
    with pytest.raises(UsageError):
        check_repository("a-" * 100_000 + "A")
    with pytest.raises(UsageError):
        check_host("a-" * 100_000 + "/")
