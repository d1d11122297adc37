"""Signing with the keys of a command, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wasm_oci.cli.common.sign_request import SignRequest
from wasm_oci.keys.signer import Signer
from wasm_oci.wasmsign.sign import SignResult, sign_file
from wasm_oci.wording import counted


def sign_with(request: SignRequest, signers: Sequence[Signer], *, with_digest: bool) -> SignResult:
    """Signs with all keys, each by its own key id."""
    key, *further = signers
    key_id = key.public.key_id
    place = request.signature
    return sign_file(request.input, request.output, key, key_id=key_id, further=further, signature_file=place, with_digest=with_digest)


def lines_of(place: Path, result: SignResult, signers: Sequence[Signer]) -> list[str]:
    done = "Signed" if result.added else f"Already signed with {'this key' if len(signers) == 1 else 'these keys'}"
    count = counted(result.signature_count, "signature")
    ids = ", ".join(signer.public.key_id.hex() for signer in signers)
    lines = [f"{done}: {place} ({result.kind.value}, {count})", f"Key id{'s' * (len(signers) > 1)}: {ids}"]
    if result.dropped:
        lines.append(f"Left out: {result.dropped} signature section(s) that were not first in the file")
    return lines


def document_of(result: SignResult, signers: Sequence[Signer], *, detached: bool) -> dict[str, object]:
    ids = [signer.public.key_id.hex() for signer in signers]
    return {
        "kind": result.kind.value,
        "signature": "detached" if detached else "embedded",
        "keyId": ids[0],
        "keyIds": ids,
        "contentHash": result.module_hash,
        "digest": result.digest.text if result.digest else None,
        "size": result.size,
        "signatures": result.signature_count,
        "added": bool(result.added),
        "droppedSections": result.dropped,
    }
