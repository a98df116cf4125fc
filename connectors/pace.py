"""How fast a desk wants to be called: read from its rate-limit headers, kept for the one connector object."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.schema import rate
from connectors.values import Times

LOW = 0.10
"""The share of the allowance below which calls wait for its renewal."""

LONGEST = 3600.0
UNKNOWN_RENEWAL = 60.0


class Pace:
    """``spec`` is the manifest's ``limits``."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._remaining = spec.get("remaining")
        self._reset = spec.get("reset", {})
        self._rate = rate(spec["rate"]) if "rate" in spec else None
        self._lock = threading.Lock()
        self._full = self._rate[0] if self._rate else 0
        self._until = 0.0

    def until(self) -> float:
        """The ``monotonic`` time before which the desk asks for no more calls; 0.0: none."""
        return self._until

    def note(self, headers: Mapping[str, str], now: datetime, monotonic: float) -> None:
        """Learn from a reply: less than a tenth left means waiting for the renewal."""
        told = headers.get(self._remaining) if self._remaining else None
        if told is None or not told.strip().isdigit():
            return
        left = int(told)
        with self._lock:
            self._full = max(self._full, left)
            if left >= self._full * LOW:
                self._until = 0.0
                return
            period = self._rate[1] if self._rate else UNKNOWN_RENEWAL
            wait = self.reset(headers, now)
            self._until = monotonic + min(period if wait is None else wait, LONGEST)

    def reset(self, headers: Mapping[str, str], now: datetime) -> float | None:
        """Seconds until the allowance is renewed, as the desk's own header says: a moment, or seconds from now."""
        told = headers.get(self._reset.get("header", ""))
        if not told:
            return None
        try:
            if "format" not in self._reset:
                return max(float(told), 0.0)
            moment = Times(self._reset["format"]).read(told)
        except ValueError:
            return None
        return max(((moment or now) - now) / timedelta(seconds=1), 0.0)
