"""Options of all commands that reach registries."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOptions:
    """What a command line says of registries."""

    config: Path | None = None
    """A file that people write, which names registries, credentials, mirrors and a cache."""
    plain_http: tuple[str, ...] = ()
    ca_files: tuple[str, ...] = ()
    """`host[:port]=FILE` each."""


def add_registry_options(parser: argparse.ArgumentParser, *other_names: str) -> None:
    """Adds the options of every command that takes a reference; `other_names` are further ones of --registry-config."""
    parser.add_argument(
        "--plain-http",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="reach this registry or token service without TLS; may be given several times",
    )
    add_ca_file_option(parser)
    parser.add_argument(
        "--registry-config",
        *other_names,
        type=Path,
        metavar="FILE",
        help="names of registries, credentials, mirrors and a cache, as the `config` of a wkg_registry_config has them",
    )


def add_ca_file_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ca-file",
        action="append",
        default=[],
        metavar="HOST[:PORT]=FILE",
        help="trust only the certificate authorities of this PEM file at this host; may be given several times",
    )


def registry_options(args: argparse.Namespace) -> RegistryOptions:
    """Returns what these options say."""
    return RegistryOptions(config=args.registry_config, plain_http=tuple(args.plain_http), ca_files=tuple(args.ca_file))
