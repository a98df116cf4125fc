"""Ids: inside a time-ordered 63-bit integer, outside a UUIDv7 that nobody can guess (docs/adr/0005).

``Ids.public`` carries the integer's time and low bits in a UUIDv7 and fills the rest with a keyed MAC;
``Ids.inner`` refuses one that this installation did not make, before any look-up.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import threading
import uuid

from gateway.clock import now_us

_LOW = 21  # bits of an id below its milliseconds


class _Mint:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._random = random.Random()  # noqa: S311 - spreads ids of several processes; guards nothing
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._random.seed()

    def __call__(self) -> int:
        """A new id, larger than any this process minted before. Two processes meet in one with odds of about 1 in
        10^6 per shared millisecond; the primary key then refuses the second, and its batch is done again."""
        with self._lock:
            floor = (now_us() // 1000) << _LOW
            if floor > self._last:
                self._last = floor + self._random.getrandbits(_LOW - 1)
            else:
                self._last += 1
            return self._last


mint = _Mint()


def minted_at(id: int) -> int:
    """When an id was made, UTC microseconds (to the millisecond)."""
    return (id >> _LOW) * 1000


class Ids:
    """The translation between inner and public ids of one installation."""

    def __init__(self, salt: bytes) -> None:
        self._salt = salt

    def public(self, id: int) -> str:
        milliseconds, low = id >> _LOW, id & ((1 << _LOW) - 1)
        value = milliseconds << 80 | 7 << 76 | (low >> 9) << 64 | 2 << 62 | (low & 511) << 53 | self._tail(id)
        return str(uuid.UUID(int=value))

    def inner(self, public: str) -> int | None:
        """The integer behind a public id, or None when it is not one of ours."""
        try:
            value = uuid.UUID(public).int
        except ValueError:
            return None
        low = (value >> 64 & 0xFFF) << 9 | value >> 53 & 511
        id = value >> 80 << _LOW | low
        if id >= 1 << 63 or not hmac.compare_digest(self.public(id), public.lower()):
            return None
        return id

    def _tail(self, id: int) -> int:
        digest = hmac.digest(self._salt, id.to_bytes(8, "big"), hashlib.sha256)
        return int.from_bytes(digest[:8], "big") >> 11
