"""Staff that works by itself at a human pace, so that the demo's provider does something while one watches.

What comes next for a ticket is read from the ticket alone, so a restarted desk goes on where it stopped.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta

from connectors.memory.desk import Desk
from connectors.memory.rules import OVER, DeskError
from connectors.memory.tickets import Ticket

BEAT = 3.0
"""Seconds between two looks at human pace; each look does at most one thing."""

NOTES = (
    "Looked at the logs, this looks like the rollout of this morning.",
    "Same pattern as last week; checking the second line's notes.",
    "Reproduced on our test machine.",
)
QUESTIONS = (
    "Could you tell us since when this happens, and whether a colleague sees it too?",
    "Does it also happen at another machine?",
    "May we restart the machine for a moment?",
)
ANSWERS = (
    "The service was restarted and answers again. Please tell us if you see it once more.",
    "We rolled back the update that caused this.",
    "Found on our side and corrected; it holds since half an hour. Please try again.",
)


class Persona:
    """One of the staff, who leaves alone what others have taken. ``pace``: 1 is a human pace, 10 ten times as fast."""

    def __init__(self, desk: Desk, pace: float = 1.0, who: str = "robin", seed: int = 7) -> None:
        self._desk = desk
        self._pace = pace
        self._who = who
        self._random = random.Random(seed)  # noqa: S311  variety for the eye

    def start(self, stopping: threading.Event) -> threading.Thread:
        """Works until ``stopping``, from a thread of its own."""
        thread = threading.Thread(target=self._work, args=(stopping,), daemon=True, name="persona")
        thread.start()
        return thread

    def _work(self, stopping: threading.Event) -> None:
        while not stopping.wait(BEAT / self._pace * self._random.uniform(0.5, 1.5)):
            self.beat()

    def beat(self) -> bool:
        """One look: does the next thing for the ticket that has waited longest; False when there is none."""
        pause = timedelta(seconds=2 * BEAT / self._pace)
        waiting = sorted(self._desk.tickets.values(), key=lambda each: each.updated)
        for ticket in waiting:
            act = self._next(ticket)
            if act is not None and self._desk.clock() - ticket.updated >= pause:
                try:
                    act()
                except DeskError:
                    continue  # somebody else was quicker
                return True
        return False

    def _next(self, ticket: Ticket) -> Callable[[], object] | None:
        id, who, status = ticket.id, self._who, str(ticket.fields["status"])
        mail = self._desk.people[who].email
        if ticket.deleted or status in OVER or ticket.fields["assignee"] not in (None, mail):
            return None
        mine = [each for each in ticket.comments if each.author == who]
        if status == "waiting":
            answered = ticket.comments and ticket.comments[-1].author != who and ticket.comments[-1].public
            patient = self._desk.clock() - ticket.updated > timedelta(seconds=15 * BEAT / self._pace)
            return (lambda: self._set(id, "working")) if answered or patient else None
        if status == "open":
            return lambda: self._desk.update(who, id, {"status": "working", "assignee": mail})
        if not mine:
            return lambda: self._desk.comment(who, id, self._random.choice(NOTES), False)
        if len(mine) == 1 and int(id) % 2:
            return lambda: self._ask(id)
        return lambda: self._resolve(id)

    def _set(self, id: str, status: str) -> None:
        self._desk.update(self._who, id, {"status": status})

    def _ask(self, id: str) -> None:
        self._desk.comment(self._who, id, self._random.choice(QUESTIONS), True)
        self._set(id, "waiting")

    def _resolve(self, id: str) -> None:
        minutes = self._random.choice((10, 15, 20, 30, 45))
        started = self._desk.clock() - timedelta(minutes=minutes)
        self._desk.comment(self._who, id, self._random.choice(ANSWERS), True)
        self._desk.log(self._who, id, minutes, "Analysis and fix", started)
        self._set(id, "done")
