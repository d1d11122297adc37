"""The names of predicate types, and which type is meant by which."""

from __future__ import annotations

import pytest

from wasm_oci.errors import UsageError
from wasm_oci.trust.predicate_types import NAMES, is_of_type, predicate_type


@pytest.mark.parametrize(
    "text",
    [
        "https://slsa.dev/provenance/v1",
        "urn:example:type",
        "cosign.sigstore.dev/attestation/v1",
        "cosign.sigstore.dev/attestation/vuln/v1",
    ],
)
def test_types_are_taken_as_they_are(text: str) -> None:
    assert predicate_type(text, where="p") == text


@pytest.mark.parametrize("text", ["", "vsaa", "slsa/provenance", "a b", "https:", "slsa.dev/", "slsa.dev/a b", "slsa.dev/ä", "/a.b/c"])
def test_what_is_no_type(text: str) -> None:
    with pytest.raises(UsageError, match="is not a predicate type"):
        predicate_type(text, where="p")


def test_bills_of_materials_have_versions() -> None:
    assert is_of_type("https://spdx.dev/Document/v2.3", NAMES["spdxjson"])
    assert not is_of_type(NAMES["spdxjson"], "https://spdx.dev/Document/v2.3")
    assert not is_of_type("https://slsa.dev/provenance/v1/v1", NAMES["slsaprovenance1"])
