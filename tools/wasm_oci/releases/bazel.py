"""Finds the publish targets below patterns, builds them and reads their requests, as `bazel` says where they are.

Bazel command-line reference: query (`kind`), build (`--target_pattern_file`), cquery (`--output=starlark`).
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import reason_of
from wasm_oci.oci.reference import check_repository
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.publish.request import PushRequest, read_push_request
from wasm_oci.publish.signing import scratch_folder
from wasm_oci.releases.release_file import ReleaseFile, ReleaseOptions, release_of_requests
from wasm_oci.releases.sources import NO_SETTINGS, SourceSettings

_KINDS = "(wasm_component_publish|wkg_multi_registry_publish)"
_OF_A_RELEASE = "wasm_release_image"
"""The tag of the targets that a `wasm_release` makes for its images: they go where that release goes."""
_WHERE = (
    "[p.request.path + ' ' + providers(target)['FilesToRunProvider'].executable.path "
    "for name, p in providers(target).items() if name.endswith('%WasmPublishInfo')][0]"
)
"""What cquery evaluates for each target: its request and its launcher, below the execution root."""


def release_of_patterns(
    patterns: Sequence[str],
    repository: str | None,
    options: ReleaseOptions,
    environ: Mapping[str, str],
    settings: SourceSettings = NO_SETTINGS,
) -> ReleaseRequest:
    """Returns the release of all publish targets that patterns match; `settings` has the entries that options name registries by.

    Raises UsageError where there are none, or Bazel fails.
    """
    if not patterns:
        raise UsageError("there is nothing to release", hint="name targets such as //apps/..., or write release show REFERENCE")
    for pattern in patterns:
        if not pattern.lstrip("-").startswith(("//", "@", ":")):
            raise UsageError(
                f"{pattern[:100]!r} is not a pattern of targets", hint="write one such as //apps/..., or show, diff or verify first"
            )
    if not repository or not options.tags:
        raise UsageError("the release needs a repository and a tag", hint="give --repository NAME and --tag TAG")
    first, *further = options.tags
    file = ReleaseFile(
        repository=check_repository(repository, where="--repository"),
        tag=first,
        extra_tags=tuple(further),
        registries=settings.registries,
        credential_files=settings.credential_files,
        plain_http=settings.plain_http,
        timeout_seconds=settings.timeout,
    )
    bazel = Bazel(environ)
    changes = ReleaseOptions(ask_all=options.ask_all, changes=options.changes)
    return release_of_requests(file, bazel.publish_requests(patterns), changes)


class Bazel:
    """The `bazel` of the user: `$BAZEL`, else the one of PATH, in the workspace that they are in."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._program = environ.get("BAZEL") or "bazel"

    def publish_requests(self, patterns: Sequence[str]) -> list[PushRequest]:
        """Builds the publish targets that match and returns their requests, in the order of their labels."""
        included = " + ".join(f"({pattern})" for pattern in patterns if not pattern.startswith("-"))
        excluded = "".join(f" - ({pattern[1:]})" for pattern in patterns if pattern.startswith("-"))
        found = f"let found = ({included}){excluded} in kind('{_KINDS} rule', $found) - attr(tags, '\\b{_OF_A_RELEASE}\\b', $found)"
        labels = sorted(self._run("query", "--output=label", found).split())
        if not labels:
            raise UsageError("no publish targets match", where=" ".join(patterns)[:200], hint="check the patterns")
        with scratch_folder() as scratch:
            names, expression = scratch / "targets", scratch / "query"
            names.write_text("\n".join(labels) + "\n", encoding="utf-8")
            expression.write_text(" + ".join(labels), encoding="utf-8")
            self._run("build", "--build_runfile_links", f"--target_pattern_file={names}")
            places = self._run("cquery", "--output=starlark", f"--starlark:expr={_WHERE}", f"--query_file={expression}")
        root = Path(self._run("info", "execution_root").strip())
        requests = []
        for line in sorted(set(places.splitlines())):
            request, _, launcher = line.partition(" ")
            requests.append(read_push_request(root / request, {"RUNFILES_DIR": f"{root / launcher}.runfiles"}))
        return requests

    def _run(self, command: str, *arguments: str) -> str:
        """Returns stdout; progress and errors of Bazel go to stderr."""
        try:
            done = subprocess.run([self._program, command, *arguments], stdout=subprocess.PIPE, check=False, text=True, encoding="utf-8")
        except (OSError, ValueError) as err:
            reason = reason_of(err)
            raise UsageError(f"cannot start {self._program}: {reason}", hint="set BAZEL to the program, or add it to PATH") from err
        if done.returncode:
            raise UsageError(f"bazel {command} failed with exit code {done.returncode}", hint="correct what it says above")
        return done.stdout
