"""Options of all commands that reach registries."""

from __future__ import annotations

import argparse


def add_registry_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plain-http",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="reach this registry or token service without TLS; may be given several times",
    )


def plain_http_hosts(args: argparse.Namespace) -> frozenset[str]:
    """Returns the hosts of --plain-http; raises UsageError for what is not `host[:port]`."""
    from wasm_oci.http.host import check_host

    return frozenset(check_host(host, where="--plain-http") for host in args.plain_http)
