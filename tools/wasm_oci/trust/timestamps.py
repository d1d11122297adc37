"""Timestamps as people write them: a date, or RFC 3339 in UTC, to the second."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from wasm_oci.errors import UsageError

_FORM = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2}):(\d{2})[Zz])?", re.ASCII)
_LAST_SECOND = timedelta(days=1, seconds=-1)


def parse_timestamp(text: str, *, where: str, last: bool = False) -> datetime:
    """Returns the timestamp; of a date its first second, with `last` its last one, in UTC.

    Raises UsageError for any other form, and for a day or time that does not exist.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(f"{text[:40]!r} is not a date or time", where=where, hint="write 2027-12-31 or 2027-12-31T18:00:00Z (UTC)")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        timestamp = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as err:
        raise UsageError(f"{text[:40]} does not exist", where=where, hint="correct the date or time") from err
    return timestamp + _LAST_SECOND if last and found[4] is None else timestamp


def now() -> datetime:
    """Returns this second."""
    return datetime.now(UTC).replace(microsecond=0)


def timestamp_text(timestamp: datetime) -> str:
    """Returns RFC 3339, which `parse_timestamp` reads back."""
    return timestamp.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
