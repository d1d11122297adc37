"""Annotations: parsing of key=value, and who wins."""

from __future__ import annotations

import pytest

from wasm_oci.digest import Digest
from wasm_oci.errors import LimitError, UsageError
from wasm_oci.limits import LIMITS
from wasm_oci.oci.annotations import Attributes, SignatureFacts, compliance, merge, parse_annotations
from wasm_oci.wasm.metadata import Metadata

OCI = "org.opencontainers.image."
EMBEDDED = SignatureFacts(type="embedded", key_format="compact")


def _merge(
    explicit: dict[str, str] | None = None,
    attributes: Attributes | None = None,
    metadata: Metadata | None = None,
    signature: SignatureFacts | None = None,
    *,
    is_component: bool = True,
) -> dict[str, str]:
    return merge(
        explicit or {},
        attributes or Attributes(title="hello"),
        metadata or Metadata(),
        is_component=is_component,
        signature=signature,
    )


def test_split_at_the_first_equals_sign() -> None:
    assert parse_annotations(["a=b=c", "empty=", "a=b=c", "ü=ö x"]) == {"a": "b=c", "empty": "", "ü": "ö x"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("novalue", "'novalue' has no '='"),
        ("", "has no '='"),
        ("=value", "has no key"),
        ("a=b\nc", "has a control character"),
        ("a=\x1b[31m", "has a control character"),
        ("a\x00=b", "has a control character"),
        ("a=\ud800", "has a control character"),
        ("a =b", "has white space"),
        ("com.wasmsign2.signature.type=embedded", "is set by signing only"),
        ("com.wasmsign2.anything=x", "is set by signing only"),
        ("first=2", "is given twice, as '1' and '2'"),
    ],
)
def test_refused_with_the_entry(entry: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_annotations(["first=1", entry])
    assert message in str(caught.value)
    assert caught.value.where == "annotations[1]"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("entries", [[f"k{n}=v" for n in range(LIMITS.annotations + 1)], ["k=" + "v" * LIMITS.annotation_bytes]])
def test_limits_are_usage_errors_of_the_list(entries: list[str]) -> None:
    with pytest.raises(UsageError, match="annotations"):
        parse_annotations(entries)


def test_defaults_of_an_unsigned_component() -> None:
    assert _merge(attributes=Attributes(title="hello", version="v1")) == {
        OCI + "title": "hello",
        OCI + "version": "v1",
        "com.wasm.component.type": "component",
        "com.wasm.component.security": "unsigned",
    }


def test_a_module_says_so() -> None:
    assert _merge(is_component=False)["com.wasm.component.type"] == "module"


def test_a_signed_component() -> None:
    merged = _merge(signature=EMBEDDED)
    assert merged["com.wasm.component.security"] == "signed"
    assert merged["com.wasmsign2.signature.type"] == "embedded"
    assert merged["com.wasmsign2.key.format"] == "compact"


def test_a_detached_signature_of_unknown_key_format() -> None:
    merged = _merge(signature=SignatureFacts(type="detached"))
    assert merged["com.wasm.component.security"] == "detached-signed"
    assert merged["com.wasmsign2.signature.type"] == "detached"
    assert "com.wasmsign2.key.format" not in merged


def test_explicit_beats_attributes_beats_metadata() -> None:
    metadata = Metadata(description="m", authors="m", licenses="m", source="m", homepage="m", revision="m", version="m", name="m")
    attributes = Attributes(title="a", version="a", description="a", authors=("a", "b"))
    merged = _merge({OCI + "description": "e", OCI + "title": "e", "com.wasm.component.type": "plugin"}, attributes, metadata)
    assert merged == {
        OCI + "title": "e",
        OCI + "description": "e",
        OCI + "version": "a",
        OCI + "authors": "a, b",
        OCI + "licenses": "m",
        OCI + "source": "m",
        OCI + "url": "m",
        OCI + "revision": "m",
        "com.wasm.component.type": "plugin",
        "com.wasm.component.security": "unsigned",
    }


def test_security_level_of_a_user_is_kept_on_a_signed_component() -> None:
    assert _merge({"com.wasm.component.security": "high"}, signature=EMBEDDED)["com.wasm.component.security"] == "high"


@pytest.mark.parametrize("level", ["high", "signed", "unsigned"])
def test_security_level_of_a_user_is_refused_on_an_unsigned_component(level: str) -> None:
    with pytest.raises(UsageError, match="the component is not signed; sign the component, or remove"):
        _merge({"com.wasm.component.security": level})


@pytest.mark.parametrize(
    "attributes",
    [
        Attributes(title="hello", version="a\x07b"),
        Attributes(title="hello", description="a\x1bb"),
        Attributes(title="hello", license="a\x7fb"),
        Attributes(title="hello", authors=("a", "b\x00")),
    ],
)
def test_control_characters_in_attributes(attributes: Attributes) -> None:
    with pytest.raises(UsageError, match="control character"):
        _merge(attributes=attributes)


def test_a_description_may_have_lines() -> None:
    assert _merge(attributes=Attributes(title="hello", description="one\n\ttwo"))[OCI + "description"] == "one\n\ttwo"


def test_all_together_have_a_limit() -> None:
    with pytest.raises(LimitError):
        _merge(metadata=Metadata(description="x" * LIMITS.annotation_bytes))


def test_what_an_image_says_of_its_policy() -> None:
    policy = b'{"name": "strict"}\n'
    found = compliance(policy, ["ab", "cd"], where="policy.json")
    assert found == {
        "com.wasm.policy.name": "strict",
        "com.wasm.policy.digest": str(Digest.of(policy)),
        "com.wasmsign2.key.id": "ab,cd",
    }
    assert list(compliance(b"{}", (), where="policy.json")) == ["com.wasm.policy.digest"]
