"""`wasm_oci registries`: checks a list of registries, and writes what publish targets and wkg read."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.files import write_file
from wasm_oci.jsontext import pretty
from wasm_oci.outcome import Outcome
from wasm_oci.registry_config.config_file import load_registry_config
from wasm_oci.registry_config.registry_string import Entry
from wasm_oci.registry_config.wkg_config import wkg_config

DESCRIPTION = """Check a list of registries, the `config` of a wkg_registry_config.

The file is YAML or JSON, with the members of the rule: `registries`, a list of `name|host|type|auth`, default_registry,
plain_http, timeout_seconds, credential_files, enable_mirror_fallback and cache_dir. It names where credentials are, and holds none.

  wasm_oci registries -i registries.yaml
  wasm_oci registries -i registries.yaml --wkg-config config.toml"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistriesRequest:
    """One list of registries to check."""

    input: Path
    output: Path | None
    """Where its normal form goes, which publish targets read."""
    wkg_config: Path | None
    """Where the configuration of wkg goes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="the list of registries")
    parser.add_argument("-o", "--output-file", type=Path, metavar="FILE", help="where its normal form goes, as JSON")
    parser.add_argument("--wkg-config", type=Path, metavar="FILE", help="where a config.toml of wkg for the same registries goes")


def run(args: argparse.Namespace) -> Outcome:
    request = RegistriesRequest(input=args.input_file, output=args.output_file, wkg_config=args.wkg_config)
    config = load_registry_config(request.input)
    if request.output:
        write_file(request.output, pretty(config.document()))
    if request.wkg_config:
        write_file(request.wkg_config, wkg_config(config).encode())
    return Outcome(lines=[_line(entry) for entry in config.entries], document={"registries": config.document()["registries"]})


def _line(entry: Entry) -> str:
    place = entry.path or "/".join(filter(None, (entry.host, entry.prefix)))
    return f"{entry.name}: {place}" + (f", a mirror of {entry.mirror_of}" if entry.mirror_of else "")
