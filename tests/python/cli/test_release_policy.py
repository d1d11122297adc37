"""Policies of releases and promotions: members are judged each, and the release index for where it goes and its tags."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.artifacts import component, layout_of
from fakes.program import Run, request_file, tag_of, writes
from fakes.release_files import entry
from instruments.registry import RunningRegistry


@pytest.fixture
def release(tmp_path: Path, registry: RunningRegistry) -> Callable[..., Path]:
    """Writes the request of a release with one member that is tagged 1.0.0, and its policy."""
    image = layout_of(tmp_path / "layout", component())
    member = request_file(tmp_path, image, registries=[entry("here", registry)], signature=None, tag="1.0.0").rename(
        tmp_path / "member.json"
    )

    def written(policy: str, **change: Any) -> Path:
        (tmp_path / "p.yaml").write_text(policy)
        document = {
            "schema_version": 1,
            "requests": [str(member)],
            "repository": "releases",
            "tag": "2.0.0",
            "registries": [entry("here", registry)],
            "policies": [str(tmp_path / "p.yaml")],
            "target": "//:release",
        }
        path = tmp_path / "release.json"
        path.write_text(json.dumps(document | change))
        return path

    return written


@pytest.mark.parametrize(
    ("policy", "change", "problem"),
    [
        ("always: {tags: {semver: true}}", {"tag": "r1"}, "release index releases: always ({p}:1) denies it: tag 'r1' is not a semantic"),
        ("always: {tags: {semver: true}}", {"extra_tags": ["latest"]}, "tag 'latest' is not a semantic version"),
        ("always: {tags: {denied: ['2.*']}}", {}, "tag '2.0.0' is denied by the pattern 2.*"),
        (
            "components: [{pattern: releases, namespaces: [apps]}]\ndefault: {max_size: 10000}",
            {},
            "it has no namespace; use one that matches apps",
        ),
        ("components: [{pattern: releases, allowed_registries: [ghcr.io]}]\ndefault: {max_size: 10000}", {}, "is not allowed; use ghcr.io"),
        ("components: [{pattern: releases, plain_http: denied}]\ndefault: {max_size: 10000}", {}, "is reached over plain HTTP"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--dry-run",)])
def test_what_is_denied_of_the_index_writes_nothing(
    run: Run, registry: RunningRegistry, tmp_path: Path, *, release: Callable[..., Path], policy: str, change: Any, problem: str, flags: Any
) -> None:
    ended = run("release", "--request", release(policy, **change), "--output", "json", *flags)
    assert (ended.code, writes(registry)) == (3, [])
    assert problem.format(p=tmp_path / "p.yaml") in ended.err
    (verdict,) = ended.document["verdicts"]
    assert verdict["decision"] == "deny"


@pytest.mark.parametrize(
    "policy",
    [
        "always: {tags: {semver: true}}",
        "always: {max_size: 10000}",
        "components: [{pattern: hello, tags: {denied: ['2.*']}}]",
        "mode: warn\nalways: {tags: {denied: ['2.*']}}",
        "always: {max_size: 10000, plain_http: loopback}",
    ],
)
def test_what_is_allowed_is_released(run: Run, registry: RunningRegistry, release: Callable[..., Path], policy: str) -> None:
    ended = run("release", "--request", release(policy))
    assert ended.code == 0, ended.err
    assert tag_of(registry, "releases", "2.0.0") is not None


def test_an_override_is_for_the_index_too(run: Run, registry: RunningRegistry, release: Callable[..., Path]) -> None:
    policy = "always: {tags: {semver: true}}\n"
    policy += "overrides: [{name: now, checks: [tag], components: ['*'], reason: late, approved_by: Ada, expires: 2999-01-01}]"
    path = release(policy, tag="r1")
    assert run("release", "--request", path).code == 3
    assert run("release", "--request", path, "--override", "now", "--override-reason", "late").code == 0
    assert tag_of(registry, "releases", "r1") is not None


def test_an_override_that_only_a_member_has_lifts_nothing_of_the_index(
    run: Run, registry: RunningRegistry, tmp_path: Path, release: Callable[..., Path]
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "always: {max_size: 1}\n"
        "overrides: [{name: now, checks: [size, tag], components: ['*'], reason: late, approved_by: Ada, expires: 2999-01-01}]"
    )
    path = release("always: {tags: {semver: true}}", tag="r1")
    member = tmp_path / "member.json"
    member.write_text(json.dumps(json.loads(member.read_text()) | {"policies": [str(own)]}))
    asked = ("release", "--request", path, "--override", "now", "--override-reason", "late")
    ended = run(*asked)
    assert (ended.code, writes(registry)) == (3, [])
    assert "release index releases: always" in ended.err
    assert run(*asked, "--tag", "2.0.0").code == 0
    assert tag_of(registry, "releases", "2.0.0") is not None


def test_a_promotion_judges_the_index_and_each_member(
    run: Run, registry: RunningRegistry, tmp_path: Path, release: Callable[..., Path]
) -> None:
    assert run("release", "--request", release("always: {max_size: 10000}")).code == 0
    source, there = f"{registry.host}/releases:2.0.0", f"{registry.host}/production/releases"
    policy, sent = tmp_path / "production.yaml", writes(registry)

    def promote(text: str, *flags: object) -> tuple[int, str]:
        policy.write_text(text)
        ended = run("promote", source, there, "--policy", policy, *flags)
        return ended.code, ended.err

    code, err = promote("components: [{pattern: releases, tags: {denied: ['2.*']}}]\ndefault: {max_size: 10000}")
    assert (code, writes(registry)) == (3, sent)
    assert "release index production/releases" in err
    code, err = promote("components: [{pattern: hello, max_size: 1}]\nalways: {tags: {semver: true}}")
    assert (code, "more than 1 bytes" in err, writes(registry)) == (3, True, sent)
    assert promote("always: {tags: {semver: true}, max_size: 10000}") == (0, "")
