"""What a draft of a routing or triage policy would have done: each decision of the past made again under it.

A decision keeps everything it looked at, so nothing is guessed: the version in force then gives history to the byte,
and the draft sees the same. What follows for each side is told from what that side has shown; what is not known is not
told. Pure: rows come in, a report goes out, nothing is written anywhere.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.decide.decision import Decision
from gateway.insight.recommend import side_of
from gateway.insight.shares import Share
from gateway.insight.simulator import HOUR, Figure, Pool, Setting, figure, played, resampled

Decide = Callable[[Mapping[str, Any]], Decision]
"""Makes a decision of the inputs that one was made of."""

SHOWN = 10
LEAST = 20
"""Measured times of work, below which nothing is simulated of a side."""

RUNS = 20


@dataclass(frozen=True, slots=True)
class Past:
    """A decision as it was stored, of a ticket of that ``number`` and ``title``; ``at`` in UTC microseconds."""

    number: int
    title: str
    at: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Changed:
    """A ticket that would have gone otherwise."""

    number: int
    title: str
    before: str
    after: str
    rule_before: str
    rule_after: str
    because: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a side has shown: ``worked``: minutes of work of its tickets that told any; ``kept``: its requesters' times
    kept, of those due; ``agents``: how many work there at once, None: nobody said; ``rate``: what an hour of its work
    costs, in the smallest unit of the currency, None: nobody said."""

    worked: Sequence[int] = ()
    kept: Share = field(default_factory=lambda: Share(0, 0))
    agents: int | None = None
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """What one side would have had, beside what it had. ``hours`` of work, ``cost``, ``late`` tickets and the wait for
    somebody to begin (mean, in hours) are None where nothing tells them."""

    name: str
    tickets: tuple[int, int]
    hours: tuple[float, float] | None
    cost: tuple[int, int] | None
    late: tuple[float, float] | None
    wait: tuple[Figure, Figure] | None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """``exact``: decisions that the version in force then makes again to the byte, ``other``: those it does not, by
    number; ``rules``: rule -> how often before and after; ``outcomes``: the same by outcome; ``hand_overs``: tickets
    that a provider would have had at once, before and after."""

    decisions: int
    exact: int
    other: tuple[int, ...]
    unknown: int
    changed: tuple[Changed, ...]
    rules: Mapping[str, tuple[int, int]]
    outcomes: Mapping[str, tuple[int, int]]
    hand_overs: tuple[int, int]
    sides: tuple[Side, ...] = field(default=())


def compare(past: Iterable[Past], then: Mapping[str, Decide], draft: Decide, facts: Mapping[str, Facts]) -> Report:
    """``then``: how each version decided, by its label; a decision of another version is counted as unknown."""
    every = list(past)
    exact, unknown, other, changed = 0, 0, [], []
    rules: dict[str, list[int]] = {}
    outcomes: dict[str, list[int]] = {}
    after: list[Decision] = []
    for one in every:
        before, now = one.decision, draft(one.decision.inputs)
        after.append(now)
        if before.policy not in then:
            unknown += 1
        elif then[before.policy](before.inputs).text() == before.text():
            exact += 1
        else:
            other.append(one.number)
        for place, made in enumerate((before, now)):
            rules.setdefault(made.rule, [0, 0])[place] += 1
            outcomes.setdefault(made.outcome, [0, 0])[place] += 1
        if before.outcome != now.outcome:
            changed.append(_changed(one, now))
    return Report(
        len(every), exact, tuple(other), unknown, tuple(_surprising(changed)), _pairs(rules), _pairs(outcomes),
        (sum(_out(one.decision) for one in every), sum(map(_out, after))), tuple(_sides(every, after, facts)),
    )  # fmt: skip


def _changed(one: Past, now: Decision) -> Changed:
    before = one.decision
    return Changed(one.number, one.title, before.outcome, now.outcome, before.rule, now.rule, now.because)


def _surprising(changed: Sequence[Changed]) -> list[Changed]:
    """What leaves the house or comes back first; of the rest what happens least often first."""
    ways = Counter((one.before, one.after) for one in changed)

    def rank(one: Changed) -> tuple[bool, int, int]:
        crosses = side_of(one.before) != side_of(one.after)
        return (not crosses, ways[one.before, one.after], -one.number)

    return sorted(changed, key=rank)


def _pairs(counts: Mapping[str, Sequence[int]]) -> dict[str, tuple[int, int]]:
    return {name: (one[0], one[1]) for name, one in sorted(counts.items())}


def _out(one: Decision) -> bool:
    return one.outcome.startswith("provider:")


# --- by side ---


def _sides(past: Sequence[Past], after: Sequence[Decision], facts: Mapping[str, Facts]) -> Iterable[Side]:
    came: dict[str, tuple[list[int], list[int]]] = {}
    for one, now in zip(past, after, strict=True):
        for place, made in enumerate((one.decision, now)):
            if made.outcome.startswith(("team:", "provider:")):
                came.setdefault(side_of(made.outcome), ([], []))[place].append(one.at)
    for name in sorted(came):
        yield _side(name, came[name], facts.get(name, Facts()))


def _side(name: str, came: tuple[list[int], list[int]], known: Facts) -> Side:
    counts = (len(came[0]), len(came[1]))
    unknown = []
    hours = cost = late = wait = None
    if len(known.worked) >= LEAST:
        each = sum(known.worked) / len(known.worked) / 60
        hours = (counts[0] * each, counts[1] * each)
        if known.rate is not None:
            cost = (round(hours[0] * known.rate), round(hours[1] * known.rate))
        else:
            unknown.append("what an hour costs")
        if known.agents is not None:
            wait = (_waits(came[0], known), _waits(came[1], known))
        else:
            unknown.append("how many work there at once")
    else:
        unknown.append(f"how long work takes: {len(known.worked)} of {LEAST} tickets needed tell it")
    if known.kept.rate is not None:
        missed = 1 - known.kept.rate
        late = (counts[0] * missed, counts[1] * missed)
    else:
        unknown.append("how many of its requesters' times it keeps")
    return Side(name, counts, hours, cost, late, wait, tuple(unknown))


def _waits(came: Sequence[int], known: Facts) -> Figure:
    """The mean wait for somebody to begin, in hours: the tickets as they came, work as long as it was measured."""
    if not came:
        return Figure(0.0, 0.0, RUNS)
    assert known.agents is not None
    start = min(came) - min(came) % (HOUR * 1_000_000)
    times = sorted((at - start) / 1_000_000 for at in came)
    handling = resampled([minutes * 60.0 for minutes in known.worked])
    setting = Setting((Pool("side", known.agents),), {"": handling})
    until = times[-1] / HOUR + 24 * 365
    chances = [random.Random(seed) for seed in range(RUNS)]  # noqa: S311 - a simulation
    return figure([played(setting, times, until, chance).wait / HOUR for chance in chances])
