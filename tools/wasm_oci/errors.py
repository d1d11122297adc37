"""The error types of this package: one base class, and a subclass for each remedy.

Exit codes are part of the command line's contract: 2 usage, configuration or unusable input, 3 denied by
policy, 4 signature or digest does not verify, 5 authentication or authorisation, 6 registry or network,
7 tag conflict. Anything that is not a `WasmOciError` is a bug and ends with 70.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from wasm_oci.redaction import redacted

EXIT_BUG = 70
EXIT_INTERRUPTED = 130

HIDDEN = re.compile(
    "[\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters above U+001F that a terminal obeys or does not show: C1 controls, format characters (Cf), line and paragraph separators,
surrogates, and Default_Ignorable_Code_Point (Unicode Standard Annex 44)."""


class WasmOciError(Exception):
    """Base class of every error that this package raises deliberately.

    Args:
        what: the problem, in one sentence without a full stop.
        where: the file, URL, reference or JSON path that it concerns, if known.
        hint: the remedy, as an imperative without a full stop.
        reason: a stable machine-readable code for `--output json`; the class's own by default.
    """

    exit_code: ClassVar[int] = 2
    default_reason: ClassVar[str] = "error"

    def __init__(self, what: str, *, where: str = "", hint: str = "", reason: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.reason = reason or self.default_reason

    def __str__(self) -> str:
        """One line: where, what, what to do next. Control characters from hostile input are escaped, secrets that were sent are hidden."""
        return " ".join(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The same in parts, between which a long line is broken first: each is redacted, so that no secret is cut in two."""
        where, what, hint = (one_line(redacted(text)) for text in (self.where, self.what, self.hint))
        return tuple(filter(None, (f"{where}:" if where else "", f"{what};" if hint else what, hint)))

    def to_json(self) -> dict[str, str | int]:
        """Returns the error as a part of a result: its reason, the whole message and the exit code."""
        return {"reason": self.reason, "message": str(self), "exitCode": self.exit_code}


class UsageError(WasmOciError):
    """The command line, a request file or the configuration is invalid: correct it."""

    default_reason = "usage"


class FormatError(WasmOciError):
    """An input file or document is malformed: regenerate it."""

    default_reason = "malformed"


class LimitError(FormatError):
    """An input exceeds a limit in `limits.py`."""

    default_reason = "limit"


class KeyFormatError(WasmOciError):
    """A key file is unusable: malformed, of another algorithm or kind, or its halves do not match."""

    default_reason = "key"


class PolicyError(WasmOciError):
    """A policy denies the operation; `verdicts` are the decisions in full, for the result."""

    exit_code = 3
    default_reason = "denied"
    verdicts: Sequence[Mapping[str, Any]] = ()


class SignatureError(WasmOciError):
    """A signature does not verify.

    Reasons: `unsigned`, `no_trusted_key`, `bad_signature`, `content_changed`, `malformed_signature`,
    `unsupported_version`, `malformed_module`, `not_split`, `key_revoked`, `key_expired`, `key_not_yet_valid`, `threshold`.
    """

    exit_code = 4
    default_reason = "signature"


class DigestError(SignatureError):
    """Content does not have the digest or size that was promised."""

    default_reason = "digest_mismatch"


class AuthError(WasmOciError):
    """The registry refuses the credentials, or they cannot be read.

    `status` is the HTTP status and `code` the registry's own error code: 0 and empty where there was no response, or no code in it.
    """

    exit_code = 5
    default_reason = "auth"

    def __init__(self, what: str, *, where: str = "", hint: str = "", reason: str = "", status: int = 0, code: str = "") -> None:
        super().__init__(what, where=where, hint=hint, reason=reason)
        self.status = status
        self.code = code


class RegistryError(WasmOciError):
    """The registry or the network failed, or a response violates the protocol.

    `status` is the HTTP status, or 0 where there was no response.
    """

    exit_code = 6
    default_reason = "registry"

    def __init__(self, what: str, *, where: str = "", hint: str = "", reason: str = "", status: int = 0) -> None:
        super().__init__(what, where=where, hint=hint, reason=reason)
        self.status = status


class NotFoundError(RegistryError):
    """The registry says that a manifest, blob or repository does not exist."""

    default_reason = "not_found"


class TagConflictError(WasmOciError):
    """A tag exists with another digest and may not be moved."""

    exit_code = 7
    default_reason = "tag_conflict"


def one_line(text: str) -> str:
    """Returns `text` with every character escaped that could forge a line or a colour, change the direction, or not be seen."""
    if text.isascii() and text.isprintable():
        return text
    return text.translate({ord(c): c.encode("unicode_escape").decode() for c in set(text) if HIDDEN.match(c) or not c.isprintable()})
