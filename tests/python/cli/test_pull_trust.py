"""`wasm_oci pull`: keys that are counted over several published signatures, and what goes with --allow-unsigned."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.artifacts import CONFIG, Image, component, key, layout_of, public, signed_image
from fakes.clients import client_of, put_blob
from fakes.program import NAME, Ended, Run
from instruments.registry import RunningRegistry, start
from wasm_oci.oci.descriptor import MANIFEST_MEDIA_TYPE
from wasm_oci.oci.manifest import signature_referrer
from wasm_oci.registry.referrers import attach

IDS = {number: public(number).key_id.hex() for number in (1, 2, 3)}


def store(folder: Path, **members: str) -> Path:
    """A list of the keys 1, 2 and 3; `kN` is a further member of key N."""
    path = folder / "list.yaml"
    lines = []
    for number in IDS:
        lines += [f"  - name: key{number}", f"    public_key: {public(number).openssh().decode().strip()}"]
        if more := members.get(f"k{number}"):
            lines.append(f"    {more}")
    path.write_text("\n".join(["keys:", *lines, ""]))
    return path


def publish(registry: RunningRegistry, image: Image, *signatures: bytes) -> str:
    """Stores an image and what is said to be its signatures, true or not."""
    with client_of(registry) as client:
        for blob in (b"{}", CONFIG, image.wasm):
            put_blob(client, blob)
        client.put_manifest("v1", image.manifest.raw, MANIFEST_MEDIA_TYPE)
        for signature in signatures:
            put_blob(client, signature)
            attach(client, signature_referrer(image.manifest.descriptor(), signature))
    registry.requests.clear()
    return f"{registry.host}/{NAME}:v1"


def signature_of(folder: Path, signer: int, *, text: str = "hello") -> bytes:
    """The detached signature of one component by one key."""
    image = signed_image(folder / f"{text}{signer}", signer=signer, text=text, detached=True)
    assert image.signature
    return image.signature.read_bytes()


@pytest.fixture
def pull(run: Run, tmp_path: Path) -> Run:
    def pulls(*args: object) -> Ended:
        output = tmp_path / "pulled.wasm"
        output.unlink(missing_ok=True)
        ended = run("pull", *args, "-o", output)
        assert output.exists() == (ended.code == 0)
        assert ended.code == 0 or ended.is_one_clear_error
        return ended

    return pulls


def test_no_more_is_asked_than_is_needed(pull: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    reference = publish(registry, signed_image(tmp_path / "image"))
    assert pull(reference, "--trusted-keys", store(tmp_path)).code == 0
    assert not any("/referrers/" in record.path or "/sha256-" in record.path for record in registry.requests)
    assert pull(reference, "--trusted-keys", store(tmp_path), "--threshold", "2").code == 4
    assert any("/referrers/" in record.path or "/sha256-" in record.path for record in registry.requests)


def test_keys_of_several_signatures_are_counted_together(pull: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    signatures = [signature_of(tmp_path, signer) for signer in (1, 2)]
    reference = publish(registry, image, b"junk", signature_of(tmp_path, 3, text="other"), *signatures)
    ended = pull(reference, "--trusted-keys", store(tmp_path), "--threshold", "2", "--output", "json")
    assert ended.code == 0, ended.err
    assert ended.document["signature"]["keyNames"] == ["key1", "key2"]
    ended = pull(reference, "--trusted-keys", store(tmp_path), "--threshold", "3")
    assert ended.code == 4
    assert f"2 of the 3 required trusted keys signed it: key1 ({IDS[1]}), key2 ({IDS[2]});" in ended.err
    assert pull(reference, "--trusted-keys", store(tmp_path, k1="revoked: true"), "--threshold", "2").code == 4


def test_a_key_counts_once_over_all_signatures(pull: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    one = signature_of(tmp_path, 1)
    twice = one[:3] + bytes([2]) + one[4:] + one[4:]
    reference = publish(registry, image, one, twice)
    assert pull(reference, "--trusted-keys", store(tmp_path)).code == 0
    ended = pull(reference, "--trusted-keys", store(tmp_path), "--threshold", "2")
    assert (ended.code, "1 of the 2 required trusted keys" in ended.err) == (4, True)


def test_revoked_is_not_made_good_by_allow_unsigned(pull: Run, registry: RunningRegistry, tmp_path: Path) -> None:
    image = signed_image(tmp_path / "image", detached=True)
    reference = publish(registry, image, signature_of(tmp_path, 1))
    ended = pull(reference, "--trusted-keys", store(tmp_path, k1="revoked: true"), "--allow-unsigned", "--output", "json")
    assert (ended.code, ended.document["error"]["reason"]) == (4, "key_revoked")


@pytest.mark.parametrize("detached", [False, True])
def test_a_pattern(run: Run, pull: Run, registry: RunningRegistry, tmp_path: Path, detached: bool) -> None:
    """The last part is changed after signing; who asks for the first part only can still have the component."""
    (tmp_path / "in.wasm").write_bytes(component())
    (tmp_path / "k.secret").write_bytes(key(1).compact())
    assert run("split", "-i", "in.wasm", "-o", "split.wasm", "-s", "^hello$").code == 0
    apart = ["-S", "out.sig"] if detached else []
    assert run("sign", "-i", "split.wasm", "-o", "out.wasm", "-k", "k.secret", *apart).code == 0
    wasm = (tmp_path / "out.wasm").read_bytes().replace(b"padding", b"Padding")
    signatures = [(tmp_path / "out.sig").read_bytes()] if detached else []
    reference = publish(registry, layout_of(tmp_path / "layout", wasm), *signatures)
    trusted = ["--trusted-keys", store(tmp_path)]
    for given in ([], apart):
        assert pull(reference, *trusted, *given, "--split-regex", "^hello$").code == 0
        for options in ([], ["--split-regex", "(?i)padding"]):
            ended = pull(reference, *trusted, *given, *options, "--output", "json")
            assert (ended.code, ended.document["error"]["reason"]) == (4, "content_changed")


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("option", [["--threshold", "2"], ["--split-regex", "x"]])
def test_what_may_be_unsigned_has_no_further_demands(pull: Run, tmp_path: Path, trusted: bool, option: list[str]) -> None:
    keys = ["--trusted-keys", store(tmp_path)] if trusted else []
    with start() as registry:
        reference = publish(registry, layout_of(tmp_path / "layout", component()))
        ended = pull(reference, *keys, "--allow-unsigned", *option)
        assert ended.code == 2
        assert f"{option[0]}: cannot be combined with --allow-unsigned; omit one of them" in ended.err
        assert registry.requests == []
        assert pull(reference, *keys, "--allow-unsigned").code == 0


def test_an_expression_that_is_none(pull: Run, tmp_path: Path) -> None:
    with start() as registry:
        ended = pull(f"{registry.host}/{NAME}:v1", "--trusted-keys", store(tmp_path), "--split-regex", "(")
        assert (ended.code, "is not a usable regular expression" in ended.err, registry.requests) == (2, True, [])


@pytest.mark.parametrize("options", [["-K", "{}"], ["--trusted-keys", "{}"], ["-K", "k.public", "-S", "{}"]])
def test_the_output_replaces_nothing_that_is_read(run: Run, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "k.public").write_bytes(public(1).compact())
    (tmp_path / "precious").write_bytes(public(1).compact())
    (tmp_path / "link").symlink_to("precious")
    with start() as registry:
        for output in ("precious", "./precious", "link"):
            ended = run("pull", f"{registry.host}/{NAME}:v1", *[part.format("precious") for part in options], "-o", output)
            assert (ended.code, ended.err) == (2, f"wasm_oci: {Path(output)}: this input would be overwritten; name another output\n")
        assert registry.requests == []
    assert (tmp_path / "precious").read_bytes() == public(1).compact()
