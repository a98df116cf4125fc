"""How honest are the times we tell? A real log replayed day by day: what would have been told, and what then came.

The log is the "Incident management process enriched event log" (Amaral, Fantinato, Peres, 2018; UCI ML Repository no.
498, doi 10.24432/C57S4H, CC BY 4.0). For each incident opened from 15 March to 31 May 2016 a forecast is made from what
was known when its day began, by the facts of the incident's first row; where ``resolved_at`` is missing ``closed_at``
stands in. Three methods tell: ``resolved`` looks at solved incidents alone, ``curve`` is Kaplan-Meier with the open
ones, each time from the closest kin that can tell it; ``tandem`` is what Tandem says, rounded up to human units.
"""

from __future__ import annotations

import csv
import lzma
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from gateway.insight.calibration import NOTHING, Forecast, Times, pinball, replayed, told_by_tandem
from gateway.insight.cases import Case, Kind
from gateway.insight.estimates import LEAST, SHARES, Known
from gateway.insight.saying import HOUR, MINUTE
from gateway.insight.survival import quantiles, reached

NAME = "uci_incident_event_log_full.csv.xz"
PLACES = (Path(__file__).parents[2] / "shared" / "data", Path())
"""Where the log is looked for; it is not part of Tandem."""

FIRST, APRIL, CUT, END = (
    int(datetime(2016, month, day, tzinfo=UTC).timestamp()) * 1_000_000
    for month, day in ((3, 15), (4, 1), (5, 1), (6, 1))
)
BOUNDS = (0.80, 0.92)
"""Where the coverage of "8 of 10" has to lie."""

Tell = Callable[[Known, Case], Times]


@dataclass(frozen=True)
class Scale:
    """The log's file, "" where it usually lies; of its incidents each ``every``-th."""

    log: str = ""
    every: int = 1


def run(scale: Scale) -> dict[str, Any]:
    """Measure; a JSON document. Raises SystemExit where the log is not on this machine."""
    began = time.process_time()
    cases = read(found(scale.log))[:: scale.every]
    read_s, began = time.process_time() - began, time.process_time()
    methods = {name: _measured(replayed(cases, FIRST, END, tell, base=False)) for name, tell in TELLS.items()}
    took = time.process_time() - began
    return {
        "incidents": len(cases),
        "forecasts": methods["tandem"]["forecasts"],
        "p80_coverage": methods["tandem"]["P80"]["coverage"],
        "p80_resolved_only_march": methods["resolved"]["P80"]["march"],
        "methods": methods,
        "pinball": losses(cases),
        "seconds": {"reading": round(read_s, 2), "forecasts": round(took, 2)},
    }


def found(log: str = "") -> Path:
    """The log's file. Raises SystemExit."""
    for path in [Path(log)] if log else [place / NAME for place in PLACES]:
        if path.is_file():
            return path
    raise SystemExit(f"the log is not on this machine: get doi 10.24432/C57S4H as {NAME}, and name it with --log")


def read(path: Path) -> list[Case]:
    """The incidents of a log (``.csv`` or ``.csv.xz``): the facts of their first rows, the end of their last. Its times
    have no zone and are taken for UTC."""
    first: dict[str, tuple[int, list[str]]] = {}
    last: dict[str, tuple[int, list[str]]] = {}
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as stream:
        rows = csv.reader(stream)
        at = {name: place for place, name in enumerate(next(rows))}
        for row in rows:
            number, count = row[at["number"]], int(row[at["sys_mod_count"]])
            if number not in first or count < first[number][0]:
                first[number] = count, row
            if number not in last or count >= last[number][0]:
                last[number] = count, row
    return [_case(at, row, last[number][1]) for number, (_, row) in first.items()]


def _case(at: dict[str, int], first: list[str], last: list[str]) -> Case:
    solved, closed = last[at["resolved_at"]], last[at["closed_at"]]
    over = solved if solved != "?" else closed
    kind = Kind(*(first[at[name]] for name in ("category", "subcategory", "priority")))
    return Case(_moment(first[at["opened_at"]]), None if over == "?" else _moment(over), kind)


def _moment(text: str) -> int:
    """UTC microseconds of ``29/2/2016 01:16``."""
    day, _, clock = text.partition(" ")
    hour, _, minute = clock.partition(":")
    return _midnight(day) + (int(hour) * 60 + int(minute)) * MINUTE


@cache
def _midnight(text: str) -> int:
    day, month, year = (int(part) for part in text.split("/"))
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 1_000_000


# --- three ways to tell ---


def closest(method: Callable[[Sequence[int], Sequence[int]], Times]) -> Tell:
    """Each time from the closest kin with enough solved incidents of which the method can tell it."""
    seen: dict[tuple[int, Any], Times] = {}

    def times(known: Known, key: Any) -> Times:
        if (known.as_of, key) not in seen:
            group = known.group(key)
            enough = len(group.finished) >= LEAST
            seen[known.as_of, key] = method(group.finished, group.ages(known.as_of)) if enough else NOTHING
        return seen[known.as_of, key]

    def tell(known: Known, case: Case) -> Times:
        best = NOTHING
        for key in case.kind.groups():
            best = tuple(b if b is not None else n for b, n in zip(best, times(known, key), strict=True))
            if None not in best:
                break
        return best

    return tell


def solved_alone(finished: Sequence[int], ages: Sequence[int]) -> Times:
    """Rank ceil((n + 1) p) of what is solved, as if nothing were open."""
    return tuple(quantiles(finished, (), SHARES))


def by_the_curve(finished: Sequence[int], ages: Sequence[int]) -> Times:
    """Where the Kaplan-Meier curve comes down to 1 - p."""
    return tuple(reached(finished, ages, SHARES))


TELLS: dict[str, Tell] = {
    "resolved": closest(solved_alone),
    "curve": closest(by_the_curve),
    "tandem": told_by_tandem,
}


# --- figures ---


def _measured(forecasts: Sequence[Forecast]) -> dict[str, Any]:
    march = [one for one in forecasts if one.at < APRIL]
    shares = {
        f"P{round(100 * p)}": {
            "coverage": _coverage(forecasts, place),
            "march": _coverage(march, place),
            "of_told": _coverage([one for one in forecasts if one.told[place] is not None], place),
            "median_h": round(statistics.median(_told_h(forecasts, place)), 1),
            "untold": sum(one.told[place] is None for one in forecasts),
        }
        for place, p in enumerate(SHARES)
    }
    return {"forecasts": len(forecasts), **shares}


def _coverage(forecasts: Sequence[Forecast], place: int) -> float:
    """The share solved in time. Where nothing was told nothing was promised: that counts as kept."""
    return round(sum(one.told[place] is None or one.kept(place) for one in forecasts) / len(forecasts), 4)


def _told_h(forecasts: Sequence[Forecast], place: int) -> list[float]:
    """Hours; longer than anything where nothing could be told."""
    return [inf if (time := one.told[place]) is None else time / HOUR for one in forecasts]


def losses(cases: Sequence[Case]) -> dict[str, Any]:
    """Pinball loss in hours at P90, of what was known on 1 May told of every incident opened since: group by group, and
    one time for all."""
    known, place = Known(cases, CUT), SHARES.index(0.9)
    later = [case for case in cases if case.created >= CUT and case.resolved is not None]
    tell = closest(solved_alone)
    group = [tell(known, case)[place] or 0 for case in later]
    everybody = [tell(known, Case(0, None))[place] or 0] * len(later)
    took = [(case.resolved or 0) - case.created for case in later]

    def loss(told: Sequence[int]) -> float:
        pairs = zip(took, told, strict=True)
        return round(statistics.fmean(pinball(0.9, real, time) for real, time in pairs) / HOUR, 1)

    return {
        "n": len(later),
        "group": loss(group),
        "global": loss(everybody),
        "group_width_h": round(statistics.fmean(group) / HOUR),
        "global_width_h": round(everybody[0] / HOUR),
    }


def told(found: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [
        f"{found['forecasts']:,} forecasts, each from what was known when its day began",
        f"{'':10}{'told':>6}{'solved within':>16}{'15-31 March':>14}{'median told':>14}{'not told':>10}",
    ]
    for method, row in found["methods"].items():
        for name in [name for name in row if name != "forecasts"]:
            one = row[name]
            lines.append(
                f"{method:10}{name:>6}{one['coverage']:>16.3f}{one['march']:>14.3f}{one['median_h']:>12.0f} h"
                f"{one['untold']:>10}"
            )
    loss, took = found["pinball"], found["seconds"]
    reached = "reached" if BOUNDS[0] <= found["p80_coverage"] <= BOUNDS[1] else "missed"
    lines += [
        f"pinball loss at P90 of {loss['n']:,} incidents since 1 May, told then: "
        f"by group {loss['group']} h (mean told {loss['group_width_h']} h), "
        f"one for all {loss['global']} h ({loss['global_width_h']} h)",
        f"P80 coverage {found['p80_coverage']}  in {BOUNDS[0]:.2f}-{BOUNDS[1]:.2f} {reached}",
        f"{took['reading']} s to read, {took['forecasts']} s for {3 * found['forecasts']:,} forecasts",
    ]
    return "\n".join(lines)
