"""`wasm_oci policy compile` and `verdict`, which build rules call, and the request of a policy test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fakes.wasm import TESTDATA
from wasm_oci.cli.main import main


class Outputs(NamedTuple):
    """What a test sets and reads."""

    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Outputs:
    return Outputs(monkeypatch, capsys)


HELLO = TESTDATA / "hello_component.wasm"
ATTRIBUTES = {"schema_version": 1, "name": "strict", "target": "//:strict"}


def _compile(tmp_path: Path, attributes: dict[str, Any], text: str = "") -> tuple[int, Path]:
    output = tmp_path / "policy.json"
    words = ["policy", "compile", f"--attributes={json.dumps(ATTRIBUTES | attributes)}", f"--output-file={output}"]
    if text:
        (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
        words += [f"--file={tmp_path / 'policy.yaml'}", "--place=pkg/policy.yaml"]
    return main(words), output


def _keygen(tmp_path: Path, name: str) -> tuple[Path, Path]:
    public, secret = tmp_path / f"{name}.public", tmp_path / f"{name}.secret"
    assert main(["keygen", "--public-key", str(public), "--secret-key", str(secret)]) == 0
    return public, secret


def _facts(**members: Any) -> str:
    return json.dumps({"schema_version": 1, "target": "//:image", "name": "hello", "namespace": "apps"} | members)


def test_attributes_and_a_file_become_one_policy(tmp_path: Path) -> None:
    attributes = {"default_signing_required": True, "component_policies": ["prod-*|required|a,b"], "key_source": "file"}
    code, output = _compile(tmp_path, attributes, "name: ours\ncomponents:\n  - pattern: pay\n    max_size: 10\n")
    document = json.loads(output.read_bytes())
    assert code == 0
    assert document["name"] == "ours"
    assert [rule["source"] for rule in document["components"]] == ["pkg/policy.yaml:3", "//:strict: component_policies[0]"]
    assert document["default"] == [{"signing": "required", "source": "//:strict: default_signing_required"}]
    assert document["always"] == [{"key_sources": ["file"], "source": "//:strict"}]


def test_attributes_that_say_nothing_leave_a_file_as_it_is(tmp_path: Path) -> None:
    code, output = _compile(tmp_path, {}, "mode: warn\ndefault: {max_size: 10}\n")
    assert code == 0
    assert json.loads(output.read_bytes()) == {
        "name": "strict",
        "mode": "warn",
        "default": [{"max_size": 10, "source": "pkg/policy.yaml:2"}],
    }


@pytest.mark.parametrize(
    ("attributes", "text", "problem"),
    [
        ({}, "", "strict: the policy has no rule"),
        ({}, "default: {signng: required}\n", "pkg/policy.yaml: line 1: default.signng: unknown member"),
        ({"component_policies": ["a|requird"]}, "", '//:strict: component_policies[0]: signing: unknown word "requird"'),
    ],
)
def test_a_policy_that_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], attributes: dict[str, Any], text: str, problem: str
) -> None:
    code, output = _compile(tmp_path, attributes, text)
    assert (code, output.exists()) == (2, False)
    assert problem in capsys.readouterr().err


def test_verdicts_of_a_build(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public, secret = _keygen(tmp_path, "one")
    other, _ = _keygen(tmp_path, "two")
    signed, layout, verdict = tmp_path / "signed.wasm", tmp_path / "layout", tmp_path / "verdict.json"
    assert main(["sign", "-i", str(HELLO), "-o", str(signed), "-k", str(secret), "-K", str(public)]) == 0
    assert main(["image", "-i", str(signed), "-o", str(layout), "--name", "hello"]) == 0
    _, policy = _compile(tmp_path, {"default_signing_required": True, "registry_policies": ["github|required|release_key"]})
    command = ["policy", "verdict", f"--input-file={signed}", f"--layout={layout}", f"--policy={policy}", f"--output-file={verdict}"]
    keys = [{"name": "release_key", "label": "//keys:release_key", "development": True}]

    assert main([*command, f"--facts={_facts(keys=keys, registries=['github'])}", f"--key={public}"]) == 0
    (found,) = json.loads(verdict.read_bytes())["verdicts"]
    assert (found["decision"], found["decidedBy"]["rule"]) == ("allow", "registry:github")
    assert found["subject"]["signers"][0]["names"] == ["release_key", "//keys:release_key"]
    assert found["subject"]["signers"][0]["development"] is True
    assert len(found["subject"]["digests"]) == 4
    assert {each["name"] for each in found["subject"]["annotations"]} >= {"org.opencontainers.image.title"}

    verdict.unlink()
    capsys.readouterr()
    assert main([*command, f"--facts={_facts(keys=keys, registries=['local', 'github'])}", f"--key={other}"]) == 3
    assert "//:image: apps/hello in local: default" in capsys.readouterr().err
    assert not verdict.exists()

    # Whoever signs when it is published is not known here.
    assert main([*command, f"--facts={_facts(registries=['github'], signed_later=True)}"]) == 0
    (found,) = json.loads(verdict.read_bytes())["verdicts"]
    assert {each["effect"] for each in found["findings"]} == {"not_judged"}


def test_one_name_for_two_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = _keygen(tmp_path, "one")[0], _keygen(tmp_path, "two")[0]
    _, policy = _compile(tmp_path, {"default_signing_required": True})
    keys = [{"name": "key", "label": label, "development": False} for label in ("//a:key", "//b:key")]
    words = ["policy", "verdict", f"--input-file={HELLO}", f"--policy={policy}", f"--facts={_facts(keys=keys)}"]
    assert main([*words, f"--key={one}", f"--key={two}", f"--output-file={tmp_path / 'verdict.json'}"]) == 2
    assert "policy keys: two keys are called key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({"all_registries": True}, ["home", "zone"]),
        ({"registries": [""]}, ["zone"]),
        ({"registries": ["zone.example.com/x"]}, ["zone"]),
        ({"registries": ["home"]}, ["home"]),
    ],
)
def test_registries_of_a_list(tmp_path: Path, members: dict[str, Any], names: list[str]) -> None:
    listed = tmp_path / "registries.yaml"
    listed.write_text(
        "registries: [home|localhost:5000, zone|zone.example.com/x, copy|localhost:5001|mirror|zone]\ndefault_registry: zone\n",
        encoding="utf-8",
    )
    _, policy = _compile(tmp_path, {"default_signing_required": False, "registry_policies": ["zone|optional"]})
    verdict = tmp_path / "verdict.json"
    words = [f"--policy={policy}", f"--registries={listed}", f"--output-file={verdict}", f"--facts={_facts(**members)}"]
    assert main(["policy", "verdict", f"--input-file={HELLO}", *words]) == 0
    assert [each["subject"]["registry"]["name"] for each in json.loads(verdict.read_bytes())["verdicts"]] == names


def test_a_registry_that_the_list_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "registries.yaml"
    listed.write_text("registries: [github|ghcr.io]\n", encoding="utf-8")
    _, policy = _compile(tmp_path, {"default_signing_required": False, "registry_policies": ["github|optional"]})
    words = [f"--policy={policy}", f"--registries={listed}", f"--output-file={tmp_path / 'verdict.json'}"]
    assert main(["policy", "verdict", f"--input-file={HELLO}", *words, f"--facts={_facts(registries=['githb'])}"]) == 2
    assert "//:image: registries: unknown registry 'githb'; did you mean github?" in capsys.readouterr().err


def test_a_signing_key_of_another_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    public, _ = _keygen(tmp_path, "one")
    _, policy = _compile(tmp_path, {"default_signing_required": False})
    words = ["policy", "verdict", f"--input-file={HELLO}", f"--policy={policy}", f"--output-file={tmp_path / 'v.json'}", f"--key={public}"]
    for signs, code in ((False, 0), (True, 2)):
        keys = [{"name": "one", "label": "//keys:one", "development": False, "signs": signs}]
        assert main([*words, f"--facts={_facts(keys=keys, openssh=True, signed_later=True)}"]) == code
    assert "//keys:one: " in capsys.readouterr().err


@pytest.mark.parametrize(("expected", "rule", "code"), [("deny", "", 0), ("deny", "default", 0), ("deny", "always", 3), ("allow", "", 3)])
def test_policy_tests(tmp_path: Path, outputs: Outputs, expected: str, rule: str, code: int) -> None:
    outputs.patch.setenv("RUNFILES_DIR", str(tmp_path))
    (tmp_path / "hello.wasm").write_bytes(HELLO.read_bytes())
    _compile(tmp_path, {"default_signing_required": True})
    request = tmp_path / "request.json"
    document = json.loads(_facts(registries=["local"])) | {"component": "hello.wasm", "policies": ["policy.json"], "expected": expected}
    request.write_text(json.dumps(document | {"expected_rule": rule}), encoding="utf-8")
    outputs.capture.readouterr()
    assert main(["policy", f"--request={request}"]) == code
    if code:
        by = f" by {rule}" if rule else ""
        problem = f"//:image: apps/hello: expected is {expected}{by}, but it is denied by default: it is not signed"
        assert problem in outputs.capture.readouterr().err


def test_a_policy_command_without_a_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy"]) == 2
    assert "no subcommand; write check, explain, simulate or lint" in capsys.readouterr().err
