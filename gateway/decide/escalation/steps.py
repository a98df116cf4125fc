"""How each step of a path stands: when it is due, or why it will not act."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.decide.escalation.matrix import RESET, Row, Step
from gateway.decide.escalation.times import Times, instant
from gateway.decide.escalation.watch import Watch

SINCE_WORDS = {
    "opened": "since it was opened",
    "holder": "with the one who has it",
    "unacknowledged": "without a sign of work",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """``due`` in UTC microseconds, None while the step cannot act; ``said``: why not, with the moment ``at`` of it."""

    step: Step
    due: int | None
    said: str = ""
    at: int = 0

    @property
    def why(self) -> str:
        """In words: when it is due, or why it is not."""
        if self.due is not None:
            return f"due {instant(self.due)}"
        return f"{self.said} {instant(self.at)}" if self.at else self.said


def stands(row: Row, watch: Watch, times: Times) -> list[Stand]:
    """The steps of a path in order. What counts from the holder waits for the hand-overs before it."""
    found: list[Stand] = []
    for step in row.steps:
        stand = _stand(row, step, watch, times)
        if stand.due is not None and step.since in RESET:
            before = next((one.step.name for one in found if one.step.functional and one.due is not None), "")
            stand = Stand(step, None, f"it comes after {before}") if before else stand
        found.append(stand)
    return found


def _stand(row: Row, step: Step, watch: Watch, times: Times) -> Stand:
    rule = f"{row.name}/{step.name}"
    if rule in watch.done:
        return Stand(step, None, "done", watch.done[rule])
    ending = next((one.name for one in row.steps if one.ends and f"{row.name}/{one.name}" in watch.done), "")
    if ending:
        return Stand(step, None, f"the path ended with {ending}")
    if step.functional and step.to == watch.holder:
        return Stand(step, None, f"{step.to} has it")
    if step.functional and (step.to in watch.had or step.to in watch.tried):
        return Stand(step, None, f"{step.to} had it already, or was asked")
    if step.since == "unacknowledged" and watch.answered:
        return Stand(step, None, f"{watch.holder} works on it since", watch.answered)
    begun = _begun(step, watch)
    if not begun:
        return Stand(step, None, f"{step.since.removeprefix('breach:')} has not been missed")
    due = times.due(step.wait, watch.holder, begun, watch.pauses)
    if due is None:
        return Stand(step, None, "nothing counts while the ticket waits for somebody else")
    return Stand(step, max(_spaced(row, step, watch, times, due), watch.on_path))


def _begun(step: Step, watch: Watch) -> int:
    """The moment a step counts from; 0: it has not come."""
    if step.since == "opened":
        return watch.opened
    return watch.since if step.since in RESET else watch.breaches.get(step.since.removeprefix("breach:"), 0)


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
