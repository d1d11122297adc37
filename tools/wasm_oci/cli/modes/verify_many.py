"""`wasm_oci verify FILE...`: many files with the same keys, which are read once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from wasm_oci.cli.common.verify_request import VerifyRequest
from wasm_oci.cli.common.verify_result import detached_signature, document_of, text_of
from wasm_oci.errors import SignatureError, UsageError
from wasm_oci.files import write_file
from wasm_oci.outcome import SCHEMA_VERSION, Outcome, error_document, report_error
from wasm_oci.trust.trust import Trust, verify_trusted
from wasm_oci.wasmsign.pattern import SectionPattern


def run(args: argparse.Namespace, requests: Sequence[VerifyRequest], trust: Trust, pattern: SectionPattern | None) -> Outcome:
    """Verifies every file, those after a failure too; the exit code is that of the first failure, and then no report is written.

    Raises UsageError where the options do not fit together.
    """
    if args.input_file or args.signature_file:
        raise UsageError("-i and -S are for one file", hint="give the files without -i; --detached finds each signature in FILE.sig")
    exit_code, lines, documents = 0, [], []
    for request in requests:
        entry: dict[str, object] = {"input": str(request.input)}
        try:
            signature = detached_signature(request.signature) if request.signature else None
            result = verify_trusted(request.input, trust, signature=signature, pattern=pattern)
        except SignatureError as err:
            report_error("wasm_oci", err, "text")
            exit_code = exit_code or err.exit_code
            documents.append({**entry, "verified": False, **error_document(err)})
        else:
            lines.append(text_of(request.input, result, trust))
            documents.append({**entry, **document_of(result, trust)})
    document = {"files": documents}
    if args.report and not exit_code:
        from wasm_oci.jsontext import pretty

        write_file(args.report, pretty({"schemaVersion": SCHEMA_VERSION, **document}), what="report")
    return Outcome(lines=lines, document=document, exit_code=exit_code)
