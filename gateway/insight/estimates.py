"""When will it be solved? What such tickets took so far, the open ones counted as what they are: not solved yet.

``Known`` holds a history as it stood at one moment and moves on with the time; an estimate is made from nothing that
was known later. The closest kin that can answer does: category, subcategory and priority; category and priority;
priority; all tickets. Fewer than ``LEAST`` solved tickets answer nothing.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.insight.cases import Case, Key, Kind
from gateway.insight.saying import Said, Span, day, rounded_up
from gateway.insight.survival import quantiles

LEAST = 20
"""Solved tickets, below which a group says nothing."""

SHARES = (0.5, 0.8, 0.9)

Method = Callable[[Sequence[int], Sequence[int], Sequence[float]], list[int | None]]
"""(durations, ages of the open, shares) -> times; ``survival.quantiles`` unless somebody compares."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Microseconds within which half, 8 and 9 of 10 such tickets are solved; None: cannot be said. ``basis``: the group
    that answered, ``finished`` and ``open`` how many of it; ``as_of``: when all this was known."""

    p50: int | None
    p80: int | None
    p90: int | None
    finished: int
    open: int
    basis: Key
    as_of: int

    @property
    def enough(self) -> bool:
        """Whether it says anything."""
        return self.p50 is not None

    @property
    def level(self) -> str:
        """``category+priority``, ``all``: what the ticket has in common with those it is compared with."""
        return "+".join(name for name, _ in self.basis) or "all"

    def spans(self) -> dict[str, Span | None]:
        """The times as they are told, rounded up."""
        named = {"p50": self.p50, "p80": self.p80, "p90": self.p90}
        return {name: None if time is None else rounded_up(time) for name, time in named.items()}

    def stored(self) -> dict[str, Any]:
        """As a ticket's ledger keeps it; JSON-plain."""
        times = {"p50": self.p50, "p80": self.p80, "p90": self.p90}
        return {**times, "n": self.finished, "open": self.open, "basis": dict(self.basis), "as_of": self.as_of}

    @classmethod
    def read(cls, doc: Mapping[str, Any]) -> Estimate:
        """What ``stored`` gave. Raises KeyError."""
        times = (doc["p50"], doc["p80"], doc["p90"])
        return cls(*times, doc["n"], doc["open"], tuple(doc["basis"].items()), doc["as_of"])

    def said(self) -> list[Said]:
        """In words: what may be expected, and what that is based on."""
        if not self.enough:
            few = {"n": self.finished, "least": LEAST}
            return [Said("Not enough data: %(n)d solved tickets to compare with, %(least)d are needed.", few)]
        spans = self.spans()
        first = Said(_HALF if self.p80 is None else _EIGHT, spans)
        counts = {"n": self.finished, "open": self.open, "date": day(self.as_of)}
        return [first, Said(_BASES[self.level], counts)]


_EIGHT = "Half of such tickets are solved within %(p50)s, 8 of 10 within %(p80)s."
_HALF = "Half of such tickets are solved within %(p50)s; how long the others take cannot be said yet."
_FROM = "From %(n)d solved and %(open)d open tickets "
_BASES = {
    "category+subcategory+priority": _FROM + "of the same category, subcategory and priority, as of %(date)s.",
    "category+priority": _FROM + "of the same category and priority, as of %(date)s.",
    "priority": _FROM + "of the same priority, as of %(date)s.",
    "service": _FROM + "of this service, as of %(date)s.",
    "all": _FROM + "of all kinds, as of %(date)s.",
}


@dataclass(slots=True)
class Group:
    """The tickets of one group at one moment: how long the solved ones took, when the open ones were made; sorted."""

    finished: list[int] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)

    def ages(self, at: int) -> list[int]:
        return [at - created for created in reversed(self.opened)]


class Known:
    """A history as it stood at ``as_of``: a ticket made later is not there, one solved later is open.

    ``move_to`` goes forward only, so that a year of days costs one pass over its tickets.
    """

    def __init__(self, cases: Iterable[Case], as_of: int, method: Method = quantiles) -> None:
        self._method = method
        self._groups: dict[Key, Group] = defaultdict(Group)
        self._times: dict[Key, list[int | None]] = {}
        self._keys: dict[tuple[Kind, str], list[Key]] = {}
        self.as_of = as_of
        every = list(cases)
        self._coming = sorted((case for case in every if case.created >= as_of), key=lambda case: -case.created)
        solved = (case for case in every if case.resolved is not None)
        self._going = sorted((case for case in solved if _end(case) >= as_of), key=_end, reverse=True)
        self._begin([case for case in every if case.created < as_of])

    def _begin(self, cases: Iterable[Case]) -> None:
        """Learn what was before ``as_of``."""
        for case in cases:
            solved = case.resolved is not None and _end(case) < self.as_of
            for key in self._of(case):
                group = self._groups[key]
                if solved:
                    group.finished.append(_end(case) - case.created)
                else:
                    group.opened.append(case.created)
        for group in self._groups.values():
            group.finished.sort()
            group.opened.sort()

    def move_to(self, at: int) -> None:
        """Learn what happened before ``at``. Raises ValueError on a moment before ``as_of``."""
        if at < self.as_of:
            raise ValueError("a history is not forgotten")
        while self._coming and self._coming[-1].created < at:
            case = self._coming.pop()
            for key in self._of(case):
                insort(self._groups[key].opened, case.created)
        while self._going and _end(self._going[-1]) < at:
            case = self._going.pop()
            for key in self._of(case):
                group = self._groups[key]
                insort(group.finished, _end(case) - case.created)
                del group.opened[bisect_left(group.opened, case.created)]
        self.as_of = at
        self._times.clear()

    def estimate(self, kind: Kind = Kind()) -> Estimate:  # noqa: B008 - frozen
        """What may be expected of a ticket of this kind; of no kind at all: of any ticket."""
        keys = [key for key in kind.groups() if self._size(key) >= LEAST]
        for place, key in enumerate(keys):
            p50, p80, p90 = self.times(key)
            if p80 is not None:
                wider = (self.times(other)[2] for other in keys[place:])
                p90 = next((max(time, p80) for time in wider if time is not None), None)
                return self._estimate(key, p50, p80, p90)
        halves = ((key, self.times(key)[0]) for key in keys)
        key, p50 = next(((key, time) for key, time in halves if time is not None), ((), None))
        return self._estimate(key, p50, None, None)

    def service(self, service: str) -> Estimate:
        """What may be expected of a service: its own tickets or nothing."""
        return self.about({"service": service})

    def about(self, fields: Mapping[str, str]) -> Estimate:
        """What may be expected of a service, a priority or both: of exactly these tickets, with nobody to stand in."""
        key = tuple((name, fields[name]) for name in ("service", "priority") if fields.get(name))
        times = self.times(key) if self._size(key) >= LEAST else [None, None, None]
        return self._estimate(key, *times)

    def services(self) -> list[str]:
        """The services that have had tickets."""
        return sorted(key[0][1] for key in self._groups if len(key) == 1 and key[0][0] == "service")

    def group(self, key: Key) -> Group:
        """What is known of a group."""
        return self._groups.get(key, Group())

    def times(self, key: Key) -> list[int | None]:
        """Microseconds within which each of ``SHARES`` of a group is solved."""
        found = self._times.get(key)
        if found is None:
            group = self.group(key)
            found = self._times[key] = self._method(group.finished, group.ages(self.as_of), SHARES)
        return found

    def _estimate(self, key: Key, p50: int | None, p80: int | None, p90: int | None) -> Estimate:
        group = self.group(key)
        return Estimate(p50, p80, p90, len(group.finished), len(group.opened), key, self.as_of)

    def _size(self, key: Key) -> int:
        return len(self.group(key).finished)

    def _of(self, case: Case) -> list[Key]:
        """Every group a case belongs to."""
        keys = self._keys.get((case.kind, case.service))
        if keys is None:
            service, priority = ("service", case.service), ("priority", case.kind.priority)
            own: list[Key] = [(service,), (service, priority)] if case.service else []
            keys = self._keys[case.kind, case.service] = [*case.kind.groups(), *own]
        return keys


def _end(case: Case) -> int:
    """When a solved case was solved; never before it was made, whatever a clock said."""
    assert case.resolved is not None
    return max(case.resolved, case.created)
