"""Docker configurations, and what is found in them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from wasm_oci.registry.credential import Credential
from wasm_oci.registry.credentials import docker_lookup
from wasm_oci.registry.docker_config import DockerConfigs


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def docker(folder: Path, config: object) -> dict[str, str]:
    """An environment whose Docker configuration is `config`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return {"DOCKER_CONFIG": str(folder), "HOME": str(folder / "home"), "PATH": f"{folder}{os.pathsep}{os.defpath}"}


def find(environ: dict[str, str], host: str = "ghcr.io", repository: str = "org/app") -> Credential:
    return docker_lookup(host, repository, DockerConfigs(environ))()
