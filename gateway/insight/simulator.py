"""A desk in a simulation: contacts come, wait for somebody who can help, are helped, go on to the provider, or give up.

An event loop on a heap. What comes in is a list of times, or drawn hour of the week by hour of the week; how long work
takes is drawn from a distribution or from what was measured. The same seed gives the same run. Times are in seconds
from the beginning of a week, Monday 00:00.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

HOUR, WEEK = 3600, 168
"""Seconds of an hour, hours of a week."""

Draw = Callable[[random.Random], float]
"""Draws one length of time."""

_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
        2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip
"""Student's t for 95 %, by degrees of freedom from 1; the normal 1.96 beyond."""


def exponential(mean: float) -> Draw:
    """Times without memory, as the formulas of Erlang have them."""
    return lambda chance: chance.expovariate(1 / mean)


def resampled(measured: Sequence[float]) -> Draw:
    """Times as they were measured, each as likely."""
    return lambda chance: measured[int(chance.random() * len(measured))]


@dataclass(frozen=True, slots=True)
class Pool:
    """People who help. ``agents``: how many, or 168 numbers, one for each hour of the week; ``skills``: the kinds of
    contact they can help with, None: all."""

    name: str
    agents: int | Sequence[int]
    skills: frozenset[str] | None = None

    def at(self, time: float) -> int:
        """How many are there."""
        return self.agents if isinstance(self.agents, int) else self.agents[int(time // HOUR) % WEEK]

    def helps(self, kind: str) -> bool:
        return self.skills is None or kind in self.skills


@dataclass(frozen=True, slots=True)
class Setting:
    """A desk. ``handling``: by kind of contact; ``patience``: after how long somebody gives up, None: never;
    ``shares``: how likely each kind is; ``urgent``: kinds that go first; ``overflow``: after so long, to this pool."""

    pools: tuple[Pool, ...]
    handling: Mapping[str, Draw]
    patience: Draw | None = None
    shares: Mapping[str, float] = field(default_factory=lambda: {"": 1.0})
    urgent: frozenset[str] = frozenset()
    overflow: tuple[float, str] | None = None
    within: float = 20.0


@dataclass(slots=True)
class Contact:
    """``left``: when somebody helped (``pool`` says who) or it gave up; None: it still waits."""

    kind: str
    came: float
    left: float | None = None
    pool: str = ""
    handling: float = 0.0

    @property
    def wait(self) -> float:
        return (self.left or self.came) - self.came


@dataclass(frozen=True, slots=True)
class Run:
    """What one replication came to, without its warm-up. Shares are of all contacts offered; ``wait`` in seconds is the
    mean of those who were helped; ``queue`` the mean number of those who waited; ``busy`` by pool, of its time."""

    offered: int
    abandoned: float
    answered: float
    waited: float
    wait: float
    queue: float
    helped: Mapping[str, int]
    busy: Mapping[str, float]


_ARRIVES, _ENDS, _GIVES_UP, _OVERFLOWS, _SHIFT = range(5)


class _Desk:
    """The state of one replication."""

    def __init__(self, setting: Setting, chance: random.Random) -> None:
        self.setting, self.chance = setting, chance
        self.events: list[tuple[float, int, int, Contact | None, int]] = []
        self.number = 0
        self.work = [0] * len(setting.pools)  # how many are busy
        self.first, self.rest = deque[Contact](), deque[Contact]()
        self.contacts: list[Contact] = []
        self.over = next(
            (
                place
                for place, pool in enumerate(setting.pools)
                if setting.overflow and pool.name == setting.overflow[1]
            ),
            -1,
        )

    def at(self, time: float, what: int, contact: Contact | None = None, pool: int = 0) -> None:
        self.number += 1
        heapq.heappush(self.events, (time, self.number, what, contact, pool))

    def run(self, arrivals: Iterable[float], until: float) -> list[Contact]:
        """Every contact that came before ``until``; what still waits then is let be."""
        setting, coming = self.setting, iter(arrivals)
        kinds, weights = list(setting.shares), list(setting.shares.values())
        several = len(kinds) > 1
        if any(not isinstance(pool.agents, int) for pool in setting.pools):
            for hour in range(1, math.ceil(until / HOUR)):
                self.at(hour * HOUR, _SHIFT)
        following = next(coming, math.inf)
        while True:
            if following < until and (not self.events or following <= self.events[0][0]):
                kind = self.chance.choices(kinds, weights)[0] if several else kinds[0]
                self.arrives(Contact(kind, following), following)
                following = next(coming, math.inf)
            elif self.events and self.events[0][0] < until:
                time, _, what, contact, pool = heapq.heappop(self.events)
                self.happens(time, what, contact, pool)
            else:
                return self.contacts

    def arrives(self, contact: Contact, time: float) -> None:
        self.contacts.append(contact)
        for place, pool in enumerate(self.setting.pools):
            if place != self.over and pool.helps(contact.kind) and self.work[place] < pool.at(time):
                self.helps(contact, place, time)
                return
        (self.first if contact.kind in self.setting.urgent else self.rest).append(contact)
        if self.setting.patience is not None:
            self.at(time + self.setting.patience(self.chance), _GIVES_UP, contact)
        if self.setting.overflow is not None:
            self.at(time + self.setting.overflow[0], _OVERFLOWS, contact)

    def happens(self, time: float, what: int, contact: Contact | None, pool: int) -> None:
        if what == _ENDS:
            self.work[pool] -= 1
            self.next(pool, time)
        elif what == _SHIFT:
            for place, one in enumerate(self.setting.pools):
                for _ in range(one.at(time) - self.work[place]):
                    self.next(place, time)
        elif contact is not None and contact.left is None:
            if what == _GIVES_UP:
                contact.left = time
            elif self.over >= 0 and self.work[self.over] < self.setting.pools[self.over].at(time):
                self.helps(contact, self.over, time)

    def helps(self, contact: Contact, place: int, time: float) -> None:
        contact.left, contact.pool = time, self.setting.pools[place].name
        contact.handling = self.setting.handling[contact.kind](self.chance)
        self.work[place] += 1
        self.at(time + contact.handling, _ENDS, contact, place)

    def next(self, place: int, time: float) -> None:
        """Who is free takes the one that has waited longest, of those they can help."""
        pool = self.setting.pools[place]
        if self.work[place] >= pool.at(time):
            return
        waited = self.setting.overflow[0] if place == self.over and self.setting.overflow is not None else 0.0
        for queue in (self.first, self.rest):
            while queue and queue[0].left is not None:
                queue.popleft()
            for contact in queue:
                if contact.left is None and pool.helps(contact.kind):
                    if time - contact.came >= waited:
                        self.helps(contact, place, time)
                        return
                    break  # those behind it have waited less


def poisson(rate: float | Sequence[float], chance: random.Random) -> Iterator[float]:
    """Arrivals without end: ``rate`` an hour, or one for each hour of the week."""
    rates = [rate] if isinstance(rate, int | float) else list(rate)
    most = max(rates)
    time = 0.0
    while most > 0:
        time += chance.expovariate(most / HOUR)
        if len(rates) == 1 or chance.random() * most < rates[int(time // HOUR) % WEEK]:
            yield time


def contacts(setting: Setting, arrivals: Iterable[float], hours: float, chance: random.Random) -> list[Contact]:
    """What became of everybody who came within so many hours; who still waits then has not left."""
    return _Desk(setting, chance).run(arrivals, hours * HOUR)


def replicate(setting: Setting, rate: float | Sequence[float], hours: float, seed: int, warm_up: float = 0.0) -> Run:
    """One run over so many ``hours``, of which the first ``warm_up`` do not count; ``rate``: arrivals an hour."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    return played(setting, poisson(rate, chance), hours, chance, warm_up)


def played(
    setting: Setting, arrivals: Iterable[float], hours: float, chance: random.Random, warm_up: float = 0.0
) -> Run:
    """The same with arrivals that are given: what has happened, say."""
    start, until = warm_up * HOUR, hours * HOUR
    every = contacts(setting, arrivals, hours, chance)
    counted = [one for one in every if one.came >= start]
    helped = [one for one in counted if one.pool]
    gone = sum(one.left is not None and not one.pool for one in counted)
    span, offered = until - start, max(len(counted), 1)
    waiting = math.fsum(max(0.0, (until if one.left is None else one.left) - max(one.came, start)) for one in every)
    busy = {}
    for pool in setting.pools:
        there = math.fsum(pool.at(start + hour * HOUR) for hour in range(int(span // HOUR))) * HOUR
        work = math.fsum(_within(one, start, until) for one in every if one.pool == pool.name)
        busy[pool.name] = work / there if there else 0.0
    return Run(
        len(counted),
        gone / offered,
        sum(one.wait <= setting.within for one in helped) / offered,
        sum(one.wait > 0 or not one.pool for one in counted) / offered,
        fmean(one.wait for one in helped) if helped else 0.0,
        waiting / span,
        {pool.name: sum(one.pool == pool.name for one in helped) for pool in setting.pools},
        busy,
    )


def _within(one: Contact, start: float, until: float) -> float:
    began = one.left or 0.0
    return max(0.0, min(began + one.handling, until) - max(began, start))


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over replications with its 95 % interval: ``mean`` ± ``half``; ``runs``: how many."""

    mean: float
    half: float
    runs: int

    @property
    def low(self) -> float:
        return self.mean - self.half

    @property
    def high(self) -> float:
        return self.mean + self.half


def figure(values: Sequence[float]) -> Figure:
    """Raises ValueError on fewer than two: one run tells nothing of its chance."""
    if len(values) < 2:
        raise ValueError("an interval needs two runs at least")
    t = _T95[len(values) - 2] if len(values) - 2 < len(_T95) else 1.96
    return Figure(fmean(values), t * stdev(values) / math.sqrt(len(values)), len(values))


FIGURES = ("abandoned", "answered", "waited", "wait", "queue")
"""What is told of a desk, each with its interval."""


def simulate(
    setting: Setting, rate: float | Sequence[float], hours: float, runs: int = 20, seed: int = 1, warm_up: float = 0.0
) -> dict[str, Figure]:
    """``runs`` replications, and the figures of ``FIGURES`` with their intervals, ``busy:<pool>`` and
    ``helped:<pool>`` (the share of all contacts) besides."""
    found = [replicate(setting, rate, hours, seed + number, warm_up) for number in range(runs)]
    figures = {name: figure([getattr(one, name) for one in found]) for name in FIGURES}
    for pool in setting.pools:
        figures[f"busy:{pool.name}"] = figure([one.busy[pool.name] for one in found])
        figures[f"helped:{pool.name}"] = figure([one.helped[pool.name] / max(one.offered, 1) for one in found])
    return figures
