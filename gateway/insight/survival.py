"""How long things take while some are still under way: Kaplan-Meier curves. Pure; sorted lists in, numbers out.

An open ticket is *censored*: it is only known to take longer than its age. Leaving the open ones out makes a young
history too fast, because the slow ones are those that are still open. Kaplan and Meier (1958), J. Am. Stat. Assoc. 53,
457-481; finite samples as in split conformal prediction: Lei et al. (2018), J. Am. Stat. Assoc. 113, 1094-1111.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, erfc, exp, log, sqrt

Z95 = 1.959963984540054
"""The standard normal quantile of 0.975."""

_CLOSE = 1e-9


Step = tuple[int, int, int, float]
"""Where a curve goes down: the time, how many were at risk, how many of them ended then, and the share left after."""


def curve(finished: Sequence[int], ages: Sequence[int]) -> Iterator[Step]:
    """The Kaplan-Meier curve of durations that ended and ages of what has not, both ascending, in one unit. What ended
    at an age counts before what was open at that age."""
    share, start, total = 1.0, 0, len(finished) + len(ages)
    out, ended = 0, len(finished)
    while start < ended:
        time, stop = finished[start], start + 1
        while stop < ended and finished[stop] == time:
            stop += 1
        out = bisect_left(ages, time, out)
        at_risk = total - start - out
        share *= 1 - (stop - start) / at_risk
        yield time, at_risk, stop - start, share
        start = stop


def quantiles(finished: Sequence[int], ages: Sequence[int], wanted: Sequence[float]) -> list[int | None]:
    """The times within which these shares (ascending, in (0, 1)) of all end; None where too many are still open, or too
    few have ended, to say.

    Without open ones it is the value at rank ceil((n + 1) p), which a new value of the same kind does not exceed with a
    probability of at least p. The correction is (n + 1) / n with n the finished ones alone: open ones of no age tell
    nothing, and so never shorten an answer.
    """
    few = len(finished)
    corrected = [p * (few + 1) / few for p in wanted] if few else [2.0] * len(wanted)
    return reached(finished, ages, corrected)


def reached(finished: Sequence[int], ages: Sequence[int], shares: Sequence[float]) -> list[int | None]:
    """The times at which so large a share (ascending) has ended, by the curve alone; None where it never has."""
    if not ages:
        ranks = [ceil(share * len(finished) - _CLOSE) for share in shares]
        return [finished[max(rank, 1) - 1] if 0 < len(finished) >= rank else None for rank in ranks]
    found: list[int | None] = []
    for time, _, _, left in curve(finished, ages):
        while left <= 1 - shares[len(found)] + _CLOSE:
            found.append(time)
            if len(found) == len(shares):
                return found
    return found + [None] * (len(shares) - len(found))


def interval(finished: Sequence[int], ages: Sequence[int], p: float, z: float = Z95) -> tuple[int | None, int | None]:
    """Between which times the share ``p`` is reached, with the confidence of ``z``; None: no bound on that side.

    Brookmeyer and Crowley (1982), Biometrics 38, 29-41: the times at which the curve's own interval (Greenwood's
    variance, log-minus-log scale as in Kalbfleisch and Prentice) holds 1 - p.
    """
    low: int | None = None
    for time, under, over in band(finished, ages, z):
        if low is None and under <= 1 - p + _CLOSE:
            low = time
        if over < 1 - p - _CLOSE:
            return low, time
    return low, None


def band(finished: Sequence[int], ages: Sequence[int], z: float = Z95) -> Iterator[tuple[int, float, float]]:
    """Between which shares the curve lies after each of its steps: (time, low, high)."""
    spread = 0.0
    for time, at_risk, ended, share in curve(finished, ages):
        if at_risk == ended:
            yield time, 0.0, 0.0
            return
        spread += ended / (at_risk * (at_risk - ended))
        width = z * sqrt(spread) / -log(share)
        yield time, share ** exp(width), share ** exp(-width)


@dataclass(frozen=True, slots=True)
class Compared:
    """A log-rank test. ``more``: how many more of the first ended than if both were alike; ``p``: two-sided."""

    more: float
    statistic: float
    p: float


def logrank(first: tuple[Sequence[int], Sequence[int]], second: tuple[Sequence[int], Sequence[int]]) -> Compared:
    """Whether two groups (finished, ages; ascending) take equally long: Mantel (1966), Cancer Chemother. Rep. 50,
    163-170, with one degree of freedom."""
    more = variance = 0.0
    finished, ages = first
    both = sorted((*finished, *second[0])), sorted((*ages, *second[1]))
    for time, at_risk, ended, _ in curve(*both):
        begun, later = bisect_left(finished, time), bisect_left(finished, time + 1)
        part = (len(finished) - begun + len(ages) - bisect_left(ages, time)) / at_risk
        more += later - begun - ended * part
        if at_risk > 1:
            variance += ended * part * (1 - part) * (at_risk - ended) / (at_risk - 1)
    statistic = more * more / variance if variance > 0 else 0.0
    return Compared(more, statistic, erfc(sqrt(statistic / 2)))
