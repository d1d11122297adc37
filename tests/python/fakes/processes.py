"""Child processes that begin quickly, from a server that has imported what they need."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing import forkserver

import pytest

if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")


def start_server() -> None:
    """Starts the server of this process, unless it runs."""
    if sys.platform != "win32":
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # Python 3.11 preloads nothing from this process's own path
            CONTEXT.set_forkserver_preload(["fakes.attacher", "fakes.victim"])
            forkserver.ensure_running()
