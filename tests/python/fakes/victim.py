"""The process that publishes and is killed; this module is all that it has to import."""

from __future__ import annotations

import os

import filelock as _filelock  # noqa: F401 - what the program imports late is there when the process is forked
import platformdirs as _platformdirs  # noqa: F401

from fakes.releases import Wanted, results_of
from wasm_oci.limits import LIMITS


def publish(wanted: Wanted, run: str) -> None:
    """Ends the process with 0 where all is done."""
    done = wanted.publish(run, limits=LIMITS)
    os._exit(0 if {result.status for result in results_of(done)} == {"published"} else 1)
