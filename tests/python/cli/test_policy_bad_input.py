"""Bad input of policies as the commands meet it: an error with exit code 2, or a denial; never an allowance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.artifacts import Image, key, public, signed_image
from fakes.program import Ended, Run
from fakes.statements import changed, payload_of, resigned, signed
from wasm_oci.attest.write import bundle_referrer
from wasm_oci.digest import Digest
from wasm_oci.limits import LIMITS
from wasm_oci.oci.descriptor import EMPTY_BLOB
from wasm_oci.oci.store import FetchedManifest
from wasm_oci.trust.predicate_types import NAMES, SIGN

POLICY = f"always: {{signing: required, keys: [release], statements: [{{predicate_type: {SIGN}, keys: [release]}}]}}\n"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """A signed image in a layout, a policy that requires a sign statement, and the store that calls its signer `release`."""
    store = (
        f"keys:\n  - {{name: release, public_key: {public(1).openssh().decode().strip()}, not_before: 2026-01-01, not_after: 2026-12-31}}\n"
    )
    (tmp_path / "trusted.yaml").write_text(store)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return signed_image(tmp_path / "image")


def subject_of(image: Image) -> FetchedManifest:
    return FetchedManifest(descriptor=image.manifest.descriptor(), data=image.manifest.encode())


def attach(image: Image, *bundles: bytes) -> None:
    """Attaches bundles, whatever they are."""
    index = json.loads((image.folder / "index.json").read_text())
    for bundle in bundles:
        referrer = bundle_referrer(image.manifest.descriptor(), bundle, SIGN)
        for data in (bundle, referrer.encode(), EMPTY_BLOB):
            (image.folder / "blobs/sha256" / Digest.of(data).hex).write_bytes(data)
        index["manifests"].append(referrer.descriptor().to_json())
    (image.folder / "index.json").write_text(json.dumps(index))


def pull(run: Run, image: Image, at: str = "2026-06-01") -> Ended:
    folder = image.folder.parents[1]
    where = folder / "pulled.wasm"
    where.unlink(missing_ok=True)
    options = ("--trusted-keys", folder / "trusted.yaml", "--policy", folder / "policy.yaml", "--at", at)
    ended = run("pull", f"oci:{image.folder}@{image.digest}", "-o", where, *options)
    assert where.exists() == (ended.code == 0)
    assert ended.code == 0 or ended.is_one_clear_error
    return ended


def forged(bundle: bytes, number: int) -> bytes:
    return changed(bundle, lambda document: document["dsseEnvelope"].update(payload="e30=") or document.update(number=number))


def test_one_valid_statement_among_a_thousand_referrers(run: Run, image: Image) -> None:
    good = signed(subject_of(image), key(1)).bundle
    attach(image, *(good if number == 500 else forged(good, number) for number in range(LIMITS.referrers)))
    assert pull(run, image).code == 0


def test_a_thousand_forged_statements(run: Run, image: Image) -> None:
    good = signed(subject_of(image), key(1)).bundle
    attach(image, *(forged(good, number) for number in range(LIMITS.referrers)))
    ended = pull(run, image)
    assert (ended.code, "1000 that refer to it do not verify" in ended.err) == (3, True)


def test_a_malformed_payload_that_is_really_signed(run: Run, image: Image) -> None:
    good = signed(subject_of(image), key(1)).bundle
    payload = payload_of(good) | {"predicate": []}
    attach(image, resigned(good, key(1), json.dumps(payload).encode()), resigned(good, key(1), b"{"))
    ended = pull(run, image)
    assert (ended.code, "2 that refer to it do not verify" in ended.err) == (3, True)


def test_a_statement_of_another_type(run: Run, image: Image) -> None:
    attach(image, signed(subject_of(image), key(1), NAMES["custom"]).bundle)
    ended = pull(run, image)
    assert ended.code == 3
    assert f"0 of 1 required signatures on a statement {SIGN} (there are only {NAMES['custom']})" in ended.err


@pytest.mark.parametrize(("at", "words"), [("2025-12-31", "is not valid before 2026-01-01"), ("2027-01-01", "expired after 2026-12-31")])
def test_a_clock_that_is_wrong(run: Run, image: Image, at: str, words: str) -> None:
    attach(image, signed(subject_of(image), key(1)).bundle)
    assert pull(run, image).code == 0
    ended = pull(run, image, at)
    assert ended.code in (3, 4)
    check = ("policy", "check", f"oci:{image.folder}", "--policy", "policy.yaml", "--trusted-keys", "trusted.yaml", "--time", at)
    decided = run(*check)
    assert (decided.code, words in decided.out) == (3, True)
    built = run(*check[:-2], "--step", "build")
    assert built.code == 0, built.out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"#" * (50 << 20), "larger than"),
        (b"default: {signing: required}\ncomponents:\n" + b"- {pattern: a, max_size: 1}\n" * 100_000, "larger than|more than"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\ndefault: {signing: required}\n", "anchors and aliases are refused"),
    ],
    ids=["50 MB", "100,000 rules", "anchors"],
)
def test_policies_that_no_command_reads(run: Run, image: Image, data: bytes, words: str) -> None:
    (image.folder.parent / "big.yaml").write_bytes(data)
    big = image.folder.parent / "big.yaml"
    lines = [
        ("policy", "check", f"oci:{image.folder}", "--policy", big),
        ("policy", "lint", big),
        ("pull", f"oci:{image.folder}@{image.digest}", "-o", "pulled.wasm", "--allow-unsigned", "--policy", big),
        ("push", image.folder, "127.0.0.1:1/library/hello:v1", "--policy", big, "--dry-run"),
    ]
    for line in lines:
        ended = run(*line)
        assert (ended.code, any(each in ended.err for each in words.split("|"))) == (2, True), ended.err
