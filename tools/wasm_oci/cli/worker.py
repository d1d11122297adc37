"""A persistent worker of Bazel (bazel.build/remote/persistent): one process that forks a child for each build action.

The parent imports once what build actions need, and only forwards requests: it opens no file of an action. A child
runs one command and ends, so no key, folder, signal handler or global outlives a request, and cancelling is ending a process.
"""

from __future__ import annotations

import importlib
import os

from wasm_oci.cli.work_request import Run
from wasm_oci.keys import ed25519

PRELOADED = (
    "cryptography.exceptions",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
    "wasm_oci.cli.commands.attach",
    "wasm_oci.cli.commands.detach",
    "wasm_oci.cli.commands.image",
    "wasm_oci.cli.commands.metadata",
    "wasm_oci.cli.commands.normalise",
    "wasm_oci.cli.commands.policy",
    "wasm_oci.cli.commands.pull",
    "wasm_oci.cli.commands.registries",
    "wasm_oci.cli.commands.sign",
    "wasm_oci.cli.commands.split",
    "wasm_oci.cli.commands.trusted_keys",
    "wasm_oci.cli.commands.verify",
    "wasm_oci.cli.commands.wasm_tools",
    "wasm_oci.cli.policies.compiling",
    "wasm_oci.cli.policies.judging",
    "wasm_oci.cli.policies.warm_up",
    "wasm_oci.keys.sources.stored",
)
"""Modules that build actions import, some only inside functions."""


def serve(run: Run) -> int:
    """Responds to requests until stdin ends; returns the exit code: 0, 2 for an invalid request, or 128 plus the signal number."""
    for name in PRELOADED:
        importlib.import_module(name)
    _warm_up()
    if hasattr(os, "fork"):
        from wasm_oci.cli.fork_server import ForkServer

        return ForkServer(run).serve()
    from wasm_oci.cli.worker_in_turn import serve_in_turn

    return serve_in_turn(run)


def _warm_up() -> None:
    """Signs and verifies with a key that is not secret, and decides by a policy, so that no child repeats what the first use sets up."""
    warm_up = importlib.import_module("wasm_oci.cli.policies.warm_up")
    warm_up.warm_up()
    seed = bytes(ed25519.SEED_SIZE)
    ed25519.verifier(ed25519.public_of(seed))(b"", ed25519.signer(seed)(b""))
