"""The pipelines of examples/ci: their publishing steps are run, with a Bazel that writes a script which records how it is called."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = (Path(__file__).resolve().parents[2] if "TEST_SRCDIR" not in os.environ else Path.cwd()) / "examples/ci"
SECRETS = ("SIGNING_KEY", "GITHUB_TOKEN", "CI_JOB_TOKEN", "REGISTRY_PASSWORD")
BAZEL = """#!/bin/sh
env >> bazel_environment
for argument; do case $argument in --script_path=*) script=${argument#*=} ;; esac; done
printf '#!/bin/sh\\necho "$@" >> calls\\nenv >> script_environment\\n[ "$1 $2" != "--tag bad" ]\\n' > "$script"
chmod +x "$script"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command line of a shell, and what is in its environment beside what every step has."""

    shell: str
    environ: dict[str, str] = field(default_factory=dict)


def github() -> Iterator[Step]:
    job = yaml.safe_load((FOLDER / "github-actions.yaml").read_text(encoding="utf-8"))["jobs"]["publish"]
    for step in job["steps"]:
        if "run" in step:
            yield Step(shell=step["run"], environ=dict.fromkeys(step.get("env", {}), "canary"))


def gitlab() -> Iterator[Step]:
    """One shell, all of whose commands have all variables."""
    job: dict[str, Any] = yaml.safe_load((FOLDER / "gitlab-ci.yaml").read_text(encoding="utf-8"))["publish"]
    yield Step(shell="\n".join(job["script"]), environ={"SIGNING_KEY": "canary", "CI_JOB_TOKEN": "canary"})


def jenkins() -> Iterator[Step]:
    text = (FOLDER / "Jenkinsfile").read_text(encoding="utf-8")
    assert text.count("{") == text.count("}")
    publish = text.partition("stage('Publish')")[2]
    secret = publish.index("withCredentials")
    names = re.findall(r"(?:variable|Variable): '(\w+)'", publish)
    for step in re.finditer(r"^ *sh '(.*)'$", publish, re.MULTILINE):
        yield Step(shell=step[1], environ=dict.fromkeys(names, "canary") if step.start() > secret else {})


PIPELINES = {"github-actions.yaml": github, "gitlab-ci.yaml": gitlab, "Jenkinsfile": jenkins}


def test_every_pipeline_is_tried() -> None:
    assert {path.name for path in FOLDER.iterdir()} - {"BUILD.bazel"} == set(PIPELINES)


def run(name: str, folder: Path, tag: str) -> int:
    """Runs the steps of a pipeline until one fails; returns its exit code."""
    (folder / "bin").mkdir()
    (folder / "bin/bazel").write_text(BAZEL)
    (folder / "bin/bazel").chmod(0o755)
    told = {"RUNNER_TEMP": str(folder), "CI_PROJECT_DIR": str(folder), "WORKSPACE": str(folder)}
    told |= dict.fromkeys(("GITHUB_REF_NAME", "CI_COMMIT_TAG", "TAG_NAME"), tag)
    environ = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), **told}
    for step in PIPELINES[name]():
        done = subprocess.run(["bash", "-e", "-c", step.shell], cwd=folder, env=environ | step.environ, check=False)
        if done.returncode:
            return done.returncode
    return 0


@pytest.mark.parametrize("name", PIPELINES)
def test_a_tag_is_planned_then_published(name: str, tmp_path: Path) -> None:
    assert run(name, tmp_path, "1.2.3") == 0
    plan, publish = (tmp_path / "calls").read_text().splitlines()
    assert plan == "--tag 1.2.3 --dry-run"
    assert publish.startswith("--tag 1.2.3 --result-file ")
    assert publish.endswith("published.json")


@pytest.mark.parametrize("name", PIPELINES)
def test_a_plan_that_fails_ends_the_job(name: str, tmp_path: Path) -> None:
    assert run(name, tmp_path, "bad") != 0
    assert (tmp_path / "calls").read_text().splitlines() == ["--tag bad --dry-run"]


@pytest.mark.parametrize("name", PIPELINES)
def test_bazel_sees_no_secret_and_the_script_does(name: str, tmp_path: Path) -> None:
    run(name, tmp_path, "1.2.3")
    seen = (tmp_path / "bazel_environment").read_text()
    assert [secret for secret in SECRETS if secret in seen] == []
    assert "canary" not in seen
    assert "SIGNING_KEY=canary" in (tmp_path / "script_environment").read_text()


def test_secrets_and_actions_of_the_workflow_are_pinned() -> None:
    steps = yaml.safe_load((FOLDER / "github-actions.yaml").read_text(encoding="utf-8"))["jobs"]["publish"]["steps"]
    (with_secrets,) = [step for step in steps if "secrets." in str(step)]
    assert "bazel" not in with_secrets["run"]
    assert all(re.search(r"@[0-9a-f]{40}$", step["uses"]) for step in steps if "uses" in step)
