"""The options of `wasm_oci policy compile` and `verdict`, which build rules call."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from wasm_oci.cli.common.arguments import any_text
from wasm_oci.cli.common.subcommands import add_subcommand
from wasm_oci.outcome import Outcome


def add_build_arguments(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds both subcommands."""
    compile_ = add_subcommand(commands, "compile", "write the normal form of a policy, from a build rule")
    compile_.add_argument("--attributes", required=True, metavar="JSON", help="one object with the attributes of the rule")
    compile_.add_argument("--file", type=Path, metavar="FILE", help="the policy file, in YAML or JSON")
    compile_.add_argument("--place", type=any_text, metavar="PATH", help="what rules call the file (default: its path)")
    compile_.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the normal form goes, as JSON")
    verdict = add_subcommand(commands, "verdict", "decide about what a build made, and write the verdict, from a build rule")
    verdict.add_argument("--facts", required=True, metavar="JSON", help="one object with what the rule knows of the component")
    verdict.add_argument("-i", "--input-file", type=Path, required=True, metavar="FILE", help="the component")
    verdict.add_argument("--layout", type=Path, metavar="DIR", help="the layout of its image")
    verdict.add_argument("-S", "--signature-file", type=Path, metavar="FILE", help="its detached signature")
    verdict.add_argument("--policy", type=Path, action="append", required=True, metavar="FILE", help="policy; again for another one")
    for option, words in (("--key", "public key, in the order of the facts"), ("--trusted-keys", "trust store")):
        verdict.add_argument(option, type=Path, action="append", default=[], metavar="FILE", help=f"{words}; may be repeated")
    verdict.add_argument("--registries", type=Path, metavar="FILE", help="the list of registries")
    verdict.add_argument("-o", "--output-file", type=Path, required=True, metavar="FILE", help="where the verdict goes, as JSON")


def run_build(args: argparse.Namespace) -> Callable[[], Outcome] | None:
    """Returns what to run, None for another subcommand."""
    if args.what == "compile":
        return lambda: _compile(args)
    return (lambda: _verdict(args)) if args.what == "verdict" else None


def _compile(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.policies.compiling import PolicyCompileRequest, run_compile

    return run_compile(PolicyCompileRequest(attributes=args.attributes, file=args.file, place=args.place, output=args.output_file))


def _verdict(args: argparse.Namespace) -> Outcome:
    from wasm_oci.cli.policies.judging import PolicyVerdictRequest, run_verdict

    return run_verdict(
        PolicyVerdictRequest(
            facts=args.facts,
            component=args.input_file,
            layout=args.layout,
            signature=args.signature_file,
            policies=tuple(args.policy),
            keys=tuple(args.key),
            trust_stores=tuple(args.trusted_keys),
            registry_list=args.registries,
            output=args.output_file,
        )
    )
