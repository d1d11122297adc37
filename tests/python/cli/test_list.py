"""`wasm_oci list`: tags, digests and the key ids in signatures, within limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.artifacts import component, layout_of, public, signed_image
from fakes.clients import client_of, put_blob
from fakes.program import NAME, Run
from instruments.effects import Hangup, Reply
from instruments.faults import Fault
from instruments.registry import RunningRegistry, start
from wasm_oci.limits import LIMITS
from wasm_oci.oci.manifest import Index, signature_referrer
from wasm_oci.registry.referrers import attach

IDS = {number: public(number).key_id.hex() for number in (1, 2)}


@pytest.fixture
def repository(run: Run, registry: RunningRegistry, tmp_path: Path) -> str:
    """Four tags: signed inside, signed beside, not signed, and an index."""
    name = f"{registry.host}/{NAME}"
    embedded, detached = signed_image(tmp_path / "embedded"), signed_image(tmp_path / "detached", signer=2, detached=True)
    unsigned = layout_of(tmp_path / "unsigned", component("none"))
    for image, tags in ((embedded, ("1.0.0", "latest")), (detached, ("2.0.0",)), (unsigned, ("3.0.0",))):
        given = ["--signature-file", image.signature] if image.signature else []
        for tag in tags:
            assert run("push", image.folder, f"{name}:{tag}", *given, "--move-tags").code == 0
    with client_of(registry) as client:
        client.put_manifest("index", Index().raw, Index.MEDIA_TYPE)
    registry.requests.clear()
    return name


def test_tags_with_digests_and_signers(run: Run, registry: RunningRegistry, repository: str) -> None:
    ended = run("list", repository, "--output", "json")
    assert (ended.code, ended.err, ended.document["repository"], ended.document["total"]) == (0, "", repository, 5)
    found = {entry["tag"]: entry for entry in ended.document["tags"]}
    assert list(found) == ["1.0.0", "2.0.0", "3.0.0", "index", "latest"]
    assert found["1.0.0"]["signers"] == found["latest"]["signers"] == [{"keyId": IDS[1], "signature": "embedded"}]
    assert found["2.0.0"]["signers"] == [{"keyId": IDS[2], "signature": "detached"}]
    assert found["3.0.0"]["signers"] == found["index"]["signers"] == []
    assert found["1.0.0"]["digest"] == found["latest"]["digest"] != found["2.0.0"]["digest"]
    assert {record.method for record in registry.requests} <= {"GET", "HEAD"}
    ended = run("list", repository)
    assert ended.out.startswith(
        f"{repository}: 5 tags; signatures are not verified here\n  1.0.0\n    {found['1.0.0']['digest']}"
        f"  not verified: claims key {IDS[1]}\n"
    )
    assert f"  3.0.0\n    {found['3.0.0']['digest']}  not signed\n" in ended.out
    assert max(map(len, ended.out.splitlines())) <= 160


def test_a_layout_folder(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image")
    for name in (str(image.folder), f"oci:{image.folder}", "./image/layout"):
        ended = run("list", name, "--output", "json")
        assert (ended.code, [entry["tag"] for entry in ended.document["tags"]]) == (0, ["v1"])
        assert ended.document["tags"][0]["signers"] == [{"keyId": IDS[1], "signature": "embedded"}]
    assert run("list", "./nothing").code == 2


def test_no_more_than_the_limit_is_asked_for(run: Run, registry: RunningRegistry, repository: str) -> None:
    ended = run("list", repository, "--limit", "1")
    assert (ended.code, ended.out.count("sha256:")) == (0, 1)
    assert ended.out.endswith("  4 more: list them with --limit 5\n")
    assert not any("2.0.0" in record.path for record in registry.requests)
    for number in ("0", "-1", str(LIMITS.listed_tags + 1), "many"):
        assert run("list", repository, f"--limit={number}").code == 2


def test_a_tag_that_cannot_be_read_hides_no_other_and_is_not_called_unsigned(run: Run, registry: RunningRegistry, repository: str) -> None:
    registry.faults.add(Fault(path="/manifests/2.0.0", effect=Reply(status=403), times=None))
    ended = run("list", repository, "--output", "json")
    found = {entry["tag"]: entry for entry in ended.document["tags"]}
    assert (ended.code, ended.is_one_clear_error, len(found)) == (5, True, 5)
    assert (found["2.0.0"]["digest"], found["2.0.0"]["signers"], found["2.0.0"]["error"]["exitCode"]) == (None, None, 5)
    assert found["1.0.0"]["signers"]
    assert "  2.0.0\n    digest unknown  signers unknown\n" in run("list", repository).out


def test_signatures_that_cannot_be_listed_are_not_absent(run: Run, tmp_path: Path) -> None:
    with start() as registry:
        image = layout_of(tmp_path / "layout", component())
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        registry.faults.add(Fault(path="/referrers/", effect=Hangup(), times=None))
        ended = run("list", f"{registry.host}/{NAME}")
        assert (ended.code, "signers unknown" in ended.out, "not signed" in ended.out) == (6, True, False)


def test_a_signature_that_is_none_is_an_error(run: Run, tmp_path: Path) -> None:
    with start() as registry:
        image = layout_of(tmp_path / "layout", component())
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        with client_of(registry) as client:
            for blob in (b"{}", b"junk"):
                put_blob(client, blob)
            attach(client, signature_referrer(image.manifest.descriptor(), b"junk"))
        assert run("list", f"{registry.host}/{NAME}").code == 4


@pytest.mark.parametrize("text", ["HOST/library/hello:v1", "HOST/library/hello@sha256:" + "0" * 64, "hello", "HOST/Hello"])
def test_what_is_no_repository(run: Run, text: str) -> None:
    with start() as registry:
        ended = run("list", text.replace("HOST", registry.host))
        assert (ended.code, ended.is_one_clear_error, registry.requests) == (2, True, [])


def test_a_large_component_is_not_read_whole(run: Run, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", padding=20_000_000)
    with start() as registry:
        assert run("push", image.folder, f"{registry.host}/{NAME}:v1").code == 0
        ended = run("list", f"{registry.host}/{NAME}", "--output", "json")
        assert ended.document["tags"][0]["signers"] == [{"keyId": IDS[1], "signature": "embedded"}]


def test_an_absent_repository(run: Run, registry: RunningRegistry) -> None:
    ended = run("list", f"{registry.host}/absent")
    assert (ended.code, ended.err.partition("; ")[2]) == (6, "check the repository's name\n")
