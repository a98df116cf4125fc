"""Who solves such tickets best, our own teams or which provider? All sides' figures; silence where they say nothing.

A *stay* begins when a side is given a ticket and lasts until the ticket's solution that held, whoever found it in the
end: what the side hands on unsolved costs it the time that follows. So the times answer the question there is, "if we
give it to them, when will it be solved?", and no side looks fast by handing on what is hard. What is handed on within
``BRIEF`` nobody tried to solve: it counts as handed on, not as a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from math import inf

from gateway.insight.cases import Key, Kind
from gateway.insight.estimates import LEAST
from gateway.insight.saying import HOUR, Said, rounded_up
from gateway.insight.shares import Share, higher
from gateway.insight.survival import interval, logrank, quantiles

INTERNAL = "internal"
"""The side of all our own teams; the others are ``provider:<slug>``."""

LEVELS = (("category", "subcategory", "priority"), ("category", "subcategory"), ("category", "priority"), ("category",))
"""What a ticket has to have in common with others to be of its kind; from the closest."""

BRIEF = HOUR
"""A stay shorter than this that ended with another side was a look at the ticket, not a try."""

LEAST_RATED = 10
"""Answers of requesters, below which no share of satisfied ones is told."""

SURE = 0.05
"""How likely a difference may be chance; shared among the comparisons made."""

FULL = 1.0
"""Hours of open work for each hour there is in a week, from which on a side is full."""


@dataclass(frozen=True, slots=True)
class Stay:
    """``given``: when the side got it; ``resolved``: when the solution that held was reached, None while open;
    ``left``: when another side got it unsolved, None where none did. UTC microseconds."""

    side: str
    kind: Kind
    given: int
    resolved: int | None
    left: int | None = None

    @property
    def tried(self) -> bool:
        return self.left is None or self.left - self.given >= BRIEF


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing counted of a side: a solution that was ``reopened`` or not, a requester who was satisfied or not."""

    side: str
    kind: Kind
    hit: bool


@dataclass(frozen=True, slots=True)
class Cost:
    """What one ticket cost at a side, in the smallest unit of the currency."""

    side: str
    kind: Kind
    amount: int


@dataclass(frozen=True)
class History:
    """All that is known; ``load``: hours of open work for each hour there is in a week, by side, as of ``as_of``."""

    stays: Sequence[Stay]
    solutions: Sequence[Mark] = ()
    ratings: Sequence[Mark] = ()
    costs: Sequence[Cost] = ()
    load: Mapping[str, float] = field(default_factory=dict)
    as_of: int = 0


@dataclass(frozen=True)
class Side:
    """One side's figures for a kind of ticket; times in microseconds, sorted. ``median_within``: the 95 % interval of
    the median, None where it has no bound."""

    name: str
    finished: tuple[int, ...]
    ages: tuple[int, ...]
    passed_on: Share
    reopened: Share
    satisfied: Share
    costs: tuple[int, ...]
    load: float | None

    @property
    def enough(self) -> bool:
        return len(self.finished) >= LEAST

    @property
    def median(self) -> int | None:
        return quantiles(self.finished, self.ages, (0.5,))[0] if self.enough else None

    @property
    def p80(self) -> int | None:
        return quantiles(self.finished, self.ages, (0.8,))[0] if self.enough else None

    @property
    def median_within(self) -> tuple[int | None, int | None]:
        return interval(self.finished, self.ages, 0.5) if self.enough else (None, None)

    @property
    def median_cost(self) -> int | None:
        return self.costs[len(self.costs) // 2] if len(self.costs) >= LEAST else None


@dataclass(frozen=True)
class Recommendation:
    """``choice``: the side that is surely faster, "" where nothing is sure; ``confirmed``: and nothing speaks against
    it. ``because`` and ``but``: in words. ``basis``: what the tickets compared have in common with this one."""

    choice: str
    confirmed: bool
    because: tuple[Said, ...]
    but: tuple[Said, ...]
    sides: tuple[Side, ...]
    basis: Key
    as_of: int


def side_of(holder: str) -> str:
    """The side a holder belongs to."""
    return holder if holder.startswith("provider:") else INTERNAL


def stays_of(kind: Kind, holdings: Sequence[tuple[str, int]], resolved: int | None) -> list[Stay]:
    """The stays of one ticket, of (holder, since) in order; ``resolved``: when the solution that held was found."""
    held = [(side_of(holder), start) for holder, start in holdings if resolved is None or start < resolved]
    given = [one for place, one in enumerate(held) if place == 0 or held[place - 1][0] != one[0]]
    ends = [start for _, start in given[1:]]
    return [Stay(side, kind, start, resolved, left) for (side, start), left in zip_longest(given, ends)]


def recommend(kind: Kind, history: History) -> Recommendation:
    """Who should have a ticket of this kind."""
    sides: tuple[Side, ...] = ()
    basis: Key = ()
    for level in LEVELS:
        key = tuple((name, getattr(kind, name)) for name in level)
        if not all(value for _, value in key):
            continue
        sides, basis = _sides(key, history), key
        if sum(side.enough for side in sides) > 1:
            break
    choose = partial(Recommendation, sides=sides, basis=basis, as_of=history.as_of)
    able = sorted((side for side in sides if side.enough), key=lambda side: (side.median or inf, side.name))
    if len(able) < 2:
        few = tuple(_few(side) for side in sides if not side.enough) or (Said(_NOBODY),)
        return choose("", False, few, ())
    best, others = able[0], able[1:]
    if best.median is None or not all(_faster(best, other, len(others)) for other in others):
        return choose("", False, (Said(_ALIKE, {"sides": ", ".join(one.name for one in able)}),), ())
    but = tuple(said for other in others for said in _against(best, other))
    return choose(best.name, not but, tuple(_because(best, other) for other in others), but)


def _sides(key: Key, history: History) -> tuple[Side, ...]:
    """The figures of everybody who had such tickets, our own desk first."""

    def alike(row: Stay | Mark | Cost) -> bool:
        return all(getattr(row.kind, name) == value for name, value in key)

    stays = [one for one in history.stays if alike(one)]
    names = sorted({one.side for one in stays}, key=lambda name: (name != INTERNAL, name))
    return tuple(_side(name, history, stays, alike) for name in names)


def _side(name: str, history: History, alike: Sequence[Stay], of_kind: Callable[[Mark | Cost], bool]) -> Side:
    stays = [one for one in alike if one.side == name]
    tried = [one for one in stays if one.tried]
    return Side(
        name,
        tuple(sorted(max(one.resolved - one.given, 0) for one in tried if one.resolved is not None)),
        tuple(sorted(history.as_of - one.given for one in tried if one.resolved is None)),
        Share(sum(one.left is not None for one in stays), len(stays)),
        _share(one for one in history.solutions if one.side == name and of_kind(one)),
        _share(one for one in history.ratings if one.side == name and of_kind(one)),
        tuple(sorted(one.amount for one in history.costs if one.side == name and of_kind(one))),
        history.load.get(name),
    )


def _share(marks: Iterable[Mark]) -> Share:
    hits = [mark.hit for mark in marks]
    return Share(sum(hits), len(hits))


def _faster(one: Side, other: Side, comparisons: int) -> bool:
    found = logrank((one.finished, one.ages), (other.finished, other.ages))
    return found.more > 0 and found.p < SURE / comparisons


def _against(best: Side, other: Side) -> Iterable[Said]:
    """What the faster side is surely worse at."""
    names = {"best": best.name, "other": other.name}
    for text, one, two, worse in (
        (_REOPENS, best.reopened, other.reopened, higher(best.reopened, other.reopened)),
        (_PLEASES, best.satisfied, other.satisfied, higher(other.satisfied, best.satisfied)),
    ):
        if worse and min(one.n, two.n) >= LEAST_RATED:
            yield Said(text, {**names, "hits": one.hits, "n": one.n, "other_hits": two.hits, "other_n": two.n})
    if best.median_cost is not None and other.median_cost is not None:
        dearer = logrank((other.costs, ()), (best.costs, ()))
        if dearer.more > 0 and dearer.p < SURE:
            yield Said(_COSTS, {**names, "cost": best.median_cost, "other_cost": other.median_cost})
    if best.load is not None and best.load >= FULL and best.load > (other.load or 0):
        yield Said(_FULL, {**names, "load": f"{best.load:.1f}"})


def _because(best: Side, other: Side) -> Said:
    assert best.median is not None
    data = {
        "best": best.name, "other": other.name, "n": len(best.finished), "other_n": len(other.finished),
        "median": rounded_up(best.median),
    }  # fmt: skip
    if other.median is None:
        return Said(_FASTER_ALONE, data)
    return Said(_FASTER, {**data, "other_median": rounded_up(other.median)})


def _few(side: Side) -> Said:
    return Said(_FEW, {"side": side.name, "n": len(side.finished), "least": LEAST})


_NOBODY = "Not enough data: nobody, or only one side, has had such tickets."
_FEW = "Not enough data: %(side)s has solved %(n)d such tickets, %(least)d are needed."
_ALIKE = "Not enough data for a difference: %(sides)s take about equally long, as far as can be told."
_FASTER = (
    "%(best)s solves such tickets faster: half within %(median)s (n = %(n)d), with %(other)s within %(other_median)s "
    "(n = %(other_n)d)."
)
_FASTER_ALONE = (
    "%(best)s solves such tickets faster: half within %(median)s (n = %(n)d), with %(other)s most are still open "
    "(n = %(other_n)d)."
)
_REOPENS = (
    "But %(best)s reopens more: %(hits)d of its %(n)d solutions did not hold, with %(other)s %(other_hits)d of "
    "%(other_n)d."
)
_PLEASES = (
    "But requesters are less content with %(best)s: %(hits)d of %(n)d were satisfied, with %(other)s %(other_hits)d of "
    "%(other_n)d."
)
_COSTS = "But %(best)s costs more: half of such tickets more than %(cost)d, with %(other)s %(other_cost)d."
_FULL = "But %(best)s is full: %(load)s hours of work wait for each hour it has in a week."
