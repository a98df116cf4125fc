"""Were the times we told true? Of the tickets told "8 of 10 within", 8 of 10 have to be solved within.

A forecast counts once the time it told is over, solved or not: counting those that came early and waiting for the rest
would flatter. The loss is the pinball loss (Koenker and Bassett 1978, Econometrica 46, 33-50), in hours, beside that of
one and the same quantile for all tickets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.insight.cases import Case
from gateway.insight.estimates import LEAST, SHARES, Known
from gateway.insight.saying import DAY, HOUR, day_start
from gateway.insight.shares import Share

GREEN = (0.75, 0.90)
"""Where the share of tickets solved within their "8 of 10" time should lie."""

_WEEK = 7 * DAY
_MONDAY = 4 * DAY  # the first one after 1 January 1970

Times = tuple[int | None, ...]
NOTHING: Times = (None,) * len(SHARES)


@dataclass(frozen=True, slots=True)
class Forecast:
    """``told``: microseconds for each of ``SHARES``; None: was not told. ``took``: None while the ticket is open.
    ``base``: what all tickets together would have told."""

    at: int
    told: Times
    took: int | None
    base: Times = NOTHING

    def over(self, place: int, now: int) -> bool:
        """Whether the time told for a share is over."""
        time = self.told[place]
        return time is not None and self.at + time <= now

    def kept(self, place: int) -> bool:
        time = self.told[place]
        return time is not None and self.took is not None and self.took <= time


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Forecasts of one week, or of all (``start`` None). ``shares``: for each of ``SHARES`` how many of those that are
    over were kept; ``untold``: how many forecasts gave no "8 of 10"; ``verdict``: green, hopeful (promised too much),
    careful (could promise more), or "" where fewer than ``LEAST`` are over."""

    start: int | None
    n: int
    untold: int
    shares: tuple[Share, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Loss:
    """Mean pinball loss in hours of ``n`` solved tickets at one share: of what was told, and of the base."""

    p: float
    n: int
    told: float | None
    base: float | None


def calibrate(forecasts: Sequence[Forecast], now: int) -> tuple[Calibrated, list[Calibrated]]:
    """All of them, and week by week (from Monday, UTC), as far as they are over now."""
    weeks: dict[int, list[Forecast]] = defaultdict(list)
    for one in forecasts:
        weeks[one.at - (one.at - _MONDAY) % _WEEK].append(one)
    return _calibrated(None, forecasts, now), [_calibrated(start, weeks[start], now) for start in sorted(weeks)]


def _calibrated(start: int | None, forecasts: Sequence[Forecast], now: int) -> Calibrated:
    shares = []
    for place in range(len(SHARES)):
        over = [one for one in forecasts if one.over(place, now)]
        shares.append(Share(sum(one.kept(place) for one in over), len(over)))
    eight = SHARES.index(0.8)
    untold = sum(one.told[eight] is None for one in forecasts)
    return Calibrated(start, len(forecasts), untold, tuple(shares), verdict(shares[eight]))


def verdict(share: Share) -> str:
    """What a coverage of "8 of 10" means."""
    if share.rate is None or share.n < LEAST:
        return ""
    return "hopeful" if share.rate < GREEN[0] else "careful" if share.rate > GREEN[1] else "green"


def losses(forecasts: Iterable[Forecast]) -> list[Loss]:
    """The loss at each share, over the solved tickets for which both were told."""
    solved = [one for one in forecasts if one.took is not None]
    found = []
    for place, p in enumerate(SHARES):
        pairs = [(one.took, one.told[place], one.base[place]) for one in solved]
        rows = [(took, told, base) for took, told, base in pairs if None not in (took, told, base)]
        told = _mean([pinball(p, took, told) for took, told, _ in rows])  # type: ignore[arg-type]
        base = _mean([pinball(p, took, base) for took, _, base in rows])  # type: ignore[arg-type]
        found.append(Loss(p, len(rows), told, base))
    return found


def pinball(p: float, took: int, told: int) -> float:
    """The loss of having told ``told`` at share ``p``: p for each unit too short, 1 - p for each too long."""
    return p * (took - told) if took > told else (1 - p) * (told - took)


def _mean(found: Sequence[float]) -> float | None:
    return sum(found) / len(found) / HOUR if found else None


def replayed(
    cases: Sequence[Case], first: int, last: int, tell: Callable[[Known, Case], Times] | None = None, base: bool = True
) -> list[Forecast]:
    """What was told of each ticket made in [first, last), or would have been from what was known when its day began;
    without ``base`` not what all tickets together would have told."""
    tell = tell or told_by_tandem
    known = Known(cases, day_start(first))
    found = []
    for case in sorted((one for one in cases if first <= one.created < last), key=lambda one: one.created):
        if (start := day_start(case.created)) > known.as_of:
            known.move_to(start)
        took = None if case.resolved is None else max(case.resolved - case.created, 0)
        all_of_them = tuple(known.times(())) if base else NOTHING
        found.append(Forecast(case.created, tell(known, case), took, all_of_them))
    return found


def told_by_tandem(known: Known, case: Case) -> Times:
    """What Tandem told, or else would have: rounded up as it is told."""
    if case.told is not None:
        return case.told
    return tuple(None if span is None else span.length for span in known.estimate(case.kind).spans().values())
