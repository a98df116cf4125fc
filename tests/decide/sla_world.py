"""Tickets for the tests of clocks: told what happens, one plan after another, as ``decide.follow`` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.decide.hours import Calendars
from gateway.decide.signals import Signal, View
from gateway.decide.sla import Event, Stand, Targets, compile_targets, follow, recompute, stands, totals
from gateway.decide.sla.totals import Clock, Totals
from mappings.loader import load, plain
from tests.architecture.tree import ROOT
from tests.decide.hours_world import H, at, hours, office

MIN = H // 60
DAY = 24 * H
SHIPPED = ROOT / "gateway" / "policies" / "targets.yaml"
NOON = at("2026-11-16T12:00")
"""A Monday."""

ALWAYS = Calendars("calendars@1", {"all": hours("UTC", ((0, DAY),))}, "all")
OFFICE = Calendars("calendars@2", {"office": office()}, "office")
"""Monday to Friday, 9 to 18, in Madrid."""


def shipped() -> dict[str, Any]:
    """The shipped policy as plain data, to be changed at will."""
    made: dict[str, Any] = plain(load(SHIPPED.read_text(encoding="utf-8"), "targets.yaml"))
    return made


def policy(label: str = "targets@1", reopened: str = "counts", rules: Any = (), **default: Any) -> Targets:
    """A policy with these targets for every ticket, and rules before that."""
    doc = {"policy": "1", "name": "targets", "reopened": reopened, "default": {"targets": default}}
    return compile_targets({**doc, "rules": list(rules)}, label=label)


@dataclass
class Desk:
    """One ticket and its clocks. Times are given in minutes after noon on a Monday, or as instants."""

    targets: Targets
    calendars: Calendars = ALWAYS
    holder: str = "team:desk"
    fields: dict[str, Any] = field(default_factory=lambda: {"status": "new", "priority": "P3", "kind": "incident"})
    legs: dict[str, tuple[str, str]] = field(default_factory=dict)
    requester: Mapping[str, str] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    holdings: list[tuple[int, str]] = field(default_factory=list)
    wake_at: int | None = None
    now: int = NOON
    created: int = NOON

    def tell(self, at: float, *signals: Signal) -> list[Event]:
        """Let a plan end at ``at``; what was written down by it."""
        self.now = instant(at)
        view = View(self.now, 1, self.fields, self.holder, self.created, self.legs, self.requester)
        clocked = follow(self.state, self.targets, self.calendars, view, signals)
        self.state, self.wake_at = clocked.state, clocked.wake_at
        self.events += clocked.events
        self.notices += clocked.notices
        return list(clocked.events)

    def open(self, at: float = 0) -> Desk:
        self.created = instant(at)
        self.holdings = [(self.created, self.holder)]
        self.tell(
            at, Signal("opened", instant(at), "requester"), Signal("holder", instant(at), "tandem", "", self.holder)
        )
        return self

    def status(self, at: float, status: str, party: str = "team:desk", happened: float | None = None) -> list[Event]:
        before, self.fields = self.fields["status"], {**self.fields, "status": status}
        when = instant(at if happened is None else happened)
        return self.tell(at, Signal("status", when, party, before, status))

    def give(self, at: float, holder: str, party: str = "team:desk", happened: float | None = None) -> list[Event]:
        """Pass it on; to a provider: it is accepted there at once."""
        before, self.holder = self.holder, holder
        when = instant(at if happened is None else happened)
        self.holdings.append((when, holder))
        signals = [Signal("holder", when, party, before, holder)]
        if before.startswith("provider:"):
            self.legs[before.removeprefix("provider:")] = ("ended", "")
        if holder.startswith("provider:"):
            self.legs[holder.removeprefix("provider:")] = ("holder", "")
            signals.append(Signal("accepted", when, holder))
        return self.tell(at, *signals)

    def reply(self, at: float, party: str = "team:desk", public: bool = True, useful: bool = True) -> list[Event]:
        return self.tell(at, Signal("replied", instant(at), party, public=public, useful=useful))

    def priority(self, at: float, priority: str, party: str = "team:desk") -> list[Event]:
        before, self.fields = self.fields["priority"], {**self.fields, "priority": priority}
        return self.tell(at, Signal("priority", instant(at), party, before, priority))

    def policy(self, at: float, targets: Targets) -> list[Event]:
        self.targets = targets
        return self.tell(at, Signal("policy", instant(at)))

    def tick(self, at: float) -> list[Event]:
        return self.tell(at, Signal("clock", instant(at)))

    # -- read --

    def of(self, clock: str, *kinds: str) -> list[Event]:
        """The events of a clock, of these kinds where some are named."""
        return [one for one in self.events if one.clock == clock and (not kinds or one.kind in kinds)]

    def kinds(self, clock: str) -> list[str]:
        return [one.kind for one in self.of(clock)]

    def due(self, clock: str) -> float | None:
        """When a clock runs out, in minutes after noon."""
        due = self.state["clocks"][clock]["due"]
        return None if due is None else (due - NOON) / MIN

    def stand(self, clock: str, at: float | None = None) -> Stand:
        now = self.now if at is None else instant(at)
        return next(one for one in stands(self.state, now, self.calendars) if one.clock == clock)

    def totals(self) -> Totals:
        assert recompute(self.events) == self.state
        return totals(self.events, self.holdings, self.now, self.calendars)

    def total(self, clock: str, instance: int = 1) -> Clock:
        return next(one for one in self.totals().clocks if (one.clock, one.instance) == (clock, instance))


def instant(at: float) -> int:
    """Minutes after noon, or an instant as it is."""
    return int(at) if at > 1e12 else NOON + round(at * MIN)


def minutes(at: int) -> float:
    """An instant in minutes after noon."""
    return (at - NOON) / MIN
