"""Carrying out releases, and plans that a test made itself, without credentials and without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from fakes.timing import IMPATIENT, FakeTime
from wasm_oci.http.transport import Transport
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.oci.store import ManifestName, Store
from wasm_oci.publish.looking import make_plan
from wasm_oci.publish.plan import Plan
from wasm_oci.publish.publisher import carry_out
from wasm_oci.publish.release import Release, release
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.publish.result import Result, results_of
from wasm_oci.releases.carried import artifact_in

RunRelease = Callable[..., Release]


def no_credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Returns an environment without any, and makes it this process's."""
    environ = {"HOME": str(home), "DOCKER_CONFIG": str(home)}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


@contextmanager
def releasing(environ: dict[str, str]) -> Iterator[RunRelease]:
    """Yields what carries out releases over connections that end with the block."""
    with closing(Transport(limits=IMPATIENT, timing=FakeTime().timing, environ={})) as transport:

        def run(request: ReleaseRequest, **steps: object) -> Release:
            return release(request, transport=transport, environ=environ, passphrase=PassphraseSource(environ={}), **steps)  # type: ignore[arg-type]  # one of the callables

        yield run


def publish(plans: Sequence[Plan], *, fail_fast: bool = True, read_whole: bool = False) -> tuple[Result, ...]:
    """Carries out plans; see `carry_out`."""
    results = results_of(plans)
    carry_out(results, fail_fast=fail_fast, read_whole=read_whole)
    return results


def carry(source: Store, destination: Store, name: ManifestName) -> Result:
    """Publishes a manifest of one store, with all that refers to it, to another one without a tag; raises what went wrong."""
    (result,) = publish([make_plan(artifact_in(source, source.fetch_manifest(name)), destination)])
    if result.error:
        raise result.error
    return result
