"""The release that the arguments of `wasm_oci release` ask for."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from wasm_oci.cli.publishing.publish_options import overrides_of
from wasm_oci.errors import UsageError
from wasm_oci.oci.reference import check_tag
from wasm_oci.publish.release_request import ReleaseRequest
from wasm_oci.releases.release_file import ReleaseOptions, read_release_file, release_of_file
from wasm_oci.releases.sources import read_source_settings


def release_request(args: argparse.Namespace) -> ReleaseRequest:
    """Raises UsageError for arguments that do not go together, and what reading the requests raises."""
    return replace(_request(args, _options(args)), read_whole=args.read_back == "full")


def _request(args: argparse.Namespace, options: ReleaseOptions) -> ReleaseRequest:
    if not args.request:
        from wasm_oci.releases.bazel import release_of_patterns

        return release_of_patterns(args.words, args.repository, options, os.environ, read_source_settings(args.registry_config))
    if args.registry_config:
        raise UsageError("the target has its own list", where="--registry-config", hint="set registry_config of the target")
    if args.words or args.repository:
        raise UsageError("neither patterns nor --repository go with --request", where=str(args.request), hint="leave them out")
    return release_of_file(read_release_file(args.request, os.environ), options, os.environ)


def _options(args: argparse.Namespace) -> ReleaseOptions:
    """Raises what `overrides_of` raises."""
    return ReleaseOptions(tags=tuple(check_tag(tag, where="--tag") for tag in args.tag), ask_all=args.ask_all, changes=overrides_of(args))
