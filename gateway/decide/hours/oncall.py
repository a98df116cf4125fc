"""Who is on call: people in turn, handed over at a time of the wall clock, with stand-ins and hours of quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gateway.decide.hours.days import Windows
from gateway.decide.hours.zone import DAY, EPOCH_DAY, instant, wall


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be called. ``zone``: where this person's nights are; "" for the rotation's."""

    slug: str
    name: str
    email: str
    phone: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """A stand-in, from the first instant (UTC microseconds) to the last, which is left out."""

    start: int
    end: int
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """``first``: when the first turn begins, by the wall clock of ``zone``; a turn lasts ``days``; ``quiet``: the hours
    of each weekday, Monday first, in which only a rule that says so wakes anybody."""

    name: str
    zone: ZoneInfo
    first: int
    days: int
    order: tuple[str, ...]
    people: Mapping[str, Person]
    overrides: tuple[Override, ...] = ()
    quiet: tuple[Windows, ...] = ((),) * 7

    def on_call(self, at: int) -> Person | None:
        """Whose turn it is; None before the first."""
        for one in self.overrides:
            if one.start <= at < one.end:
                return self.people[one.person]
        turn = self._turn(at)
        return self.people[self.order[turn % len(self.order)]] if turn >= 0 else None

    def stands_in(self, at: int) -> Override | None:
        """The override that holds at an instant."""
        return next((one for one in self.overrides if one.start <= at < one.end), None)

    def is_quiet(self, at: int) -> bool:
        """Whether who is on call has quiet hours, where this person is."""
        person = self.on_call(at)
        zone = ZoneInfo(person.zone) if person is not None and person.zone else self.zone
        day, time = divmod(wall(zone, at), DAY)
        weekday = (EPOCH_DAY + day - 1) % 7
        today, before = self.quiet[weekday], self.quiet[weekday - 1]
        return any(s <= time < e for s, e in today) or any(s <= time + DAY < e for s, e in before)

    def _turn(self, at: int) -> int:
        """How many times it was handed over, by the instants at which the wall first showed the time for it."""
        turn = (wall(self.zone, at) - self.first) // (self.days * DAY) + 1
        while at < instant(self.zone, self.first + turn * self.days * DAY):
            turn -= 1
        return turn
