"""`wasm_oci release`: many requests as one release, and what it says of releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.artifacts import Image, layout_of, public, signed_image
from fakes.program import Ended, Run, tag_of, writes
from fakes.release_files import NAMES, entry, push_document, request
from instruments.effects import Stall
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.limits import LIMITS
from wasm_oci.oci.layout_store import LayoutStore


@pytest.fixture
def registry() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


@pytest.fixture
def second() -> Iterator[RunningRegistry]:
    with start() as running:
        yield running


def changed(members: dict[str, Image], folder: Path) -> dict[str, Image]:
    """Another `two`, no `three`, and a new `four`."""
    return {
        "one": members["one"],
        "two": signed_image(folder / "two2", text="two, changed"),
        "four": signed_image(folder / "four", text="four"),
    }


def reference(registry: RunningRegistry, tag: str) -> str:
    return f"{registry.host}/releases:{tag}"


def test_a_release_file_goes_to_every_registry(
    run: Run, registry: RunningRegistry, second: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    file = request(tmp_path, members, entry("first", registry), entry("second", second, "mirror"))
    ended = run("release", "--request", file)
    assert ended.code == 0
    assert f"Released {registry.host}/releases:v1" in ended.out
    assert f"Released {second.host}/mirror/releases:v1" in ended.out
    assert ended.out.endswith("\n3 artifacts at 2 registries: 6 published\n")
    for running, prefix in ((registry, ""), (second, "mirror/")):
        assert [tag_of(running, f"{prefix}apps/{name}", "latest") for name in NAMES] == [members[name].digest for name in NAMES]
    assert tag_of(registry, "releases", "v1") == tag_of(second, "mirror/releases", "v1")


def test_a_dry_run_writes_nothing_and_a_second_run_is_unchanged(
    run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    file = request(tmp_path, members, entry("first", registry))
    planned = run("release", "--request", file, "--dry-run", "--output", "json")
    assert (planned.code, writes(registry), planned.document["dryRun"]) == (0, [], True)
    done = run("release", "--request", file, "--output", "json")
    assert [each["digest"] for each in done.document["releases"]] == [each["digest"] for each in planned.document["releases"]]
    again = run("release", "--request", file)
    assert "Unchanged: 4 of 4" in again.out
    assert "3 unchanged" in again.out


def test_registries_are_in_the_order_of_the_request_whichever_answers_first(
    run: Run, registry: RunningRegistry, second: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    registry.faults.add(Fault(path="/releases/manifests/", effect=Stall(seconds=0.3)))
    ended = run("release", "--request", request(tmp_path, members, entry("first", registry), entry("second", second)), "--dry-run")
    heads = [line for line in ended.out.splitlines() if line.endswith("/releases")]
    assert heads == [f"Plan for {each.host}/releases" for each in (registry, second)]


def test_many_artifacts_have_a_line_each_and_what_needs_a_look_is_in_full(
    run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    many = {f"many-{number}": members["two"] for number in range(30)}
    assert run("push", members["three"].folder, f"{registry.host}/apps/many-7:v0").code == 0
    other = push_document("many-7", members["two"], tag="v0", movable_tags=[])
    file = request(tmp_path, many, entry("first", registry))
    (tmp_path / "many-7.json").write_text(json.dumps({"schema_version": 1, **other}))
    ended = run("release", "--request", file, "--dry-run")
    assert ended.code == 7
    lines = ended.out.splitlines()
    for number in set(range(30)) - {7}:
        assert sum(f"/apps/many-{number} " in line and "latest create" in line for line in lines) == 1
    assert sum(line.startswith("Plan for ") for line in lines) == 3, "all artifacts in short, one that is refused, and the index"
    assert f"  tag       v0  refused: it already names {members['three'].digest}" in lines
    assert "  beside    1 manifest of its members" in lines, "all members are the same"
    assert len(lines) < 60


@pytest.mark.parametrize("padding", [0, LIMITS.checked_early + LIMITS.chunk])
def test_what_another_program_pushed_with_a_signature_that_does_not_fit_is_not_put_beside_the_index(
    run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path, padding: int
) -> None:
    """Nothing is to be done in its own repository."""
    signed = signed_image(tmp_path / "signed", padding=padding)
    other = layout_of(tmp_path / "other", signed.wasm.replace(b"hello", b"jello"))
    assert run("promote", f"{other.folder}:v1", f"{registry.host}/apps/one:latest").code == 0
    registry.requests.clear()
    for arguments in (["--dry-run"], []):
        ended = run("release", "--request", request(tmp_path, {**members, "one": other}, entry("first", registry)), *arguments)
        assert (ended.code, "the signature is not of this component" in ended.err, writes(registry)) == (4, True, [])


def test_what_one_registry_is_refused_is_not_put_beside_the_index_of_another(
    run: Run, registry: RunningRegistry, second: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    """It is there in its own repository at the second registry, and is sent to the first."""
    signed = signed_image(tmp_path / "signed", padding=LIMITS.checked_early + LIMITS.chunk)
    other = layout_of(tmp_path / "other", signed.wasm.replace(b"hello", b"jello"))
    assert run("promote", f"{other.folder}:v1", f"{second.host}/apps/one:latest").code == 0
    file = request(tmp_path, {**members, "one": other}, entry("first", registry), entry("second", second), fail_fast=False)
    second.requests.clear()
    ended = run("release", "--request", file)
    assert (ended.code, writes(registry), writes(second)) == (4, [], [])


def test_show_names_every_member(run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path) -> None:
    run("release", "--request", request(tmp_path, members, entry("first", registry)))
    shown = run("release", "show", reference(registry, "v1"), "--output", "json").document
    assert {(member["repository"], member["digest"]) for member in shown["members"]} == {
        (f"apps/{name}", str(members[name].digest)) for name in NAMES
    }
    assert "apps/one" in run("release", "show", reference(registry, "v1")).out


def test_diff_names_exactly_what_was_changed(run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path) -> None:
    run("release", "--request", request(tmp_path, members, entry("first", registry)))
    later = changed(members, tmp_path)
    assert run("release", "--request", request(tmp_path, later, entry("first", registry), tag="v2")).code == 0
    ended = run("release", "diff", reference(registry, "v1"), reference(registry, "v2"), "--output", "json")
    found = {(each["change"], each["repository"]) for each in ended.document["changes"]}
    assert found == {("new", "apps/four"), ("changed", "apps/two"), ("gone", "apps/three")}
    words = run("release", "diff", reference(registry, "v1"), reference(registry, "v2")).out
    assert f"~ apps/two  {members['two'].digest} -> {later['two'].digest}" in words
    assert "1 new, 1 changed, 1 gone" in words
    assert run("release", "diff", reference(registry, "v2"), reference(registry, "v2")).out == "No difference\n"


def verify(run: Run, registry: RunningRegistry, folder: Path, signer: int = 1) -> Ended:
    key = folder / f"{signer}.public"
    key.write_bytes(public(signer).compact())
    return run("release", "verify", reference(registry, "v1"), "-K", key, "--output", "json")


def test_verify_accepts_a_release_that_is_whole_and_signed(
    run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    run("release", "--request", request(tmp_path, members, entry("first", registry)))
    ended = verify(run, registry, tmp_path)
    assert (ended.code, ended.document["findings"], ended.document["signaturesVerified"]) == (0, [], True)
    unverified = run("release", "verify", reference(registry, "v1"))
    assert (unverified.code, "signatures not verified" in unverified.out) == (0, True)


def test_verify_refuses_another_key(run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path) -> None:
    run("release", "--request", request(tmp_path, members, entry("first", registry)))
    ended = verify(run, registry, tmp_path, signer=2)
    assert (ended.code, {each["problem"] for each in ended.document["findings"]}) == (4, {"not signed as asked"})
    assert len(ended.document["findings"]) == 3


@pytest.mark.parametrize(
    "case",
    [("manifest", "missing"), ("layer", "missing"), ("referrer", "referrer missing"), ("tag", "tag elsewhere")],
    ids=lambda case: case[0],
)
def test_verify_finds_what_is_missing(
    run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path, case: tuple[str, str]
) -> None:
    what, problem = case
    run("release", "--request", request(tmp_path, members, entry("first", registry)))
    beside, own, image = LayoutStore(registry.state / "releases"), LayoutStore(registry.state / "apps/one"), members["one"]
    if what == "manifest":
        beside.delete_manifest(image.digest)
    elif what == "layer":
        beside.delete_blob(image.manifest.layers[0].digest)
    elif what == "referrer":
        beside.delete_manifest(next(iter(beside.referrers(image.digest))).digest)
    else:
        own.delete_tag("latest")
    ended = run("release", "verify", reference(registry, "v1"), "--output", "json")
    assert (ended.code, [each["problem"] for each in ended.document["findings"]]) == (4, [problem])


def test_a_tag_that_was_moved_is_found_and_written_again_with_ask_all(
    run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path
) -> None:
    file = request(tmp_path, members, entry("first", registry))
    run("release", "--request", file)
    LayoutStore(registry.state / "apps/two").delete_tag("latest")
    assert run("release", "--request", file).code == 0
    assert tag_of(registry, "apps/two", "latest") is None
    assert run("release", "--request", file, "--ask-all").code == 0
    assert tag_of(registry, "apps/two", "latest") == members["two"].digest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to release"),
        (("show",), "release show takes 1 reference, not 0; write wasm_oci release show REFERENCE"),
        (("diff", "a.example/b:c"), "release diff takes 2 references, not 1; write wasm_oci release diff REFERENCE REFERENCE"),
        (("show", "a.example/b:c", "--dry-run"), "the option is for publishing"),
        (("apps",), "not a pattern of targets"),
        (("//apps/...",), "needs a repository and a tag"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, arguments: tuple[str, ...], words: str) -> None:
    ended = run("release", *arguments)
    assert ended.code == 2
    assert words in ended.err


def test_an_image_is_no_release(run: Run, registry: RunningRegistry, members: dict[str, Image], tmp_path: Path) -> None:
    run("release", "--request", request(tmp_path, members, entry("first", registry)))
    ended = run("release", "show", f"{registry.host}/apps/one:latest")
    assert (ended.code, "not a release" in ended.err) == (2, True)
