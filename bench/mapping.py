"""A map of fifteen fields, inward and outward, beside four libraries that do the same in the same run, on one core.

Before anything is timed every contender must give the same answers on every record. Then they take turns, each for a
slice of processor time, round after round; a ratio is that of one round's neighbours, and the median of all rounds is
told. Ours also looks for values without a row and makes the normal form by which an echo is known; the others do
neither. ``hand`` is the map in plain Python: a yardstick, not a contender.
"""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.maps import PEERS, Contender, Doc, by_hand, records, tandem, typed, versions

TARGET = 3.0
"""Times as many as the fastest of the others, inward and outward together."""

WAYS = {"inward": "inward", "outward": "outward", "both": "inward and outward"}


@dataclass(frozen=True)
class Scale:
    """How long: ``rounds`` in which everybody has ``slice_ms`` milliseconds of processor time in each direction, on
    ``records`` different records."""

    rounds: int = 15
    slice_ms: int = 60
    records: int = 400


def run(scale: Scale) -> dict[str, Any]:
    """Measure; a JSON document. Raises SystemExit where two contenders differ."""
    there = versions()
    field = [tandem(), by_hand(), *(make() for name, make in PEERS.items() if there[name])]
    theirs = records(scale.records)
    ours = [typed(field[0].inward(record)) for record in theirs]
    agree(field, theirs, ours)
    with _one_core():
        rounds = [_round(field, number, theirs, ours, scale.slice_ms / 1000) for number in range(scale.rounds)]
    found = {way: _summed([one[way] for one in rounds]) for way in WAYS}
    missing = [name for name, release in there.items() if not release]
    return {"versions": there, "missing": missing, **found, "ratio": found["both"]["ratio"]}


def agree(field: list[Contender], theirs: list[Doc], ours: list[Doc]) -> None:
    """Raises SystemExit unless everybody gives exactly the first one's answers, on every record and both ways."""
    first = field[0]
    answers = [(first.inward(record), first.outward(values)) for record, values in zip(theirs, ours, strict=True)]
    for one in field:
        for record, values, (read, written) in zip(theirs, ours, answers, strict=True):
            for got, wanted in ((one.inward(record), read), (one.outward(values), written)):
                if dict(got) != wanted:
                    raise SystemExit(f"{one.name} gives {dict(got)}, not {wanted}")


def _round(
    field: list[Contender], number: int, theirs: list[Doc], ours: list[Doc], seconds: float
) -> dict[str, dict[str, float]]:
    """Seconds a map of everybody once, in another order each time: inward, outward, and there and back."""
    took: dict[str, dict[str, float]] = {way: {} for way in WAYS}
    turn = number % len(field)
    for one in field[turn:] + field[:turn]:
        gc.collect()
        took["inward"][one.name] = _took(one.inward, theirs, seconds)
        took["outward"][one.name] = _took(one.outward, ours, seconds)
        took["both"][one.name] = took["inward"][one.name] + took["outward"][one.name]
    return took


def _summed(rounds: list[dict[str, float]]) -> dict[str, Any]:
    """Per contender the median of maps a second, and how many times as many ours are."""
    names, own = list(rounds[0]), "tandem"
    times = {name: round(statistics.median(one[name] / one[own] for one in rounds), 2) for name in names}
    others = {name: times[name] for name in names if name not in (own, "hand")}
    return {
        "per_s": {name: round(1 / statistics.median(one[name] for one in rounds)) for name in names},
        "times": {name: ratio for name, ratio in times.items() if name != own},
        "fastest": min(others, key=lambda name: others[name], default=""),
        "ratio": min(others.values(), default=0.0),
    }


def _took(way: Callable[[Doc], Any], docs: list[Doc], seconds: float) -> float:
    """Processor seconds for one document, from a slice of so many seconds and at least ten documents."""
    done, began = 0, time.process_time()
    while True:
        for start in range(0, len(docs), 10):
            for doc in docs[start : start + 10]:
                way(doc)
            done += len(docs[start : start + 10])
            took = time.process_time() - began
            if took >= seconds:
                return took / done


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    """This process on the processor it is on, for as long as it is measured."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def told(found: dict[str, Any]) -> str:
    """The figures as a table: maps a second, and how many times as many ours are."""
    lines = []
    for way, title in WAYS.items():
        one = found[way]
        lines.append(f"{title}, 15 fields a map")
        for name, rate in one["per_s"].items():
            release = found["versions"].get(name, "")
            ratio = f"tandem {one['times'][name]} x" if name in one["times"] else ""
            lines.append(f"  {f'{name} {release}':24} {rate:>9} /s  {1e6 / rate:8.2f} us  {ratio}".rstrip())
    lines += [f"not installed, so not measured: {', '.join(found['missing'])}"] if found["missing"] else []
    reached = "reached" if found["ratio"] >= TARGET else "missed"
    lines.append(f"ratio to the fastest of the others {found['ratio']}  >= {TARGET} {reached}")
    return "\n".join(lines)
