"""The registries that a command line names."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from wasm_oci.cli.common.registry_options import RegistryOptions
from wasm_oci.releases.reach import Reach, reach


def reached(options: RegistryOptions) -> AbstractContextManager[Reach]:
    """Reaches registries as the options say; entering it raises what `reach` raises."""
    return reach(options.config, options.plain_http, options.ca_files, os.environ)
