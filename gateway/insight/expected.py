"""What people may expect: of each service, and by how complex a thing is. Made to be published, with n and date."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.insight.estimates import Estimate, Known

FEW = 5
"""Below so many a row is marked: one ticket more may change it much."""


def published(known: Known) -> list[tuple[str, Estimate]]:
    """Each service with what its tickets take, by name; those of which too little is known among them."""
    return [(service, known.service(service)) for service in known.services()]


@dataclass(frozen=True, slots=True)
class Row:
    """The times of one complexity, in the unit they came in. ``p90`` between two of them is interpolated (Hyndman and
    Fan 1996, type 7: what spreadsheets and numpy do)."""

    complexity: str
    n: int
    least: float
    mean: float
    median: float
    p90: float
    most: float

    @property
    def few(self) -> bool:
        return self.n < FEW


def by_complexity(times: Iterable[tuple[str, float]]) -> list[Row]:
    """How long things of each complexity took, handling or solving, of those that are done: (complexity, time)."""
    found: dict[str, list[float]] = defaultdict(list)
    for complexity, time in times:
        found[complexity].append(time)
    return [_row(complexity, sorted(found[complexity])) for complexity in sorted(found)]


def _row(complexity: str, times: list[float]) -> Row:
    mean, median = statistics.fmean(times), statistics.median(times)
    return Row(complexity, len(times), times[0], mean, median, _interpolated(times, 0.9), times[-1])


def _interpolated(times: list[float], p: float) -> float:
    place = p * (len(times) - 1)
    below = int(place)
    above = min(below + 1, len(times) - 1)
    return times[below] + (times[above] - times[below]) * (place - below)
