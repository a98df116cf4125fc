"""The way from the status there now to the one we want, through the remote's own workflow (MAPPINGS.md 2.6).

Breadth first, at most ``hops`` steps, never through a status the mapping avoids or we may not write, nor through a
finished status to a living one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mappings.catalogue import Workflow
from mappings.rules import Field

FINAL = frozenset({"resolved", "closed", "cancelled"})

Find = Callable[[Any, str, str], list[str] | None]
"""(their status now or None, the target, what it means to us) -> statuses to enter, the target last; None: no way."""


def finder(rule: Field, workflow: Workflow) -> Find:
    """The search for one status rule, with its answers kept."""
    shut = _finished(rule)
    barred = rule.avoid | rule.remotes[0].read_only
    known: dict[tuple[str, str, bool], list[str] | None] = {}

    def find(here: Any, target: str, meaning: str) -> list[str] | None:
        if here is None or not workflow.known:
            return [target]
        start = str(here)
        if start == target:
            return []
        if workflow.edges is None or start not in workflow.edges:
            return [target]
        living = meaning not in FINAL
        key = (start, target, living)
        if key not in known:
            closed = barred | shut if living else barred
            known[key] = search(workflow.edges, start, target, workflow.hops, closed)
        way = known[key]
        return None if way is None else list(way)

    return find


def search(
    edges: Mapping[str, tuple[str, ...]], start: str, target: str, hops: int, barred: frozenset[str]
) -> list[str] | None:
    """The shortest way from ``start`` to ``target``, both ends exempt from ``barred``; ties in the edges' order."""
    ways: list[list[str]] = [[]]
    at = {start}
    for _ in range(hops):
        further = []
        for way in ways:
            for status in edges.get(way[-1] if way else start, ()):
                if status == target:
                    return [*way, status]
                if status not in at and status not in barred:
                    at.add(status)
                    further.append([*way, status])
        ways = further
    return None


def _finished(rule: Field) -> frozenset[str]:
    """Their statuses that mean nothing but finished to us."""
    meanings: dict[str, set[str | None]] = {}
    for rows in (rule.rows or {}).values():
        for row in rows:
            meanings.setdefault(row.path[0], set()).add(row.meaning)
    return frozenset(id for id, words in meanings.items() if words <= FINAL)
