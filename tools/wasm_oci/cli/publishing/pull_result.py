"""What `wasm_oci pull` says of a component that it fetched."""

from __future__ import annotations

from pathlib import Path

from wasm_oci.jsontext import JsonObject
from wasm_oci.oci.target import Target
from wasm_oci.outcome import GREEN, Painted
from wasm_oci.reading.pull import Pulled
from wasm_oci.trust.trust import Trust
from wasm_oci.wording import size_text


def pull_lines(
    pulled: Pulled, target: Target, output: Path, signature_output: Path | None, trust: Trust | None
) -> tuple[list[str], JsonObject]:
    """Returns the lines for people and the JSON document."""
    reference = f"{target.store.name}@{pulled.digest}"
    document: JsonObject = {
        "reference": reference,
        "digest": str(pulled.digest),
        "pinned": target.pinned,
        "component": {"digest": str(pulled.component.digest), "size": pulled.component.size},
        "file": str(output),
        "signature": None,
    }
    lines = [Painted(f"Pulled {reference}", GREEN), f"  component {pulled.component.digest}, {size_text(pulled.component.size)}"]
    lines.append(f"  file      {output}")
    if trust and (verified := pulled.verified):
        kind, ids = "detached" if verified.detached else "embedded", [key.key_id.hex() for key in verified.keys]
        signature: JsonObject = {"kind": kind, "keyId": ids[0], "publicKey": verified.key.raw.hex(), "keyIds": ids}
        if trust.known:
            signature["keyNames"] = [trust.name_of(key) for key in verified.keys]
        described = ", ".join(trust.describe(key) for key in verified.keys)
        lines.append(f"  signature {kind}, verified with key{'s' * (len(ids) > 1)} {described}")
        if signature_output:
            signature["file"] = str(signature_output)
            lines.append(f"            saved as {signature_output}")
        document["signature"] = signature
    else:
        lines.append("  signature none that was verified")
    if not target.pinned:
        lines += ["  to get the same component again, use this reference:", f"    {reference}"]
    return lines, document
