"""How many people and lines a load needs, in closed form: Erlang B (lines), C (who waits) and A (who gives up).

``load`` is in Erlangs: arrivals a second times the seconds each takes. Formulas: Erlang 1917; Palm 1957 for A, as a
birth-death process. Times are in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count

_ENDLESS = 1e-15
"""A state less likely than this, beyond the fullest likely one, no longer counts."""


def load(arrivals: float, per: float, handling: float) -> float:
    """Erlangs of so many arrivals in a period of ``per`` seconds, each of ``handling`` seconds."""
    return arrivals / per * handling


def blocked(load: float, lines: int) -> float:
    """Erlang B: the share of calls that find every line taken. By the recursion, which cannot overflow."""
    share = 1.0
    for number in range(1, lines + 1):
        share = load * share / (number + load * share)
    return share


def lines(load: float, most: float) -> int:
    """The fewest lines on which no greater share than ``most`` is turned away. Raises ValueError for a share of 0."""
    if not 0 < most < 1:
        raise ValueError("the share that may be turned away is between 0 and 1")
    return next(number for number in count(0) if blocked(load, number) <= most)


def waits(load: float, agents: int) -> float:
    """Erlang C: the share of contacts that wait at all; everybody where the load is not less than the agents."""
    if load >= agents:
        return 1.0
    busy = blocked(load, agents)
    return agents * busy / (agents - load * (1 - busy))


def answered_within(load: float, agents: int, handling: float, seconds: float) -> float:
    """Service level: the share of all contacts answered within so many seconds, nobody giving up."""
    if load >= agents:
        return 0.0
    return 1 - waits(load, agents) * math.exp(-(agents - load) * seconds / handling)


def mean_wait(load: float, agents: int, handling: float) -> float:
    """Average speed of answer in seconds; infinite where the load is not less than the agents."""
    return math.inf if load >= agents else waits(load, agents) * handling / (agents - load)


@dataclass(frozen=True, slots=True)
class Staffed:
    """``agents`` at work at once, ``heads`` to have so many with shrinkage; the rest as the formulas say it."""

    agents: int
    heads: int
    waits: float
    answered: float
    mean_wait: float
    occupancy: float


def staff(
    load: float, handling: float, within: float, share: float, shrinkage: float = 0.0, occupancy: float = 1.0
) -> Staffed:
    """The fewest agents who answer ``share`` of all contacts within ``within`` seconds and are busy no more than
    ``occupancy``. ``shrinkage``: the share of paid time in which nobody is at the desk."""
    if not (0 < share < 1 and 0 <= shrinkage < 1 and 0 < occupancy <= 1):
        raise ValueError("share, shrinkage and occupancy are between 0 and 1")
    for agents in count(math.floor(load) + 1):
        if load / agents <= occupancy and answered_within(load, agents, handling, within) >= share:
            break
    return Staffed(
        agents,
        math.ceil(round(agents / (1 - shrinkage), 9)),
        waits(load, agents),
        answered_within(load, agents, handling, within),
        mean_wait(load, agents, handling),
        load / agents,
    )


def gives_up(load: float, agents: int, handling: float, patience: float) -> float:
    """Erlang A: the share of contacts that give up, where patience lasts ``patience`` seconds on average. The number in
    the system is a birth-death process; who gives up in a second is patience's rate times those who wait."""
    served, leaving, arriving = 1 / handling, 1 / patience, load / handling
    logs, most, log = [0.0], 0.0, 0.0
    for number in count(1):
        log += math.log(arriving) - math.log(min(number, agents) * served + max(0, number - agents) * leaving)
        logs.append(log)
        most = max(most, log)
        if number > agents and log < most + math.log(_ENDLESS):
            break
    weights = [math.exp(one - most) for one in logs]
    waiting = math.fsum(weight * max(0, number - agents) for number, weight in enumerate(weights))
    return leaving * waiting / math.fsum(weights) / arriving
