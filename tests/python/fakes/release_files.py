"""Request files of releases, as the rules write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fakes.artifacts import Image
from instruments.registry import RunningRegistry

NAMES = ("one", "two", "three")


def entry(name: str, registry: RunningRegistry, prefix: str = "") -> dict[str, str]:
    return {"name": name, "host": registry.host, "prefix": prefix}


def push_document(name: str, image: Image, **change: Any) -> dict[str, Any]:
    document = {
        "layout": str(image.folder),
        "signature": str(image.signature) if image.signature else None,
        "namespace": "apps",
        "repository": name,
        "tag": "latest",
        "movable_tags": ["latest"],
        "target": f"//{name}:publish",
    }
    return document | change


def request(folder: Path, images: dict[str, Image], *registries: dict[str, str], **change: Any) -> Path:
    """A release of `images`."""
    for name, image in images.items():
        (folder / f"{name}.json").write_text(json.dumps({"schema_version": 1, **push_document(name, image)}))
    document = {
        "schema_version": 1,
        "repository": "releases",
        "tag": "v1",
        "registries": list(registries),
        "target_registries": [each["name"] for each in registries],
        "requests": [str(folder / f"{name}.json") for name in images],
        "target": "//:release",
    }
    path = folder / "release.json"
    path.write_text(json.dumps(document | change))
    return path
