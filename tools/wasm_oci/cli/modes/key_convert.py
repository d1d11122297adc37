"""`wasm_oci key convert`: a key in another form."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.cli.common.key_files import BASE64, write_new
from wasm_oci.cli.modes.key_show import read_key_file
from wasm_oci.errors import UsageError
from wasm_oci.keys.key import OPENSSH
from wasm_oci.keys.sources.passphrase import PassphraseSource
from wasm_oci.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConvertRequest:
    """One key to write in another form."""

    input: Path
    output: Path | None
    """A file that does not exist; None is stdout."""
    form: str
    """One of the forms of key files, or `BASE64`."""
    public: bool
    """Whether only the public half is written."""
    passphrase: PassphraseSource


def run(request: KeyConvertRequest) -> Outcome:
    """Writes a new file, or text to stdout; raises KeyFormatError or UsageError."""
    if (request.form == BASE64) == (request.output is not None):
        hint = "leave out -o" if request.form == BASE64 else "give -o FILE"
        raise UsageError(f"{request.form} is written to {'stdout' if request.form == BASE64 else 'a file'}", where="--to", hint=hint)
    found = read_key_file(request.input, request.passphrase, open_secret=not request.public)
    if len(set(found.keys)) != 1 and request.form != OPENSSH:
        raise UsageError(f"it holds {len(found.keys)} keys", where=str(request.input), hint="keep one, or convert it to openssh")
    secret = None if request.public else found.secret
    if request.output is None:
        text = base64.b64encode(secret.compact() if secret else found.keys[0].compact()).decode()
        return Outcome(lines=[text], document={"base64": text, "secret": secret is not None})
    data = secret.encoded(request.form) if secret else b"".join(key.encoded(request.form) for key in found.keys)
    write_new((request.output, data, 0o600 if secret else 0o666))
    key_id = found.keys[0].key_id.hex()
    kind = "Secret key" if secret else "Public key"
    lines = [f"{kind}: {request.output} ({request.form}{', keep it to yourself' if secret else ''})", f"Key id:     {key_id}"]
    return Outcome(
        lines=lines, document={"format": request.form, "secret": secret is not None, "keyId": key_id, "file": str(request.output)}
    )
