"""The policies that somebody names, as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.policy.model import Policy, joined
from wasm_oci.policy.reader import parse_policy


def read_policies(paths: Sequence[Path]) -> Policy:
    """Returns the policy of one file, or of several together; raises UsageError for none, and what reading them raises."""
    if not paths:
        raise UsageError("no policy is given", hint="give one with --policy")
    return joined(parse_policy(read_bounded(path, LIMITS.config_file, what="policy"), where=str(path)) for path in paths)
