"""The configuration of wkg for the same registries (wasm-pkg-tools, `config.toml`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from wasm_oci.http.host import allows_plain_http
from wasm_oci.registry_config.config_file import RegistryConfig
from wasm_oci.registry_config.registry_string import Entry

_NAMESPACE = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")
"""A namespace of a Wasm package: kebab words, each beginning with a letter."""

Value = str | Mapping[str, "Value"]


def wkg_config(config: RegistryConfig) -> str:
    """Returns a TOML document: the hosts, the default one, and for each prefix that can be a namespace the host that has it.

    So `wkg get my-org:hello` finds what an entry of `ghcr.io/my-org` publishes. Of two entries with one prefix the default one
    counts, else the first. It names no credentials: wkg has those of `docker login`.
    """
    first = config.file.default_registry
    entries = sorted((entry for entry in config.entries if entry.type == "oci"), key=lambda entry: entry.name != first)
    lines = []
    if entries and entries[0].name == first:
        lines += [f"default_registry = {_value(_host(entries[0]))}", ""]
    namespaces = {entry.prefix: _host(entry) for entry in reversed(entries) if _NAMESPACE.fullmatch(entry.prefix)}
    if namespaces:
        lines += ["[namespace_registries]", *(f"{_value(name)} = {_mapping(host)}" for name, host in sorted(namespaces.items())), ""]
    for host, entry in sorted({_host(entry): entry for entry in entries}.items()):
        protocol = "http" if entry.host.startswith("http://") or _is_plain(entry, config) else "https"
        table = f"registry.{_value(host)}"
        lines += [f"[{table}]", 'default = "oci"', "", f"[{table}.oci]", f"protocol = {_value(protocol)}", ""]
    return "\n".join(lines)


def _host(entry: Entry) -> str:
    return entry.host.rpartition("//")[2]


def _is_plain(entry: Entry, config: RegistryConfig) -> bool:
    return "://" not in entry.host and allows_plain_http(entry.host, config.file.plain_http)


def _mapping(host: str) -> str:
    """What a namespace maps to, with the metadata that wkg would else ask the host for."""
    return _value({"registry": host, "metadata": {"preferredProtocol": "oci", "oci": {"registry": host}}})


def _value(value: Value) -> str:
    """Returns a TOML text, whose escapes are those of JSON, or an inline table."""
    if isinstance(value, str):
        return json.dumps(value)
    return "{ " + ", ".join(_pairs(value)) + " }"


def _pairs(table: Mapping[str, Value]) -> Iterator[str]:
    for name, value in table.items():
        yield f"{name} = {_value(value)}"
