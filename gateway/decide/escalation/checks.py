"""Whether a matrix can be followed from every cell to an end: no hole, no loop, nothing that is never reached.

Each fault stands at the place where it has to be mended (``matrix[1].steps[2].to``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.decide.language import Reader, spelled
from gateway.tickets.vocabulary import PRIORITIES

if TYPE_CHECKING:
    from gateway.decide.escalation.matrix import Matrix, Row, Step

OTHER = ""
"""Every service that no row names."""


def check(r: Reader, matrix: Matrix, services: Iterable[str]) -> None:
    """Add what is wrong to the reader. ``services``: those the policy declares, in lower case; none: any."""
    declared = tuple(services)
    cells = _cells(matrix, declared)
    _holes(r, matrix, cells)
    _unreachable(r, matrix, cells, declared)
    names: set[str] = set()
    for number, row in enumerate(matrix.rows):
        path = f"matrix[{number}]"
        if row.name in names:
            r.fault(f"{path}.name", "two rows have this name", row.name, "Name each differently.")
        names.add(row.name)
        _steps(r, row, path)


def _cells(matrix: Matrix, declared: Sequence[str]) -> list[tuple[str, str]]:
    services = dict.fromkeys((*declared, *(one for row in matrix.rows for one in row.services), OTHER))
    return [(service, priority) for service in services for priority in PRIORITIES]


def _holes(r: Reader, matrix: Matrix, cells: Sequence[tuple[str, str]]) -> None:
    if not matrix.rows:
        r.fault("matrix", "is needed", None, "Write at least one row with steps.")
        return
    missing: dict[str, list[str]] = {}
    for service, priority in cells:
        if matrix.row(service, priority) is None:
            missing.setdefault(service, []).append(priority)
    for service, priorities in missing.items():
        cell = f"{service or 'any other service'} x {', '.join(priorities)}"
        r.fault("matrix", "a hole: no row says what happens there", cell, "Add a row for it, or one for everything.")
    for number, row in enumerate(matrix.rows):
        if not row.steps:
            r.fault(f"matrix[{number}].steps", "a hole: there is no step", row.name, "Write at least one step.")


def _unreachable(r: Reader, matrix: Matrix, cells: Sequence[tuple[str, str]], declared: Sequence[str]) -> None:
    for number, row in enumerate(matrix.rows):
        path, before = f"matrix[{number}]", matrix.rows[:number]
        mine = [cell for cell in cells if row.covers(*cell)]
        left = [cell for cell in mine if not any(one.covers(*cell) for one in before)]
        for at, service in enumerate(row.services):
            if declared and service not in declared:
                fix = f"There are: {', '.join(declared)}."
                r.fault(f"{path}.service[{at}]", "unreachable: no such service", service, fix)
        if mine and not left:
            by = ", ".join(dict.fromkeys(one.name for one in before if any(one.covers(*cell) for cell in mine)))
            r.fault(path, f"unreachable: every ticket of it is taken by {by}", row.name, "Move it up, or leave it out.")
            continue
        for at, priority in enumerate(row.priorities):
            if priority in row.priorities[:at] or (left and priority not in {cell[1] for cell in left}):
                r.fault(f"{path}.priority[{at}]", "unreachable: a row above has it", priority, "Leave it out.")
        for at, service in enumerate(row.services):
            if service in row.services[:at] or (left and service not in {cell[0] for cell in left}):
                r.fault(f"{path}.service[{at}]", "unreachable: a row above has it", service, "Leave it out.")


def _steps(r: Reader, row: Row, path: str) -> None:
    names: set[str] = set()
    had: list[str] = []
    ended = False
    for number, step in enumerate(row.steps):
        at = f"{path}.steps[{number}]"
        if step.name in names:
            r.fault(f"{at}.name", "two steps have this name", step.name, "Name each differently.")
        names.add(step.name)
        if ended:
            r.fault(
                at, "unreachable: the step before it ends the path", step.name, "Leave it out, or ends: true there."
            )
        ended = ended or step.ends
        _order(r, row.steps, number, at)
        if step.functional and step.to:
            _loop(r, step, had, at)
            had.append(step.to)


def _loop(r: Reader, step: Step, had: Sequence[str], at: str) -> None:
    if step.to in had:
        way = " -> ".join((*had[had.index(step.to) :], step.to))
        r.fault(f"{at}.to", "a loop: the ticket has been there", way, "A path never returns; name somebody else.")
    if step.otherwise and step.otherwise in (*had, step.to):
        way = " -> ".join((*had, step.to, step.otherwise))
        fix = "Name a team that this path has not tried."
        r.fault(f"{at}.otherwise", "a loop: the chain returns", way, fix)


def _order(r: Reader, steps: Sequence[Step], number: int, at: str) -> None:
    """Times that begin at the same moment stand in order; two hand-overs are never at the same time. What counts from
    the holder begins again with each hand-over before it."""
    step = steps[number]
    for before in reversed(steps[:number]):
        resets = before.functional and step.since in ("holder", "unacknowledged")
        if resets:
            return
        if (before.since, before.wait.calendar) != (step.since, step.wait.calendar):
            continue
        both = step.functional and before.functional
        if step.wait.length < before.wait.length or (both and step.wait.length == before.wait.length):
            when = f"{spelled(step.wait.length)}, after {spelled(before.wait.length)}"
            r.fault(f"{at}.after", "timed before the step it follows", when, "Give it a later time, or move it up.")
        return
