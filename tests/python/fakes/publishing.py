"""Carrying out plans that a test made itself; a release does the same with its own."""

from __future__ import annotations

from collections.abc import Sequence

from wasm_oci.publish.plan import Plan
from wasm_oci.publish.publisher import Result, carry_out, results_of


def publish(plans: Sequence[Plan], *, fail_fast: bool = True, read_whole: bool = False) -> tuple[Result, ...]:
    """Carries out plans; see `carry_out`."""
    results = results_of(plans)
    carry_out(results, fail_fast=fail_fast, read_whole=read_whole)
    return results
