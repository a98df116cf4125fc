"""Tickets that escalate, on simulated time and without a road: what ``follow`` asks for is done at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from gateway.decide.escalation import Watched, compile_escalation, follow
from gateway.decide.escalation.actions import Action, HandOver, Promote, TakeBack
from gateway.decide.escalation.matrix import Matrix
from gateway.decide.language import Known
from gateway.decide.signals import Signal, View

MIN = 60_000_000
HOUR = 60 * MIN
START = 1_795_500_000_000_000  # Tuesday 2026-11-24 06:00 UTC

KNOWN = Known(
    frozenset({"service-desk", "network", "last-resort"}),
    frozenset({"acme", "globex", "initech", "asleep"}),
    frozenset({"acme", "globex", "initech"}),
)

P1 = """
policy: 1
name: escalation
calendar: desk
waits: [pending_requester]
roles:
  lead: {users: [ana@example.com]}
  manager: {email: [boss@example.com]}
acknowledge: {after: 1 h, clock: wall}
fallback: {to: team:service-desk, unassigned: 8 h, clock: wall, inform: [lead]}
deadlock: {returns: 2, messages: 4, inform: [manager]}
matrix:
  - name: p1
    priority: [P1]
    steps:
      - {name: lead, after: 15 min, since: unacknowledged, clock: wall, do: hierarchical, inform: [lead]}
      - {name: acme, after: 30 min, clock: wall, do: functional, to: "provider:acme"}
      - {name: globex, after: 4 h, clock: wall, do: functional, to: "provider:globex", how: warm,
         otherwise: "team:last-resort"}
      - {name: manager, after: 6 h, clock: wall, do: hierarchical, inform: [manager], text: A P1 lasts}
  - name: others
    steps:
      - {name: lead, after: 8 h, since: unacknowledged, do: hierarchical, inform: [lead]}
"""


def matrix(text: str = P1, known: Known | None = KNOWN) -> Matrix:
    return compile_escalation(yaml.safe_load(text), known)


@dataclass
class Story:
    """One ticket, seen as escalation sees it. ``log``: (when, action) of everything asked for."""

    matrix: Matrix
    calendars: Any = None
    now: int = START
    fields: dict[str, Any] = field(default_factory=lambda: {"status": "new", "priority": "P1"})
    holder: str = "team:service-desk"
    legs: dict[str, tuple[str, str]] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    wake_at: int | None = None
    log: list[tuple[int, Action]] = field(default_factory=list)
    frozen: bool = False
    reachable: bool = True

    def __post_init__(self) -> None:
        self.look(Signal("opened", self.now))

    def view(self) -> View:
        return View(self.now, 1, dict(self.fields), self.holder, START, dict(self.legs))

    def look(self, *signals: Signal) -> Watched:
        seen = follow(self.state, self.matrix, self.calendars, self.view(), signals)
        assert seen.wake_at is None or seen.wake_at > self.now, "it wakes in the past"
        self.state, self.wake_at = seen.state, seen.wake_at
        for action in seen.actions:
            self.log.append((self.now, action))
            self.carry(action)
        return seen

    def carry(self, action: Action) -> None:
        if isinstance(action, HandOver | TakeBack) and action.ends:
            self.legs[action.ends.removeprefix("provider:")] = ("ended", "")
        if isinstance(action, HandOver):
            slug = action.to.removeprefix("provider:")
            if slug != action.to:
                self.legs[slug] = ("helper" if action.how == "warm" else "holder", "")
            if action.how == "cold":
                self.give(action.to)
        elif isinstance(action, TakeBack) and self.holder == action.ends:
            self.give(action.to)
        elif isinstance(action, Promote):
            self.give(action.provider)

    def give(self, to: str) -> None:
        for slug, (role, status) in self.legs.items():
            if role == "holder" and f"provider:{slug}" != to:
                self.legs[slug] = ("helper", status)
        self.holder = to
        if to.startswith("provider:"):
            self.legs[to.removeprefix("provider:")] = ("holder", "")

    # -- time --

    def until(self, at: int) -> None:
        """Time goes on, and the clock asks whenever it was told to."""
        while not self.frozen and self.wake_at is not None and self.wake_at <= at:
            self.now = max(self.now, self.wake_at)
            self.look(Signal("clock", self.now))
        self.now = max(self.now, at)

    def after(self, length: int) -> None:
        self.until(self.now + length)

    # -- people --

    def says(self, kind: str, party: str, **how: Any) -> Watched:
        return self.look(Signal(kind, self.now, party, **how))

    def hands(self, to: str) -> Watched:
        before = self.holder
        self.give(to)
        return self.look(Signal("holder", self.now, "team:service-desk", before, to))

    def becomes(self, status: str, party: str = "team:service-desk") -> Watched:
        before, self.fields["status"] = self.fields["status"], status
        return self.look(Signal("status", self.now, party, before, status))

    # -- what came of it --

    def did(self) -> list[str]:
        return [brief(action) for _, action in self.log]

    def copy(self) -> Story:
        return replace(self, legs=dict(self.legs), fields=dict(self.fields), log=list(self.log))


def brief(action: Action) -> str:
    """``cold provider:acme``, ``inform lead`` ..."""
    name = type(action).__name__
    if isinstance(action, HandOver):
        return f"{action.how} {action.to}" + (f" from {action.ends}" if action.ends else "")
    if isinstance(action, TakeBack):
        return f"{action.to} from {action.ends}"
    if isinstance(action, Promote):
        return f"promote {action.provider}"
    return f"inform {', '.join(action.roles)}" if hasattr(action, "roles") else name
