"""The only wall clock. Everything that needs the time takes it from here, as integer UTC microseconds.

Pure packages never import this module: their time comes in with the facts.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now_us() -> int:
    """Microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def utc(us: int) -> datetime:
    """The aware UTC datetime of a microsecond count, exactly."""
    return _EPOCH + timedelta(microseconds=us)


def to_us(moment: datetime) -> int:
    """The microsecond count of an aware datetime, exactly. Raises ValueError on a naive one: its zone is a guess."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return (moment - _EPOCH) // _MICROSECOND


def iso(us: int) -> str:
    """RFC 3339 in UTC with six decimals, so that text order is time order: ``2026-11-21T23:32:50.000000Z``."""
    return utc(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def monotonic() -> float:
    """Seconds on a clock that never steps; only differences mean anything."""
    return time.monotonic()
