"""`wasm_oci image`: its outputs, its two ways of being asked, and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes.artifacts import key
from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main
from wasm_oci.oci.layout_store import LayoutStore
from wasm_oci.wasmsign.sign import sign_file

KINDS = str(TESTDATA / "kinds_component.wasm")


def _facts(**change: object) -> list[str]:
    """The arguments of a rule that are not outputs."""
    document = {"schema_version": 1, "package_name": "my-org/kinds", "tag": "v1", "registry": "ghcr.io", **change}
    return ["--input", KINDS, f"--facts={json.dumps(document)}"]


def test_a_rules_facts_write_all_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = {name: tmp_path / name for name in ("digest", "metadata", "reference")}
    (tmp_path / "layout").mkdir()
    arguments = [text for name, path in outputs.items() for text in (f"--{name}", str(path))]
    assert main(["image", "--quiet", *_facts(), "--layout", str(tmp_path / "layout"), *arguments]) == 0
    assert capsys.readouterr() == ("", "")
    digest = LayoutStore.open(tmp_path / "layout").fetch_manifest("v1").descriptor.digest
    assert outputs["digest"].read_text() == f"{digest}\n"
    assert outputs["reference"].read_text() == f"ghcr.io/library/my-org/kinds@{digest}\n"
    metadata = json.loads(outputs["metadata"].read_text())
    assert metadata["schemaVersion"] == 1
    assert metadata["digest"] == str(digest)
    assert {name: metadata[name] for name in ("reference", "tagged", "registry", "repository", "tag")} == {
        "reference": f"ghcr.io/library/my-org/kinds@{digest}",
        "tagged": "ghcr.io/library/my-org/kinds:v1",
        "registry": "ghcr.io",
        "repository": "library/my-org/kinds",
        "tag": "v1",
    }
    assert metadata["component"]["imports"][0] == "wanted-type"
    assert metadata["component"]["exports"][-1] == "component"
    assert (metadata["component"]["kind"], metadata["component"]["name"]) == ("component", "kinds")
    assert metadata["annotations"]["org.opencontainers.image.url"] == "https://example.com/kinds"
    assert metadata["signature"] is None


def test_flags_make_the_same_image_as_facts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "-q", *_facts(authors=["A", "B"], annotations=["k=v"]), "--layout", str(tmp_path / "1")]) == 0
    flags = ["--name", "my-org/kinds", "--tag", "v1", "--author", "A", "--author", "B", "--annotation", "k=v"]
    assert main(["image", "-i", KINDS, "-o", str(tmp_path / "2"), *flags]) == 0
    assert (tmp_path / "1" / "index.json").read_bytes() == (tmp_path / "2" / "index.json").read_bytes()
    text = capsys.readouterr().out
    assert "library/my-org/kinds:v1" in text
    assert str(LayoutStore.open(tmp_path / "2").only_manifest().digest) in text


def test_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "-i", KINDS, "-o", str(tmp_path / "layout"), "--output", "json", "--name", "kinds"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["digest"] == str(LayoutStore.open(tmp_path / "layout").fetch_manifest("latest").descriptor.digest)


def test_a_detached_signature_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signed, signature = tmp_path / "signed.wasm", tmp_path / "signed.sig"
    sign_file(Path(KINDS), signed, key(1), key_id=None, signature_file=signature)
    arguments = ["-i", str(signed), "--signature-file", str(signature), "--key-format", "compact", "-o", str(tmp_path / "layout")]
    assert main(["image", *arguments, "--output", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["annotations"]["com.wasm.component.security"] == "detached-signed"
    assert document["signature"]["keyFormat"] == "compact"
    assert document["signature"]["keyIds"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no input; name the component with -i FILE"),
        (["-i", "none.wasm"], "none.wasm: cannot read the WebAssembly file: No such file or directory"),
        (["-i", KINDS, "--name", "Upper"], "package_name: 'Upper' is not a repository name; write it in lower case: upper"),
        (["-i", KINDS, "--annotation", "x"], "annotations[0]: 'x' has no '='"),
        (["-i", KINDS, "--facts", "{"], "--facts: not valid JSON"),
        (["-i", KINDS, "--facts", "{}"], "--facts: schema_version is missing; build the target again"),
        (["-i", KINDS, "--facts", '{"schema_version": 1, "package_name": "a", "wrong": 1}'], "--facts: wrong: unknown member 'wrong'"),
        (["-i", KINDS, "--facts", '{"schema_version": 1}'], "--facts: package_name: the member is missing"),
        (["-i", KINDS, "--facts", '{"schema_version": 1, "public_keys": []}'], "--facts: public_keys: unknown member 'public_keys'"),
        (["-i", KINDS, "--facts", "{}", "--tag", "v2"], "--tag cannot be given with --facts"),
        (["-i", KINDS, "--facts", "{}", "--signature-type", "detached"], "--signature-type cannot be given with --facts"),
    ],
)
def test_errors_are_one_line_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["image", "-o", "layout", "--digest", "digest", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_text_of_several_lines_and_letters_of_any_script(tmp_path: Path) -> None:
    facts = _facts(description="one\n\ntwo \u4e16\u754c \U0001f980", authors=["", "@not-a-file"])
    params = tmp_path / "params"
    params.write_text("\n".join(["image", "--quiet", *facts, "--layout", str(tmp_path / "layout")]))
    assert main([f"@{params}"]) == 0
    annotations = json.loads(LayoutStore(tmp_path / "layout").fetch_manifest("v1").data)["annotations"]
    assert annotations["org.opencontainers.image.description"] == "one\n\ntwo \u4e16\u754c \U0001f980"
    assert "@not-a-file" in annotations["org.opencontainers.image.authors"]


def test_signatures_that_will_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public = tmp_path / "key.public"
    public.write_bytes(key(1).public.encoded("compact"))
    for kind, options in (("embedded", ["--signature-type", "embedded"]), ("detached", [])):
        arguments = options or [_facts(signature_type=kind)[2]]
        assert main(["image", "-i", KINDS, "--output", "json", "-K", str(public), *arguments, "-o", str(tmp_path / kind)]) == 0
        signature = json.loads(capsys.readouterr().out)["signature"]
        assert (signature["type"], signature["deferred"], signature["keyIds"]) == (kind, True, [key(1).public.key_id.hex()])


def test_the_layouts_folder_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "-i", KINDS]) == 2
    assert "-o/--layout" in capsys.readouterr().err


def test_help_explains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", "--help"]) == 0
    assert "skopeo inspect --raw oci:" in capsys.readouterr().out
