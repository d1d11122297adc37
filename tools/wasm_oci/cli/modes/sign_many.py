"""`wasm_oci sign FILE...`: many files with the same keys, which are opened once."""

from __future__ import annotations

import argparse
from pathlib import Path

from wasm_oci.cli.common.arguments import missing
from wasm_oci.cli.common.key_options import passphrase_of, spare_keys
from wasm_oci.cli.common.sign_request import requests_of
from wasm_oci.cli.common.sign_result import document_of, lines_of, sign_with
from wasm_oci.errors import UsageError, WasmOciError
from wasm_oci.files import reason_of
from wasm_oci.keys.sources.signing_keys import open_signers
from wasm_oci.outcome import Outcome, error_document, report_error


def run(args: argparse.Namespace) -> Outcome:
    """Signs every file, those after a failure too; the exit code is that of the first failure.

    Raises UsageError before anything is written where the options do not fit together or two files have one name.
    """
    if args.input_file or args.output_file or args.signature_file:
        raise UsageError("-i, -o and -S are for one file", hint="give the files without -i, and --output-dir DIR")
    if not (args.files and args.output_dir):
        raise missing({"file to sign": ("FILE...", args.files), "folder to write to": ("--output-dir DIR", args.output_dir)})
    jobs = [(path, args.output_dir / path.name, _signature(args, path)) for path in args.files]
    outputs = [output for _, *places in jobs for output in places if output is not None]
    if len(set(outputs)) != len(outputs):
        double = next(path for path in outputs if outputs.count(path) > 1)
        raise UsageError("two files would have this name", where=str(double), hint="sign them into different folders")
    requests = requests_of(args, jobs)
    keys = requests[0].keys
    spare_keys(args, keys, outputs)
    signers = open_signers(keys, passphrase_of(args), openssh=args.openssh)
    try:
        args.output_dir.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as err:
        raise UsageError(f"cannot make the folder: {reason_of(err)}", where=str(args.output_dir), hint="name another one") from err
    exit_code, lines, documents = 0, [], []
    for request in requests:
        signature = request.signature
        entry: dict[str, object] = {"input": str(request.input), "output": str(request.output)}
        entry["signatureFile"] = str(signature) if signature else None
        try:
            result = sign_with(request, signers, with_digest=args.output == "json")
        except WasmOciError as err:
            report_error("wasm_oci", err, "text")
            exit_code = exit_code or err.exit_code
            documents.append({**entry, **error_document(err)})
        else:
            lines.append(lines_of(signature or request.output, result, signers)[0])
            documents.append({**entry, **document_of(result, signers, detached=bool(signature))})
    return Outcome(lines=lines, document={"files": documents}, exit_code=exit_code)


def _signature(args: argparse.Namespace, path: Path) -> Path | None:
    return args.output_dir / f"{path.name}.sig" if args.detached else None
