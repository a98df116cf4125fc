"""How each step of a path stands: when it is due, or why it will not act."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.decide.escalation_matrix import RESET, Row, Step
from gateway.decide.escalation_times import Times, instant
from gateway.decide.escalation_watch import Watch

SINCE_WORDS = {
    "opened": "since it was opened",
    "holder": "with the one who has it",
    "unacknowledged": "without a sign of work",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """``due`` in UTC microseconds, None while the step cannot act; ``why``: in words."""

    step: Step
    due: int | None
    why: str


def stands(row: Row, watch: Watch, times: Times) -> list[Stand]:
    """The steps of a path in order. What counts from the holder waits for the hand-overs before it."""
    found: list[Stand] = []
    for step in row.steps:
        due, why = _stand(row, step, watch, times)
        before = [one.step.name for one in found if one.step.functional and one.due is not None]
        if due is not None and before and step.since in RESET:
            due, why = None, f"it comes after {before[0]}"
        found.append(Stand(step, due, why or (f"due {instant(due)}" if due is not None else "")))
    return found


def _stand(row: Row, step: Step, watch: Watch, times: Times) -> tuple[int | None, str]:
    rule = f"{row.name}/{step.name}"
    if rule in watch.done:
        return None, f"done {instant(watch.done[rule])}"
    ending = next((one.name for one in row.steps if one.ends and f"{row.name}/{one.name}" in watch.done), "")
    if ending:
        return None, f"the path ended with {ending}"
    if step.functional and step.to == watch.holder:
        return None, f"{step.to} has it"
    if step.functional and step.to in (*watch.had, *watch.tried):
        return None, f"{step.to} had it already, or was asked"
    begun, why = _begun(step, watch)
    if not begun:
        return None, why
    due = times.due(step.wait, watch.holder, begun, watch.pauses)
    if due is None:
        return None, "nothing counts while the ticket waits for somebody else"
    return _spaced(row, step, watch, times, due), ""


def _begun(step: Step, watch: Watch) -> tuple[int, str]:
    """The moment a step counts from; 0 and why not."""
    if step.since == "opened":
        return watch.opened, ""
    if step.since == "holder":
        return watch.since, ""
    if step.since == "unacknowledged":
        if watch.answered:
            return 0, f"{watch.holder} works on it since {instant(watch.answered)}"
        return watch.since, ""
    clock = step.since.removeprefix("breach:")
    return watch.breaches.get(clock, 0), f"{clock} has not been missed"


def _spaced(row: Row, step: Step, watch: Watch, times: Times, due: int) -> int:
    """A hand-over that came late does not take the time from the one who got the ticket: the next follows after as long
    as the path says lies between them."""
    if not step.functional or not watch.handed or step.since in RESET:
        return due
    rule, at = watch.handed
    last = next((one for one in row.steps if f"{row.name}/{one.name}" == rule), None)
    if last is None or last.since != step.since or last.wait.calendar != step.wait.calendar:
        return max(due, int(at) + 1)
    gap = max(step.wait.length - last.wait.length, 0)
    who = watch.holder if step.wait.calendar == "holder" else step.wait.calendar
    return max(due, times.after(who, int(at), gap))
