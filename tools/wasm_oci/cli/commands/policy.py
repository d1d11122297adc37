"""`wasm_oci policy`: decides by a policy, explains, compares and checks policies."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.common.registry_options import add_registry_options
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.cli.common.trust_options import add_trusted_key_options, trusted_keys_of
from wasm_oci.cli.policies.build_options import add_build_arguments, run_build
from wasm_oci.errors import UsageError
from wasm_oci.outcome import Outcome

DESCRIPTION = """Decide by a policy, explain a decision, compare policies, or check one.

  wasm_oci policy check hello.wasm --policy policy.yaml --registry ghcr.io/my-org -K release.public
  wasm_oci policy explain ghcr.io/my-org/apps/hello:1.2.3 --policy policy.yaml --trusted-keys trusted.yaml
  wasm_oci policy simulate new.yaml --against old.yaml --log decisions.jsonl
  wasm_oci policy lint policy.yaml --trusted-keys trusted.yaml

`check` and `explain` answer 0 where the artifact is allowed, and 3 where it is denied."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--request", type=Path, metavar="FILE", help="test what the request file of a test target says")
    commands = parser.add_subparsers(dest="what", metavar="check|explain|simulate|lint|compile|verdict")
    check = add_subcommand(commands, "check", "decide about a .wasm file, a layout or a reference")
    explain = add_subcommand(commands, "explain", "the same, with every rule that spoke and what to mend")
    for each in (check, explain):
        _add_decision_arguments(each)
    simulate = add_subcommand(commands, "simulate", "say which subjects another policy would decide differently, and why")
    simulate.add_argument("new", type=Path, metavar="NEW", help="the policy to try")
    simulate.add_argument("--against", type=Path, metavar="OLD", help="compare with what this policy decides, not with what was decided")
    simulate.add_argument(
        "--log", type=Path, action="append", required=True, metavar="RECORDS", help="JSON lines: verdicts of `policy check`, or subjects"
    )
    lint = add_subcommand(commands, "lint", "find rules that contradict each other, can never speak or match nothing, and keys that expire")
    lint.add_argument("policy", type=Path, metavar="POLICY", help="the policy to check")
    lint.add_argument("--registries", type=Path, metavar="FILE", help="the list of registries that artifacts go to")
    lint.add_argument("--trusted-keys", type=Path, metavar="FILE", help="the trust store whose names the policy uses")
    lint.add_argument("--log", type=Path, action="append", default=[], metavar="RECORDS", help="subjects that the policy is for")
    lint.add_argument("--at", metavar="TIME", help="the date for which keys, approvals and overrides are checked (default: now)")
    add_build_arguments(commands)


def _add_decision_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", help="a .wasm file, a layout folder as ./DIR, /DIR or oci:DIR, or a reference")
    parser.add_argument(
        "--policy", type=Path, action="append", required=True, metavar="FILE", help="policy; again for another one beside it"
    )
    for option, metavar, words in (
        ("--registry", "NAME|HOST", "where it goes: an entry of --registry-config, or a host; again for another"),
        ("--tag", "TAG", "what it is tagged; again for another"),
        ("--override", "NAME", "ask for an override of the policy"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=words)
    parser.add_argument("--name", metavar="NAMESPACE/NAME", help="what it is called (default: as its reference, title or file)")
    parser.add_argument("--step", choices=("build", "publish", "pull"), help="which step asks (default: pull of a reference, else publish)")
    parser.add_argument("--time", metavar="TIME", help="the date or time of the decision in UTC (default: now)")
    parser.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="detached signature of a .wasm file")
    parser.add_argument("--previous", metavar="TARGET", help="the version in the registry, to compare with; `none` for a first one")
    parser.add_argument("--wasm-tools", type=Path, metavar="PROGRAM", help="the wasm-tools that compares with it (default: from PATH)")
    parser.add_argument("--facts", type=Path, metavar="FILE", help="JSON with further facts, such as worlds, api_change and statements")
    add_trusted_key_options(parser)
    add_registry_options(parser, "--registries")


def run(args: argparse.Namespace) -> Outcome:
    if args.request:
        from wasm_oci.cli.policies.judging import run_test

        return run_test(args.request)
    if args.what is None:
        raise UsageError("no subcommand", where="wasm_oci policy", hint="write check, explain, simulate or lint; see --help")
    if build := run_build(args):
        return build()
    if args.what == "simulate":
        from wasm_oci.cli.policies.simulating import PolicySimulateRequest, run_simulate

        return run_simulate(PolicySimulateRequest(new=args.new, against=args.against, logs=tuple(args.log)))
    if args.what == "lint":
        from wasm_oci.cli.policies.linting import PolicyLintRequest, run_lint

        return run_lint(
            PolicyLintRequest(
                policy=args.policy, registries=args.registries, trusted_keys=args.trusted_keys, logs=tuple(args.log), at=args.at
            )
        )
    return _decide(args)


def _decide(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.policies.deciding import PolicyCheckRequest, run_check
    from wasm_oci.policy_facts.artifact_facts import Source

    source = Source(
        text=args.target,
        trust=trusted_keys_of(args),
        signature=args.signature_file,
        registry_config=args.registry_config,
        plain_http=tuple(args.plain_http),
        ca_files=tuple(args.ca_file),
    )
    return run_check(
        PolicyCheckRequest(
            source=source,
            policies=tuple(args.policy),
            registries=tuple(args.registry),
            name=args.name,
            tags=tuple(args.tag),
            at=args.step,
            time=args.time,
            previous=args.previous,
            facts=args.facts,
            overrides=tuple(args.override),
            wasm_tools=args.wasm_tools,
            explain=args.what == "explain",
        )
    )
