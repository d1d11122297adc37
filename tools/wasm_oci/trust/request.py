"""The keys that a command is asked to trust, how many of them must sign, at what time, and for which parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wasm_oci.errors import UsageError
from wasm_oci.keys.any_key import load_any_public_keys
from wasm_oci.keys.key import OPENSSH, AnyPublicKey, load_public_keys, require_format
from wasm_oci.shape import Runfile
from wasm_oci.trust.trust import Trust
from wasm_oci.wasmsign.pattern import SectionPattern


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRequest:
    """Either public keys or a trust store; neither where a command verifies nothing."""

    public_keys: tuple[Runfile, ...]
    """Files of trusted keys, in any form."""
    trusted_keys: Runfile | None
    """A trust store."""
    threshold: int
    """How many different trusted keys must sign."""
    split_regex: str | None
    """Which custom sections are verified; None verifies the whole file."""
    openssh: bool
    """Whether keys in another form than OpenSSH's are refused."""
    at: str | None
    """The date or time at which keys of the trust store must be valid; None is now."""
    ignore_time: bool
    """Whether expired and future keys of the trust store are valid too."""

    def trust(self, *, for_statements: bool = False) -> Trust | None:
        """Returns the trusted keys, None if no key is named. Files of P-256 keys are for statements; a trust store may list such keys.

        Raises UsageError for options that are mutually exclusive, KeyFormatError and FormatError for unusable files.
        """
        if self.trusted_keys and self.public_keys:
            raise UsageError(
                "keys are given twice", where="--trusted-keys", hint="give -K or --trusted-keys; a trust store can list all of them"
            )
        if self.trusted_keys:
            return self._of_store(self.trusted_keys)
        for option, given in (("--at", self.at is not None), ("--ignore-time", self.ignore_time)):
            if given:
                raise UsageError(
                    "only keys of a trust store have dates", where=option, hint="give --trusted-keys FILE too, or leave it out"
                )
        if not self.public_keys:
            return None
        files = _load(self.public_keys, load_any_public_keys if for_statements else load_public_keys, openssh=self.openssh)
        return Trust.of_keys(files, threshold=self.threshold, files=files)

    def pattern(self) -> SectionPattern | None:
        """Returns what `split_regex` matches, None where there is none; raises UsageError for an unusable one."""
        return None if self.split_regex is None else SectionPattern(self.split_regex)

    def _of_store(self, path: Path) -> Trust:
        from wasm_oci.trust.timestamps import now, parse_timestamp
        from wasm_oci.trust.trust_store import load_trust_store

        if self.ignore_time and self.at is not None:
            raise UsageError("--at and --ignore-time are mutually exclusive", where="--at", hint="leave out --at or --ignore-time")
        at = None if self.ignore_time else now() if self.at is None else parse_timestamp(self.at, where="--at")
        store = load_trust_store(path)
        if self.openssh:
            for key in store:
                require_format(key.public, OPENSSH, where=f"{path}: {key.name}")
        return Trust.of_store(store, at=at, threshold=self.threshold)


def _load(paths: Sequence[Path], load: Callable[[Path], tuple[AnyPublicKey, ...]], *, openssh: bool) -> dict[AnyPublicKey, Path]:
    keys: dict[AnyPublicKey, Path] = {}
    for path in paths:
        for key in load(path):
            if openssh:
                require_format(key, OPENSSH, where=str(path))
            keys.setdefault(key, path)
    return keys
