"""`--require-referrers-api`, and the attribute of that name: a registry that lists referrers by a fallback tag only is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.artifacts import Image
from fakes.program import NAME, Run, push, request_file, tag_of, writes
from fakes.release_files import entry, request
from instruments.effects import Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.oci.layout_store import LayoutStore

Publish = Callable[[Run, RunningRegistry, Image, Path], list[object]]

UNKNOWN = Reply(status=404, body=b'{"errors":[{"code":"NAME_UNKNOWN"}]}')


def by_option(run: Run, registry: RunningRegistry, image: Image, folder: Path) -> list[object]:
    del run, folder
    return ["push", image.folder, f"{registry.host}/{NAME}:v1", "--require-referrers-api"]


def by_request(run: Run, registry: RunningRegistry, image: Image, folder: Path) -> list[object]:
    del run
    return ["push", "--request", request_file(folder, image, registries=[entry("here", registry)], require_referrers_api=True)]


def by_promotion(run: Run, registry: RunningRegistry, image: Image, folder: Path) -> list[object]:
    del run, folder
    return ["promote", image.folder, f"{registry.host}/{NAME}:v1", "--require-referrers-api"]


def by_promotion_request(run: Run, registry: RunningRegistry, image: Image, folder: Path) -> list[object]:
    del run
    document = {"source": str(image.folder), "destination": f"{registry.host}/{NAME}", "tags": ["v1"], "require_referrers_api": True}
    (folder / "promote.json").write_text(json.dumps({"schema_version": 1, **document}))
    return ["promote", "--request", folder / "promote.json"]


@pytest.mark.parametrize("command", [by_option, by_request, by_promotion, by_promotion_request])
def test_it_is_refused_before_anything_is_written(run: Run, images: tuple[Image, Image], tmp_path: Path, command: Publish) -> None:
    with start(referrers_api=False) as without, start() as having:
        for dry_run in ("--dry-run", "--no-dry-run"):
            ended = run(*command(run, without, images[0], tmp_path), dry_run, "--output", "json")
            assert (ended.code, "the registry has no referrers API" in ended.err, writes(without)) == (6, True, [])
        assert run(*command(run, having, images[0], tmp_path)).code == 0
        assert tag_of(having, NAME, "v1") == images[0].digest
        assert run(*command(run, having, images[0], tmp_path)).code == 0, "unchanged"


def test_a_release_goes_on_at_the_registries_that_have_it(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    with start(referrers_api=False) as without, start() as having:
        registries = [entry("without", without), entry("having", having)]
        ended = run("release", "--request", request(tmp_path, {"one": images[0]}, *registries, require_referrers_api=True))
        assert (ended.code, "the registry has no referrers API" in ended.err, writes(without)) == (6, True, [])
        assert tag_of(having, "releases", "v1")


def test_a_member_that_requires_it_does_so_for_its_release(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    with start(referrers_api=False) as without:
        release = request(tmp_path, {"one": images[0], "two": images[1]}, entry("without", without))
        member = json.loads((tmp_path / "two.json").read_text())
        (tmp_path / "two.json").write_text(json.dumps(member | {"require_referrers_api": True}))
        ended = run("release", "--request", release)
        assert (ended.code, "the registry has no referrers API" in ended.err, writes(without)) == (6, True, [])


def test_a_folder_lists_its_referrers_itself(run: Run, images: tuple[Image, Image], tmp_path: Path) -> None:
    assert run("push", images[0].folder, f"{tmp_path}/disk:v1", "--require-referrers-api").code == 0
    assert LayoutStore(tmp_path / "disk").tags() == ("v1",)


@pytest.mark.parametrize("api", [True, False])
def test_a_registry_that_does_not_know_the_repository_yet_is_asked_again_before_the_tag(
    run: Run, images: tuple[Image, Image], api: bool
) -> None:
    """Some that have the API do not find a repository that nothing was pushed to."""
    with start(referrers_api=api) as registry:
        fault = registry.faults.add(Fault(method="GET", path="/referrers/", effect=UNKNOWN, times=2))
        ended = push(run, images[0], registry, "v1", "--require-referrers-api")
        assert (ended.code, fault.hits) == (0 if api else 6, 2)
        assert (tag_of(registry, NAME, "v1") if api else None) == (images[0].digest if api else None)
