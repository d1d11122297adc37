"""`wasmsign2`: a drop-in for the published program: keygen, show, sign, verify.

Options, texts, results and exit codes are the published program's. Refused besides is what that one takes by
oversight: a file cut off after a delimiter, left-over bytes in a signature, halves of two key pairs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from wasm_oci.cli import wasmsign2_texts as texts
from wasm_oci.cli.outcome import enter_user_directory
from wasm_oci.cli.wasmsign2_args import Arguments, CommandLineError, HelpWanted, parse
from wasm_oci.cli.wasmsign2_keys import load_public, load_secret, write_pair
from wasm_oci.cli.wasmsign2_show import describe_sections, describe_signature, numbered
from wasm_oci.errors import SignatureError, WasmOciError
from wasm_oci.files import read_bounded
from wasm_oci.limits import LIMITS
from wasm_oci.wasmsign.keys import SecretKey, require_pair
from wasm_oci.wasmsign.sign import sign_file
from wasm_oci.wasmsign.signature import message
from wasm_oci.wasmsign.verify import verify_file


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        _write(_run(arguments))
    except HelpWanted as wanted:
        _write(str(wanted))
    except CommandLineError as err:
        sys.stderr.write(f"error: {err}\n  {err.detail}; `wasmsign2 help` and `wasmsign2 help COMMAND` say what there is\n")
        return 2
    except texts.Refusal as err:
        sys.stderr.write(f"{err}\n")
        return 1
    except WasmOciError as err:
        sys.stderr.write(f"{texts.text_of(err)}\n")
        return 1
    except OSError:
        sys.stderr.write(f"{texts.IO_ERROR}\n")
        return 1
    return 0


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def _run(arguments: Arguments) -> str:
    if not arguments.command:
        raise texts.Refusal("Usage error: No subcommand specified")
    return {"keygen": _keygen, "show": _show, "sign": _sign, "verify": _verify}[arguments.command](arguments)


def _keygen(arguments: Arguments) -> str:
    secret, public = arguments.values["secret-key"], arguments.values["public-key"]
    write_pair(SecretKey.generate(), Path(secret), Path(public))
    return f"Secret key saved to [{secret}]\nPublic key saved to [{public}]\n"


def _show(arguments: Arguments) -> str:
    return numbered(describe_sections(Path(arguments.values["input-file"]), verbose=arguments.verbose))


def _sign(arguments: Arguments) -> str:
    values, ssh = arguments.values, "ssh" in arguments.values
    key, key_id = load_secret(Path(values["secret-key"]), ssh=ssh), None
    if "public-key" in values:
        public = load_public(Path(values["public-key"]), ssh=ssh)
        require_pair(key, public, where=values["public-key"])
        key_id = public.key_id
    source, detached = Path(values["input-file"]), values.get("signature-file")
    sections = describe_sections(source, verbose=arguments.verbose, skip_signatures=detached is None)
    result = sign_file(
        source,
        Path(values["output-file"]),
        key,
        key_id=key_id,
        signature_file=None if detached is None else Path(detached),
        with_digest=False,
        as_reference=True,
    )
    for _ in range(result.dropped):
        sys.stderr.write("The signature section was not the first module section\n")
    if arguments.debug:
        sys.stderr.write(f"Signed {message(result.hashes).hex()}\n")
    if detached is None:
        sections.insert(0, describe_signature(result.signature, verbose=arguments.verbose))
    return f"* Signed module structure:\n\n{numbered(sections)}"


def _verify(arguments: Arguments) -> str:
    values = arguments.values
    if "public-key" not in values:
        raise texts.Refusal("Usage error: Missing public key file")
    key, source, signature = load_public(Path(values["public-key"]), ssh="ssh" in values), Path(values["input-file"]), None
    try:
        if "signature-file" in values:
            signature = read_bounded(Path(values["signature-file"]), LIMITS.signature_section, what="signature file")
        verify_file(source, (key,), signature=signature, skip_unknown_algorithms=True)
    except SignatureError as err:
        if arguments.debug:
            sys.stderr.write(f"{err}\n")
        raise texts.Refusal(texts.verification_text(err, source, key, signature)) from err
    return "Signature is valid.\n"


if __name__ == "__main__":
    enter_user_directory()
    sys.exit(main())
