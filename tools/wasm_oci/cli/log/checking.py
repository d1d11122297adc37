"""`wasm_oci log verify` and `log prove`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import FormatError, SignatureError
from wasm_oci.files import read_bounded, write_file
from wasm_oci.log.folder import LogFolder, read_checkpoint
from wasm_oci.log.note import Verifier
from wasm_oci.log.proof import LARGEST_PROOF, InclusionProof
from wasm_oci.log.records import parse_record
from wasm_oci.log.settings import open_log
from wasm_oci.log.tiles import LARGEST_ENTRY
from wasm_oci.log.tree import Tree
from wasm_oci.log.verify import verified_records
from wasm_oci.outcome import GREEN, Outcome, Painted
from wasm_oci.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyLogRequest:
    """A log to verify, and what is known of it."""

    folder: Path
    verifier: Verifier
    witnesses: tuple[Verifier, ...]
    """All of them must have cosigned the checkpoint."""
    since: tuple[Path, ...]
    """Checkpoints of the log that were kept."""
    keep: Path | None
    """Where the checkpoint goes that was verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyProofRequest:
    """A proof to verify, without the log."""

    proof: Path
    record: Path
    verifier: Verifier
    witnesses: tuple[Verifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveRequest:
    """A record to prove."""

    folder: Path
    index: int
    output: Path
    record: Path | None
    """Where the record goes."""


def verify(request: VerifyLogRequest) -> Outcome:
    """Raises SignatureError or DigestError for a log that is not whole, or does not follow the checkpoints that were kept."""
    folder = LogFolder(request.folder)
    remembered = [read_checkpoint(path, request.verifier) for path in request.since]
    checkpoint = folder.checkpoint(request.verifier)
    checkpoint.require_cosigned(request.witnesses, where=str(request.folder))
    for _ in verified_records(folder, checkpoint, remembered):
        pass
    if request.keep:
        write_file(request.keep, checkpoint.encoded(), what="checkpoint")
    kept = max((each.size for each in remembered), default=None)
    lines: list[str] = [Painted(f"Whole: the log {checkpoint.origin}, {counted(checkpoint.size, 'record')}", GREEN)]
    if kept is None:
        lines.append("  whether it was cut or begun anew is not known: keep a checkpoint, and give it with --since next time")
    else:
        lines.append(f"  {counted(checkpoint.size - kept, 'record')} more than when the checkpoint was kept, all others as they were")
    document = checkpoint.to_json() | {"since": [each.size for each in remembered]}
    return Outcome(lines=lines, document=document)


def verify_proof(request: VerifyProofRequest) -> Outcome:
    """Raises SignatureError where the record is not in the log of this key."""
    where = str(request.proof)
    try:
        proof = InclusionProof.parse(read_bounded(request.proof, LARGEST_PROOF, what="proof"), where=where)
        entry = parse_record(read_bounded(request.record, 4 * LARGEST_ENTRY, what="record"), where=str(request.record))
    except FormatError as err:
        raise SignatureError(err.what, where=err.where, hint=err.hint, reason=err.reason) from err
    proof.checkpoint.require(request.verifier, where=where)
    proof.checkpoint.require_cosigned(request.witnesses, where=where)
    proof.require(entry, where=where)
    lines = [Painted(f"Proved: record {proof.index} of the log {proof.checkpoint.origin}", GREEN)]
    return Outcome(lines=lines, document=proof.checkpoint.to_json() | {"index": proof.index})


def prove(request: ProveRequest) -> Outcome:
    """Writes a proof, which is verified first; raises DigestError for a log that is damaged."""
    log = open_log(request.folder)
    checkpoint = log.folder.checkpoint(log.verifier)
    entry = log.folder.entry(request.index, checkpoint.size, hint="see `wasm_oci log show`")
    hashes = tuple(Tree(log.folder, checkpoint.size).inclusion(request.index))
    proof = InclusionProof(index=request.index, hashes=hashes, checkpoint=checkpoint)
    proof.require(entry, where=str(request.folder))
    write_file(request.output, proof.encoded(), what="proof")
    if request.record:
        write_file(request.record, entry, what="record")
    lines: list[str] = [Painted(f"Written: {request.output}, the proof of record {request.index}", GREEN)]
    if request.record:
        lines.append(f"  record    {request.record}")
    return Outcome(lines=lines, document=checkpoint.to_json() | {"index": request.index, "file": str(request.output)})
