"""check_actions.py: what the examples' build actions may do, read from `bazelw aquery`; one line for each property.

Run from the root of the workspace: ./bazelw exec python3 tests/integration/check_actions.py
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from statements import report

TARGETS = "//examples/..."
OURS = "Wasm"
"""Mnemonics of this rule set's actions begin so."""
RUNFILES = ("Middleman", "RunfilesTree")
"""What Bazel calls the runfiles of a target; a development key that signs statements is among those of the target that is run."""
SENTINEL = "a-token-of-the-user"
"""Value of the variables that the examples' registries and keys name; it must not reach any action."""
WORKER = {f"supports-{feature}" for feature in ("workers", "multiplex-workers", "multiplex-sandboxing", "worker-cancellation")}
WORKER |= {"requires-worker-protocol", "worker-key-mnemonic"}
MAPPED = "//examples/oci_publishing:hello_oci_unsigned_image"
"""An image whose digest is the same in every output base."""
PATH_MAPPING = "--modify_execution_info=" + ",".join(
    f"Wasm(?!Keygen).*={change}" for change in ("+supports-path-mapping", "-supports-workers", "-supports-multiplex-workers")
)
"""What docs/architecture.md has those write who want path mapping more than a worker."""
SECRET_VARIABLES = ("GITHUB_TOKEN", "DOCKER_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "RELEASE_SIGNING_KEY")

Action = Mapping[str, Any]


def bazelw(*arguments: str, **environ: str) -> str:
    done = subprocess.run(["./bazelw", *arguments], stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **environ})
    return done.stdout


class Graph:
    """The actions of an answer of aquery, with paths in place of its numbers."""

    def __init__(self, text: str) -> None:
        document = json.loads(text)
        self.actions: list[Action] = document["actions"]
        self._fragments = {fragment["id"]: fragment for fragment in document["pathFragments"]}
        self._artifacts = {artifact["id"]: self._path(artifact["pathFragmentId"]) for artifact in document["artifacts"]}
        self._sets = {each["id"]: each for each in document["depSetOfFiles"]}

    def _path(self, number: int) -> str:
        fragment = self._fragments[number]
        parent = fragment.get("parentId")
        return f"{self._path(parent)}/{fragment['label']}" if parent else str(fragment["label"])

    def inputs(self, action: Action) -> set[str]:
        found: set[str] = set()
        open_sets, seen = list(action.get("inputDepSetIds", [])), set()
        while open_sets:
            number = open_sets.pop()
            if number not in seen:
                seen.add(number)
                found.update(self._artifacts[artifact] for artifact in self._sets[number].get("directArtifactIds", []))
                open_sets += self._sets[number].get("transitiveDepSetIds", [])
        return found

    def outputs(self, action: Action) -> set[str]:
        return {self._artifacts[number] for number in action.get("outputIds", [])}


def arguments(action: Action) -> list[str]:
    """The command line, with what is in its params files."""
    inside = [argument for file in action.get("paramFiles", []) for argument in file.get("arguments", [])]
    return [*action.get("arguments", []), *inside]


def requirements(action: Action) -> set[str]:
    return {info["key"] for info in action.get("executionInfo", [])}


def secret_files(graph: Graph) -> list[str]:
    """Paths of the secret keys that the build makes."""
    found = []
    for action in graph.actions:
        if action["mnemonic"] == "WasmKeygen":
            found += [argument.removeprefix("--secret-key=") for argument in arguments(action) if argument.startswith("--secret-key=")]
    return found


def outside_keys(written: list[str]) -> set[tuple[str, str]]:
    """Source and reference of the keys outside the build that requests of run targets name."""
    requests = [json.loads(content) for content in written if '"schema_version"' in content and content.startswith("{")]
    lists = [request.get("keys") or (request.get("signing") or {}).get("keys") or [] for request in requests]
    return {(key["source"]["kind"], key["source"]["ref"]) for keys in lists for key in keys if "source" in key}


def spellings(secret: bytes) -> Iterator[bytes]:
    """A secret key as it could stand in a text: itself, in hexadecimal, in base64, and its own lines."""
    yield from (secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret))
    if secret.startswith(b"-----BEGIN"):
        yield from (line for line in secret.splitlines()[1:-1] if line)
    else:
        yield from (secret[1:33], secret[1:33].hex().encode(), base64.b64encode(secret[1:33]))


def name(action: Action) -> str:
    return f"{action['mnemonic']} {' '.join(arguments(action))[:120]}"


def problems(graph: Graph, text: str, execution_root: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each property and what speaks against it."""
    ours = [action for action in graph.actions if action["mnemonic"].startswith(OURS)]
    counts = Counter(action["mnemonic"] for action in ours)
    wanted = {"WasmComponent", "WasmKeygen", "WasmNormalise", "WasmOciLayout", "WasmPolicyCheck"}
    wanted |= {"WasmSecurityPolicy", "WasmSign", "WasmSplit", "WasmValidate", "WasmVerify"}
    yield f"the actions are there: {dict(sorted(counts.items()))}", sorted(wanted - counts.keys())

    network = [name(action) for action in graph.actions if "requires-network" in requirements(action)]
    yield f"none of {len(graph.actions)} actions asks for the network", network

    variables = [f"{name(action)}: {action['environmentVariables']}" for action in ours if action.get("environmentVariables")]
    yield f"no environment variable reaches our {len(ours)} actions", variables
    leaked = [line.strip() for line in text.splitlines() if SENTINEL in line]
    yield f"the values of {', '.join(SECRET_VARIABLES)} are in no action", leaked

    secrets = secret_files(graph)
    contents = {path: (execution_root / path).read_bytes() for path in secrets}
    everything = text.encode() + b"\n".join(argument.encode() for action in graph.actions for argument in arguments(action))
    written = [action["fileContents"] for action in graph.actions if "fileContents" in action]
    told = [path for path, content in contents.items() if any(spelling in everything for spelling in spellings(content))]
    told += [] if any("schema_version" in content for content in written) else ["the contents of written files are not in the answer"]
    yield f"the contents of {len(secrets)} secret keys are in no argument, params file or any of {len(written)} written files", told

    outside = outside_keys(written)
    sources = {source for source, _ in outside}
    files = {Path(ref).name for source, ref in outside if source == "file"}
    touched = [name(action) for action in graph.actions if any(Path(path).name in files for path in graph.inputs(action))]
    touched += sorted({"command", "env", "file", "ssh-agent"} - sources)
    yield f"no file of the {len(outside)} keys outside the build ({', '.join(sorted(sources))}) is an input", touched

    readers = [action for action in graph.actions if graph.inputs(action) & set(secrets) and action["mnemonic"] not in RUNFILES]
    makers = [action for action in graph.actions if graph.outputs(action) & set(secrets)]
    others = [name(action) for action in readers if action["mnemonic"] != "WasmSign"]
    yield f"secret keys are inputs of {len(readers)} signing actions and of no other", others if readers else ["nothing is signed"]
    free = [name(action) for action in (*readers, *makers) if not {"no-remote", "no-cache"} <= requirements(action)]
    yield f"the {len(readers) + len(makers)} actions that read or make a secret key are no-remote and no-cache", free
    served = [action for action in ours if action["mnemonic"] != "WasmKeygen"]
    apart = [name(action) for action in served if not requirements(action) >= WORKER]
    programs = {action["arguments"][0] for action in served}
    yield f"{len(served)} actions can run in one worker: they have one program", apart + (sorted(programs) if len(programs) != 1 else [])

    caged = [name(action) for action in makers if "no-sandbox" not in requirements(action)]
    yield f"the {len(makers)} actions that make a key pair are no-sandbox, which would lose the file behind the link", caged


def path_mapping() -> Iterator[tuple[str, list[str]]]:
    """Builds an image three times: with its paths as they are, with path mapping asked for, and with it applied to our actions."""
    digest = Path("bazel-bin", *MAPPED.removeprefix("//").split(":")).with_name(f"{MAPPED.rpartition(':')[2]}_digest.txt")

    def build(*options: str) -> tuple[str, str]:
        """Returns the digest and the execution log of a build in which the image's action runs: no cache answers for it."""
        digest.chmod(0o644)
        digest.write_text("stale")
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log.json")
            bazelw("build", "--noshow_progress", "--noremote_accept_cached", f"--execution_log_json_file={log}", *options, MAPPED)
            return digest.read_text(), log.read_text()

    bazelw("build", "--noshow_progress", MAPPED)
    plain, _ = build()
    asked, log = build("--experimental_output_paths=strip")
    yield "with --experimental_output_paths=strip an image has the same digest", [] if asked == plain else [asked]
    yield "and a worker packs it", [] if '"runner": "worker"' in log else ["no action ran in a worker"]
    line = re.search(r'"commandArgs": \["[^"]*/wasm_oci", "@[^"]*_layout-0\.params"\]', log)
    yield "whose command line is a program and a params file", [] if line else re.findall(r'"commandArgs": .*', log)
    mapped, log = build("--experimental_output_paths=strip", PATH_MAPPING)
    yield f"with {PATH_MAPPING} too", [] if mapped == plain else [mapped]
    component = f"bazel-out/cfg/bin/{MAPPED.removeprefix('//').replace(':', '/')}_oci.wasm"
    against = [] if component in log else ["the path of the component is not mapped"]
    yield "and its action names its files by paths without a configuration", against


def main() -> int:
    bazelw("build", "--noshow_progress", TARGETS)
    options = ("--output=jsonproto", "--include_param_files", "--include_file_write_contents", "--noshow_progress")
    text = bazelw("aquery", f"deps({TARGETS})", *options, **dict.fromkeys(SECRET_VARIABLES, SENTINEL))
    execution_root = Path(bazelw("info", "execution_root", "--noshow_progress").strip())
    return report(chain(problems(Graph(text), text, execution_root), path_mapping()))


if __name__ == "__main__":
    sys.exit(main())
