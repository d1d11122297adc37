"""Options of all commands that reach registries, and of those that read what a configuration names."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_registry_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plain-http",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="reach this registry or token service without TLS; may be given several times",
    )
    parser.add_argument(
        "--ca-file",
        action="append",
        default=[],
        metavar="HOST[:PORT]=FILE",
        help="trust only the certificate authorities of this PEM file at this host; may be given several times",
    )


def add_registry_config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--registry-config",
        type=Path,
        metavar="FILE",
        help="names of registries, credentials, mirrors and a cache, as the `config` of a wkg_registry_config has them",
    )
