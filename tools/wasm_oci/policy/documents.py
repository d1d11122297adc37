"""Policies and subjects as documents, which `shape` reads back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from wasm_oci.digest import Digest
from wasm_oci.jsontext import JsonObject
from wasm_oci.policy.names import RegistryName
from wasm_oci.trust.timestamps import timestamp_text


def document_of(value: Any) -> JsonObject:
    """Returns a dataclass as a document, without the members that are as by default."""
    found = {}
    for field in fields(value):
        each = getattr(value, field.name)
        if each != field.default:
            found[field.name] = _json(each)
    return found


def _json(value: Any) -> Any:
    if isinstance(value, Digest | RegistryName):
        return value.text
    if is_dataclass(value):
        return document_of(value)
    if isinstance(value, tuple):
        return [_json(each) for each in value]
    return timestamp_text(value) if isinstance(value, datetime) else value
