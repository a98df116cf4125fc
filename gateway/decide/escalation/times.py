"""When a wait is over, by the calendar that counts, without the times at which the ticket itself waits for somebody.

Every answer of a calendar is written down, so that a decision can be made again from its inputs alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from gateway.decide.escalation.matrix import WALL, Wait
from gateway.decide.hours.open import NeverOpens
from gateway.decide.language import spelled

SECOND = 1_000_000
MINUTE = 60 * SECOND
LATE = 2 * MINUTE
"""Up to this, in microseconds, the clock's own step is no delay worth a word."""


NEVER = 1 << 60
"""An instant that does not come: a calendar that never opens again."""


class Person(Protocol):
    """Somebody who is on call (``hours.Person``)."""

    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...


class Hours(Protocol):
    """The working hours of one party (``hours.Hours``). Instants and lengths in UTC microseconds."""

    def worked(self, start: int, end: int) -> int: ...
    def after(self, start: int, worked: int) -> int: ...


class Calendars(Protocol):
    """Everybody's hours (``hours.Calendars``)."""

    def of(self, who: str) -> Hours: ...
    def on_call(self, rotation: str, at: int) -> Person | None: ...


class Times:
    """What the calendars say. ``told`` has every answer given; what it has already is not asked again, so that a
    decision is replayed without calendars (``calendars`` None: every hour counts)."""

    def __init__(self, calendars: Calendars | None, told: Mapping[str, Any] | None = None) -> None:
        self._calendars = calendars
        self.told: dict[str, Any] = dict(told or {})

    def after(self, who: str, start: int, length: int) -> int:
        """When ``length`` of their working time has passed since ``start``."""
        if who == WALL:
            return start + length
        key = f"after {who} {start} {length}"
        if key not in self.told:
            self.told[key] = self._after(who, start, length)
        return int(self.told[key])

    def _after(self, who: str, start: int, length: int) -> int:
        if self._calendars is None:
            return start + length
        try:
            return self._calendars.of(who).after(start, length)
        except NeverOpens:
            return NEVER

    def worked(self, who: str, start: int, end: int) -> int:
        """Their working time in ``[start, end)``."""
        if who == WALL:
            return end - start
        key = f"worked {who} {start} {end}"
        if key not in self.told:
            hours = self._calendars.of(who) if self._calendars is not None else None
            self.told[key] = hours.worked(start, end) if hours is not None else end - start
        return int(self.told[key])

    def on_call(self, rotation: str, at: int) -> str:
        """Whose turn it is, as ``Ana <ana@example.com>``; "" where it is nobody's."""
        key = f"on call {rotation} {at}"
        if key not in self.told:
            try:
                person = self._calendars.on_call(rotation, at) if self._calendars is not None else None
            except KeyError:  # the rotation was taken out of the calendars since
                person = None
            self.told[key] = f"{person.name} <{person.email}>" if person is not None else ""
        return str(self.told[key])

    def due(self, wait: Wait, holder: str, start: int, pauses: Sequence[Sequence[int]]) -> int | None:
        """When a wait that began at ``start`` is over; None while the ticket pauses. ``pauses``: ``[from, to]`` in
        order, ``to`` 0 for one that lasts."""
        who, left = holder if wait.calendar == "holder" else wait.calendar, wait.length
        for begin, end in pauses:
            if end and end <= start:
                continue
            if begin > start:
                worked = self.worked(who, start, begin)
                if worked >= left and left:
                    break
                left -= min(worked, left)
            if not end:
                return None
            start = max(start, end)
        due = self.after(who, start, left)
        return due if due < NEVER else None


def instant(at: int) -> str:
    """A moment as people write it: ``2026-11-20 17:05 UTC``."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")


def lasting(length: int) -> str:
    """A length of time, rounded to what matters: ``4 h 30 min``."""
    minutes = max(length, 0) // MINUTE
    if minutes < 1:
        return spelled(max(length // SECOND, 0) * SECOND)
    days, rest = divmod(minutes, 24 * 60)
    hours, left = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (left, "min")) if n]
    return " ".join(parts[:2])


def late(due: int, at: int) -> str:
    """How late something was done, "" where it was in time."""
    return f"; it was due at {instant(due)}, {lasting(at - due)} ago" if at - due > LATE else ""
