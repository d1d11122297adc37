"""Notes, checkpoints and proofs: as other programs write them, and nothing else."""

from __future__ import annotations

import base64

import pytest

from log.logs import ORIGIN, SIGNER, VERIFIER
from wasm_oci.errors import FormatError, KeyFormatError, SignatureError
from wasm_oci.keys.key import of_seed
from wasm_oci.log.checkpoint import Checkpoint
from wasm_oci.log.hashes import leaf_hash, node_hash
from wasm_oci.log.note import Note, Verifier, cosign
from wasm_oci.log.proof import InclusionProof

# Accepted by Go's sumdb/note and sumdb/tlog, by torchwood and by Tessera's fsck.
LOG = "example.com/wasm-audit+39671907+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
TEXT = "example.com/wasm-audit\n3\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n"
LOG_LINE = "\u2014 example.com/wasm-audit OWcZB1TYqNlAeWxXZv2EjJhxgOmm1F3vUeQOyUNZ41ZV7fOrHBKSZ0hjbFwFFf3I0YhBnFqnk0sonGTChE6gb31PRAk=\n"
WITNESS_LINE = (
    "\u2014 witness.example/w1 IDJKvgAAAABlU/EAe78xEAnsx+aXzXs8VO6Co5Q6qltlik9PyHqA8ftC2YFrjj2Q+2hihWEpJVuFHVVVGZt69bxmJMi1nI2omqKWDg==\n"
)
VECTOR = f"{TEXT}\n{LOG_LINE}{WITNESS_LINE}"
PROOF = "c2sp.org/tlog-proof@v1\nindex 1\n+UBwq/0toL9ykC6xOoCOeU+VTZ4nRcaCoVj27Q1KwDY=\nPR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n\n"


def test_a_checkpoint_of_another_program() -> None:
    checkpoint = Checkpoint.parse(VECTOR.encode(), where="here")
    log, witness = Verifier.parse(LOG, where="here"), Verifier.parse(WITNESS, where="here")
    checkpoint.require(log, where="here")
    assert [each for each in (log, witness) if checkpoint.note.of(each)] == [log, witness]
    assert checkpoint.size == 3
    leaves = [leaf_hash(b'{"n":%d}' % number) for number in range(3)]
    assert checkpoint.root == node_hash(node_hash(leaves[0], leaves[1]), leaves[2])
    assert checkpoint.encoded() == VECTOR.encode()
    assert (str(log), str(witness)) == (LOG, WITNESS)


def test_a_proof_of_another_program() -> None:
    proof = InclusionProof.parse((PROOF + VECTOR).encode(), where="here")
    proof.require(b'{"n":1}', where="here")
    assert proof.encoded() == (PROOF + VECTOR).encode()
    for other in (b'{"n":0}', b'{"n":1} ', b""):
        with pytest.raises(SignatureError, match="not record 1 of the log"):
            proof.require(other, where="here")


@pytest.mark.parametrize("at", range(0, len(VECTOR), 3))
def test_no_character_of_a_checkpoint_can_change(at: int) -> None:
    log, witness = Verifier.parse(LOG, where="here"), Verifier.parse(WITNESS, where="here")
    changed = VECTOR[:at] + ("1" if VECTOR[at] != "1" else "2") + VECTOR[at + 1 :]
    try:
        checkpoint = Checkpoint.parse(changed.encode(), where="here")
        checkpoint.require(log, where="here")
        signers = [each for each in (log, witness) if checkpoint.note.of(each)]
    except (FormatError, SignatureError):
        return
    assert signers == [log], "a changed line of the witness is another's at most"


def test_signing() -> None:
    checkpoint = Checkpoint.signed(ORIGIN, 0, leaf_hash(b""), SIGNER)
    checkpoint.require(VERIFIER, where="here")
    assert Checkpoint.parse(checkpoint.encoded(), where="here") == checkpoint
    with pytest.raises(SignatureError, match="key did not sign"):
        checkpoint.require(Verifier(name=ORIGIN, public=of_seed(bytes(32)).public), where="here")
    with pytest.raises(SignatureError, match=r"is of the log example\.com/audit, not example\.com/other"):
        checkpoint.require(Verifier(name="example.com/other", public=SIGNER.public), where="here")


def test_cosigning() -> None:
    witness = of_seed(bytes(32))
    line = cosign(TEXT.encode(), "witness.example/w2", witness, 1_700_000_000)
    note = Note(text=TEXT.encode(), signatures=(line,))
    assert note.of(Verifier(name="witness.example/w2", public=witness.public, cosigner=True))
    assert not note.of(Verifier(name="witness.example/w2", public=witness.public)), "a log's signature is another"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno signature\n",
        f"{TEXT}\n{LOG_LINE}".encode()[:-1],
        f"{TEXT}{LOG_LINE}".encode(),
        f"{TEXT}\n{LOG_LINE}\n".encode(),
        f"{TEXT}\r\n{LOG_LINE}".encode(),
        f"a\tb\n\n{LOG_LINE}".encode(),
        f"{TEXT}\n".encode() + b"\xe2\x80\x94 name \xff\n",
        f"{TEXT}\n\u2014 name {base64.b64encode(b'1234').decode()}\n".encode(),
        f"{TEXT}\n\u2014 a+b {base64.b64encode(b'12345').decode()}\n".encode(),
        f"{TEXT}\n{LOG_LINE * 101}".encode(),
    ],
)
def test_what_is_not_a_note(data: bytes) -> None:
    with pytest.raises(FormatError):
        Note.parse(data, where="here")


@pytest.mark.parametrize(
    "text",
    [
        "example.com/log\n03\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n",
        "example.com/log\n-1\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n",
        "example.com/log\n3\nLP73\n",
        "example.com/log\n3\n",
        "example.com/log\n",
        "\n3\nLP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=\n",
    ],
)
def test_what_is_not_a_checkpoint(text: str) -> None:
    with pytest.raises(FormatError):
        Checkpoint.parse(f"{text}\n{LOG_LINE}".encode(), where="here")


@pytest.mark.parametrize(
    "data",
    [
        "",
        PROOF,
        PROOF.replace("@v1", "@v2") + VECTOR,
        PROOF.replace("index 1", "index 01") + VECTOR,
        PROOF.replace("index 1", "extra AA==\nindex 1") + VECTOR,
        PROOF.replace("+UBwq", "UBwq") + VECTOR,
        PROOF.replace("index 1\n", "index 1\n" + "PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=\n" * 63) + VECTOR,
    ],
)
def test_what_is_not_a_proof(data: str) -> None:
    with pytest.raises(FormatError):
        InclusionProof.parse(data.encode(), where="here")


@pytest.mark.parametrize(
    "text", ["", "name", LOG[:-4], LOG.replace("39671907", "39671908"), LOG.replace("example", "sample"), "a b+00000000+AQ==", LOG + "A"]
)
def test_what_is_not_a_verifier_key(text: str) -> None:
    with pytest.raises(KeyFormatError):
        Verifier.parse(text, where="here")
