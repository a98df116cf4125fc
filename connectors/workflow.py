"""The way to a status through a desk's workflow, where the desk says at each step only what it offers there.

Bounded, and never by trial: a step is taken only where what is known of the workflow leads on from it to the target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

Step = TypeVar("Step")
Edges = Mapping[str, Sequence[str]]
HOPS = 3


def search(edges: Edges, start: str, target: str, hops: int) -> list[str] | None:
    """The shortest way from ``start``, the target last; of equal ones the first in the edges' order."""
    ways: list[list[str]] = [[]]
    seen = {start}
    for _ in range(hops):
        further = []
        for way in ways:
            for status in edges.get(way[-1] if way else start, ()):
                if status == target:
                    return [*way, status]
                if status not in seen:
                    seen.add(status)
                    further.append([*way, status])
        ways = further
    return None


def walk(
    here: str, target: str, edges: Edges, hops: int, offered: Callable[[], Mapping[str, Step]]
) -> Iterator[Step | None]:
    """What to do next, step by step, each done before the next is asked for; None once, last, where no way is left.

    ``offered()``: what the desk offers now, by the status it leads to; it has the last word on the edges from here.
    """
    passed = {here}
    for left in range(hops, 0, -1):
        if here == target:
            return
        now = offered()
        onward = [status for status in now if status not in passed]
        way = search({**edges, here: onward}, here, target, left)
        if way is None:
            break
        yield now[way[0]]
        here = way[0]
        passed.add(here)
    if here != target:
        yield None
